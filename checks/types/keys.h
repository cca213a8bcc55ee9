// What the tables of keys share: slots, and words for what a value may be.

#pragma once

#include <array>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "agent/base/result.h"
#include "checks/definition_keys.h"
#include "checks/expectation.h"
#include "checks/types/table.h"
#include "checks/value_forms.h"

namespace picket::checks {

template <typename T>
Slot slot_at(T* member) {
    if constexpr (std::is_enum_v<T>) {
        static_assert(std::is_same_v<std::underlying_type_t<T>, std::uint8_t>);
        return Choice{reinterpret_cast<std::uint8_t*>(member)};
    } else {
        return member;
    }
}

template <typename Q, typename T>
Slot slot_of(Definition& definition, T Q::*member) {
    if constexpr (std::is_same_v<Q, Definition>) {
        return slot_at(&(definition.*member));
    } else {
        return slot_at(&(definition.query.as<Q>().*member));
    }
}

// The slot of a member: in<&HttpQuery::url>.
template <auto member>
Slot in(Definition& definition) {
    return slot_of(definition, member);
}

// The slot of a member of a member: within<&HttpQuery::tls, &TlsOptions::verify>.
template <typename Q, typename Part, typename T>
Slot slot_within(Definition& definition, Part Q::*part, T Part::*member) {
    return slot_at(&(definition.query.as<Q>().*part.*member));
}
template <auto part, auto member>
Slot within(Definition& definition) {
    return slot_within(definition, part, member);
}

// The slot of a key that reads and writes its value by itself.
template <auto read, auto write>
Slot own_form(Definition&) {
    return OwnForm{read, write};
}

// Rows of several tables, as one.
template <std::size_t... sizes>
constexpr auto joined(const std::array<Key, sizes>&... parts) {
    std::array<Key, (sizes + ...)> all{};
    std::size_t at = 0;
    const auto append = [&](const auto& part) {
        for (const Key& key : part) all[at++] = key;
    };
    (append(parts), ...);
    return all;
}

// A regular expression of a bounded size.
Status check_expression(std::string_view text);

namespace words {

using Words = std::span<const std::string_view>;

constexpr Need optional = Need::optional;
constexpr Need required = Need::required;
constexpr Part question = Part::question;
constexpr Part policy = Part::policy;

constexpr std::string_view a_boolean = "true or false";
constexpr std::string_view a_count = "a whole number";
constexpr std::string_view a_duration = "a duration such as \"10s\"";
constexpr std::string_view a_pattern = "a regular expression in quotes";
constexpr std::string_view a_path = "an absolute path";
constexpr std::string_view a_string = "a string";
constexpr std::string_view patterns =
    "a table of regular expressions such as { Server = \"^nginx\" }";

}  // namespace words
}  // namespace picket::checks
