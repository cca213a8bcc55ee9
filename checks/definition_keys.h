// The keys of a check definition: one table for all types.
//
// A row says what a key is called, what it may hold, which member of Definition
// it fills and whether it changes what a probe finds. Reading a file, writing the
// canonical form, `picket show` and docs/CHECKS.md all follow from it. A string in
// any key may hold substitutions (substitution.h).

#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/base/result.h"
#include "checks/definition.h"
#include "checks/types/status_range.h"
#include "checks/value.h"

namespace picket::checks {

// Something wrong with a value, or with a part of it.
struct Fault {
    Position position;
    std::string part;  // ".Accept" or "[2]" below the key; empty: the whole value.
    std::string message;
};

// A member of an enumeration, by its number: the words of the key's rule, in order.
struct Choice {
    std::uint8_t* number;

    bool operator==(const Choice&) const = default;
};

// A value with a form of its own, such as a list of tables.
struct OwnForm {
    std::vector<Fault> (*read)(const Value& value, Definition& definition);
    // As TOML; nothing where there is no value.
    std::optional<std::string> (*write)(const Definition& definition);

    bool operator==(const OwnForm&) const = default;
};

// The member that a key fills.
using Slot =
    std::variant<bool*, std::uint32_t*, std::optional<std::uint32_t>*, double*,
                 std::optional<double>*, Duration*, std::optional<Duration>*, std::string*, Text*,
                 std::vector<std::string>*, std::vector<Text>*, std::map<std::string, std::string>*,
                 std::vector<std::pair<std::string, Text>>*, std::vector<StatusRange>*, Choice,
                 OwnForm>;

enum class Need : std::uint8_t { optional, required };

// Whether a key changes what the probe finds. Agents that ask the same with the
// same fingerprint may be compared.
enum class Part : std::uint8_t { question, policy };

// What a value must be beyond its form.
struct ValueRule {
    // Of a string, of each string in a list, of each value in a table.
    Status (*check)(std::string_view) = nullptr;
    // Of each name in a table.
    Status (*check_member)(std::string_view) = nullptr;
    // Of a count, a size in bytes or a percentage; of a duration in milliseconds.
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint32_t>::max();
    // The words that may stand here: all of them for an enumeration, in its order;
    // the one that stands for "no number" for an optional count.
    std::span<const std::string_view> choices = {};
    bool size = false;     // A count of bytes, which may carry a unit.
    bool several = false;  // Each value in a table may be an array of strings.
    // Of the first string in a list.
    Status (*check_first)(std::string_view) = nullptr;
};

struct Key {
    std::string_view name = {};
    Need need = Need::optional;
    Part part = Part::question;
    Slot (*slot)(Definition&) = nullptr;
    std::string_view expects = {};  // "a duration such as \"10s\""
    std::string_view meaning = {};
    ValueRule rule = {};
};

std::span<const Key> common_keys();
std::span<const Key> keys_of(Type type);

// The key of that name; null where there is none.
const Key* find_key(std::span<const Key> keys, std::string_view name);

// The key of that name, of the type or common; null where there is none.
const Key* find_key(Type type, std::string_view name);

// The type that a file calls `name`, and all such names.
std::optional<Type> type_from(std::string_view name);
std::span<const std::string_view> type_names();

// A check of this type before any key was read.
Definition default_definition(Type type);

// Reads `value` into the member that `key` fills. Where there is a fault, what it
// left in the definition is of no use. Never tells a substituted value.
std::vector<Fault> read_key(const Key& key, const Value& value, Definition& definition);

// What the key holds, as TOML; nothing where it holds no value. Never a secret.
std::optional<std::string> write_key(const Key& key, const Definition& definition);

// Tables and lists in a definition hold at most this many items.
constexpr std::size_t items_max = 64;
constexpr std::size_t pattern_bytes_max = 4096;

}  // namespace picket::checks
