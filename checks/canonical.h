// The canonical form of a definition: what is compared and what is shown.
//
// One line `key = value` for each key that says something, sorted by key, values
// in TOML and normalised ("60s" and "1m" are one). A key that holds its default
// says nothing, unless it is required: so a key that a later version adds changes
// no fingerprint until somebody uses it. Substitutions stand as they were
// written; no secret ever appears.

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "checks/definition.h"

namespace picket::checks {

// Key and value of everything that differs from the default, and of what is
// required: what `picket show` shows.
std::vector<std::pair<std::string, std::string>> settings(const Definition& definition);

// The first 8 bytes of SHA-256 over the type and those keys that change what a
// probe finds (Part::question). Equal where two agents ask the same question.
std::uint64_t probe_fingerprint(const Definition& definition);

// The text that probe_fingerprint() digests.
std::string canonical_question(const Definition& definition);

}  // namespace picket::checks
