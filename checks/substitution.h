// Substitution: ${env:X}, ${file:/path} and ${credential:X} in string values.
//
// It keeps secrets out of the files that define checks. What it brings in is a
// secret by default: it goes to the probe and to nowhere else. `$${` stands for a
// literal `${`. What was brought in is not substituted again.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"

namespace picket::checks {

enum class Source {
    environment,  // ${env:X}: a variable of the agent's environment.
    file,         // ${file:/path}: what a file holds.
    credential,   // ${credential:X}: a file of systemd's $CREDENTIALS_DIRECTORY.
};

// Reads one source; the file parsers own none. An error says why in words that
// can be shown: "permission denied".
using SecretReader = std::function<Result<std::string>(Source source, std::string_view name)>;

// What one substitution may bring in; more is an error.
constexpr std::size_t substitution_bytes_max = 64UL * 1024;

struct Substituted {
    std::string text;
    std::vector<std::string> secrets;  // What was brought in, one per substitution.
};

// Replaces every substitution in `written`. From a file or a credential one
// newline at the end is dropped.
Result<Substituted> substitute(std::string_view written, const SecretReader& reader);

}  // namespace picket::checks
