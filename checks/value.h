// Value: what a key of a TOML file holds, without the TOML library.
//
// The parser turns a whole file into these once; whoever reads keys (check
// definitions, the agent's configuration) works on them alone, and knows of every
// value where it stands.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/problem.h"

namespace picket::checks {

struct Member;

struct Value {
    enum class Kind : std::uint8_t { string, integer, floating, boolean, time, array, table };

    Kind kind = Kind::table;
    Position position;
    std::string text;     // Of a string, its substitutions replaced.
    std::string written;  // Of a string, as it stands in the file.
    bool substituted = false;
    std::int64_t integer = 0;
    double floating = 0;
    bool boolean = false;
    std::vector<Value> items;     // Of an array.
    std::vector<Member> members;  // Of a table, in the order of the names.
};

struct Member {
    std::string name;
    Position position;  // Of the name.
    Value value;
};

// "a string", "an integer" ...
std::string_view describe(Value::Kind kind);

// Whether a substitution took place in the value or anywhere within it.
bool substituted_within(const Value& value);

// As TOML, strings as they stand in the file.
std::string write_value(const Value& value);

// A TOML basic string.
std::string quote(std::string_view text);

}  // namespace picket::checks
