// Fields: the members of a JSON object as values. One that is missing, or of another type, is the
// value's default (documents.h says why).

#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "checks/outcome.h"

namespace picket::cli::fields {

using rapidjson::Document;
using Json = rapidjson::Value;

// Returns corrupt for what is no JSON object. Its values live as long as the document.
Result<Document> parse(std::string_view text);

// The member of an object; null where there is none.
const Json& member(const Json& object, const char* name);

std::string text_of(const Json& value);
std::string text(const Json& object, const char* name);
double number(const Json& object, const char* name);
std::optional<double> number_or_none(const Json& object, const char* name);
std::uint64_t count_of(const Json& value);
std::uint64_t count(const Json& object, const char* name);
std::uint32_t small_count(const Json& object, const char* name);
std::optional<std::uint32_t> count_or_none(const Json& object, const char* name);
bool flag(const Json& object, const char* name, bool absent);
std::optional<WallTime> time_or_none(const Json& object, const char* name);
WallTime time(const Json& object, const char* name);
// More than a century is nonsense, and none.
Duration milliseconds(const Json& object, const char* name);
Duration seconds(const Json& object, const char* name);
checks::FailureClass failure_class(const Json& object);
checks::Finding finding(const Json& object);

std::vector<std::string> texts(const Json& object, const char* name);
// Of the objects in a list: what is none is no item.
template <typename Item, typename Read>
std::vector<Item> list(const Json& object, const char* name, Read read) {
    std::vector<Item> items;
    const Json& values = member(object, name);
    if (!values.IsArray()) return items;
    items.reserve(values.Size());
    for (const Json& value : values.GetArray()) {
        if (value.IsObject()) items.push_back(read(value));
    }
    return items;
}
template <typename Value, typename Read>
std::vector<std::pair<std::string, Value>> pairs(const Json& object, const char* name, Read read) {
    std::vector<std::pair<std::string, Value>> pairs;
    const Json& values = member(object, name);
    if (!values.IsObject()) return pairs;
    for (const auto& [key, value] : values.GetObject())
        pairs.emplace_back(text_of(key), read(value));
    return pairs;
}

}  // namespace picket::cli::fields
