// Fields: the members of a JSON object as values. One that is missing, or of another type, is the
// value's default (documents.h says why).

#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "checks/outcome.h"

namespace picket::cli::fields {

using nlohmann::json;

// Returns corrupt for what is no JSON object.
Result<json> parse(std::string_view text);

// As parse(), but what `take_item` takes is not kept: a status of a thousand checks
// never stands in memory as a whole. It is offered each object two levels down.
using TakeItem = std::function<bool(const std::string& list, const json& item)>;
Result<json> parse_lists(std::string_view text, const TakeItem& take_item);

// The member of an object; null where there is none.
const json& member(const json& object, const char* name);

std::string text_of(const json& value);
std::string text(const json& object, const char* name);
double number(const json& object, const char* name);
std::optional<double> number_or_none(const json& object, const char* name);
std::uint64_t count(const json& object, const char* name);
std::uint32_t small_count(const json& object, const char* name);
std::optional<std::uint32_t> count_or_none(const json& object, const char* name);
bool flag(const json& object, const char* name, bool absent);
std::optional<WallTime> time_or_none(const json& object, const char* name);
WallTime time(const json& object, const char* name);
// More than a century is nonsense, and none.
Duration milliseconds(const json& object, const char* name);
Duration seconds(const json& object, const char* name);
checks::FailureClass failure_class(const json& object);
checks::Finding finding(const json& object);

std::vector<std::string> texts(const json& object, const char* name);
std::vector<std::pair<std::string, std::string>> pairs(const json& object, const char* name);
template <typename Item, typename Read>
std::vector<Item> list(const json& object, const char* name, Read read) {
    std::vector<Item> items;
    const json& values = member(object, name);
    if (!values.is_array()) return items;
    items.reserve(values.size());
    for (const json& value : values) items.push_back(read(value));
    return items;
}

}  // namespace picket::cli::fields
