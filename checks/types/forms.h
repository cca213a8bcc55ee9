// Forms of values that host checks and databases have beside those of every key.

#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/text.h"
#include "checks/amount.h"
#include "checks/types/keys.h"

namespace picket::checks {

// What an Amount counts where it is no share.
enum class Measure : std::uint8_t { bytes, items };
// Whether it may be a share.
enum class Shares : std::uint8_t { allowed, refused };

Result<Amount> as_amount(const Value& value, Measure measure, Shares shares);
std::string write_amount(const Amount& amount, Measure measure);

// A number, not negative: 8, 0.5.
Result<double> as_number(const Value& value);

namespace forms {

using Faults = std::vector<Fault>;

// A value that a substitution brought in is never told, not even where it is wrong.
inline Fault fault(const Value& value, std::string part, const Error& error) {
    return {value.position, std::move(part),
            value.substituted ? "is not right once its ${...} is replaced" : error.message()};
}

// The member, behind a pointer to member of the definition's query.
template <typename Q, typename T>
T& member_of(Definition& definition, T Q::*member) {
    return definition.query.as<Q>().*member;
}
template <typename Q, typename T>
const T& member_of(const Definition& definition, T Q::*member) {
    return definition.query.as<Q>().*member;
}

template <auto member, Measure measure, Shares shares>
Faults read_amount(const Value& value, Definition& definition) {
    const auto amount = as_amount(value, measure, shares);
    if (!amount.has_value()) return {fault(value, {}, amount.error())};
    member_of(definition, member) = *amount;
    return {};
}
template <auto member, Measure measure>
std::optional<std::string> write_optional_amount(const Definition& definition) {
    const std::optional<Amount>& amount = member_of(definition, member);
    if (!amount) return std::nullopt;
    return write_amount(*amount, measure);
}

template <typename Q, auto member>
Faults read_number(const Value& value, Definition& definition) {
    const auto number = as_number(value);
    if (!number.has_value()) return {fault(value, {}, number.error())};
    definition.query.as<Q>().*member = *number;
    return {};
}
template <typename Q, auto member>
std::optional<std::string> write_number(const Definition& definition) {
    const std::optional<double>& number = definition.query.as<Q>().*member;
    if (!number) return std::nullopt;
    return fmt::format("{}", *number);
}

// One number, or up to `most` in an array.
template <auto member, std::size_t most>
Faults read_numbers(const Value& value, Definition& definition) {
    const bool several = value.kind == Value::Kind::array;
    const auto items = several ? std::span(value.items) : std::span(&value, 1);
    if (items.empty() || items.size() > most) {
        return {{value.position, {}, fmt::format("expected up to {} numbers", most)}};
    }
    std::vector<double> numbers;
    for (const Value& item : items) {
        const auto number = as_number(item);
        if (!number.has_value()) return {fault(item, {}, number.error())};
        numbers.push_back(*number);
    }
    member_of(definition, member) = std::move(numbers);
    return {};
}
template <auto member>
std::optional<std::string> write_numbers(const Definition& definition) {
    const std::vector<double>& numbers = member_of(definition, member);
    if (numbers.empty()) return std::nullopt;
    if (numbers.size() == 1) return fmt::format("{}", numbers[0]);
    return fmt::format("[{}]", fmt::join(numbers, ", "));
}

// One of the words, or several in an array; `words` is a function that gives them.
// Capitals do not matter where the words are all capitals.
Result<std::vector<std::string>> as_words(const Value& value,
                                          std::span<const std::string_view> words);
std::optional<std::string> write_words(const std::vector<std::string>& words);

template <auto member, const auto& words>
Faults read_words(const Value& value, Definition& definition) {
    auto chosen = as_words(value, words);
    if (!chosen.has_value()) return {fault(value, {}, chosen.error())};
    member_of(definition, member) = *std::move(chosen);
    return {};
}
template <auto member>
std::optional<std::string> write_member_words(const Definition& definition) {
    return write_words(member_of(definition, member));
}

}  // namespace forms

template <auto member>
Slot bytes_or_percent(Definition& definition) {
    return own_form<forms::read_amount<member, Measure::bytes, Shares::allowed>,
                    forms::write_optional_amount<member, Measure::bytes>>(definition);
}
template <auto member>
Slot items_or_percent(Definition& definition) {
    return own_form<forms::read_amount<member, Measure::items, Shares::allowed>,
                    forms::write_optional_amount<member, Measure::items>>(definition);
}
template <auto member>
Slot bytes(Definition& definition) {
    return own_form<forms::read_amount<member, Measure::bytes, Shares::refused>,
                    forms::write_optional_amount<member, Measure::bytes>>(definition);
}
// The member of Q, which may be one that it has of a base.
template <typename Q, auto member>
Slot number(Definition& definition) {
    return own_form<forms::read_number<Q, member>, forms::write_number<Q, member>>(definition);
}
template <auto member, std::size_t most>
Slot numbers(Definition& definition) {
    return own_form<forms::read_numbers<member, most>, forms::write_numbers<member>>(definition);
}
template <auto member, const auto& words>
Slot words_among(Definition& definition) {
    return own_form<forms::read_words<member, words>, forms::write_member_words<member>>(
        definition);
}

}  // namespace picket::checks
