// The forms that a scalar value may take: durations, sizes, counts, percentages.
//
// Each function returns what the value says, or invalid with a message for the
// person who wrote it. A number or a boolean that a substitution brought in is a
// string by nature, and is read as what it says.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "checks/value.h"

namespace picket::checks {

// `expected a duration such as "10s", found an integer`
Error wrong_kind(std::string_view expects, const Value& value);

Result<bool> as_boolean(const Value& value);
Result<std::uint64_t> as_count(const Value& value);  // A whole number, not negative.
Result<Duration> as_duration(const Value& value);    // "10s", "1h30m"
Result<std::uint64_t> as_size(const Value& value);   // "1MiB", "10 KB", 4096: bytes
Result<double> as_percent(const Value& value);       // "99.9%", 99.9: 0 to 100

// The reverse, in the one form that is shown: `"1MiB"`, `4096`, `"99.9%"`.
std::string write_size(std::uint64_t bytes);
std::string write_percent(double percent);

// What a string must be. Each error says what the text is not.
Status check_url(std::string_view text);            // http or https, with a host
Status check_host(std::string_view text);           // A name or an address, no port
Status check_domain(std::string_view text);         // A name as DNS has it
Status check_address(std::string_view text);        // HOST:PORT, [V6]:PORT
Status check_server(std::string_view text);         // HOST or HOST:PORT
Status check_ip(std::string_view text);             // ADDRESS
Status check_resolver(std::string_view text);       // ADDRESS or ADDRESS:PORT
Status check_absolute_path(std::string_view text);  // "/..."
Status check_name(std::string_view text);           // [a-z0-9][a-z0-9._-]{0,63}
Status check_dependency(std::string_view text);     // NAME or NAME@AGENT
Status check_label(std::string_view text);          // [A-Za-z_][A-Za-z0-9_]{0,63}
Status check_variable(std::string_view text);       // [A-Za-z_][A-Za-z0-9_]{0,127}
Status check_header(std::string_view text);         // An HTTP header's name
Status check_method(std::string_view text);         // An HTTP method
Status check_line(std::string_view text);           // No control character
Status check_label_value(std::string_view text);    // As such, up to 128 bytes
Status check_argument(std::string_view text);       // No NUL
Status check_selector(std::string_view text);       // "role=edge,tier!=test", up to 512 bytes

}  // namespace picket::checks
