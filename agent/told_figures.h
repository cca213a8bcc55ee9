// Told figures: what the message of a stored outcome tells of the figures it was judged by.
//
// Of its figures an outcome keeps the latency, and its message. The messages of picket's own
// probes tell most of the others ("/: 8.1 GiB (12%) free of 67 GiB"), so a threshold can be held
// against them once more. A message rounds: what it tells is a range, and a bound within that
// range is not decided.
//
// Pure. The messages are those that host_judgement, icmp_tally, ntp and database_judgement write;
// the test reads back what these have written.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "checks/definition.h"

namespace picket {

// What a number may have been that stands in a message.
struct Told {
    double least = 0;
    double most = 0;
};

enum class Side : std::uint8_t { at_least, at_most };

// A threshold of a definition, and what the message tells of its figure.
struct ToldLimit {
    std::string_view key;  // "free_below"
    Side side = Side::at_most;
    double bound = 0;
    std::optional<Told> figure{};  // In the unit of the bound; absent: the message tells nothing.

    bool met() const;     // For certain.
    bool broken() const;  // For certain.
};

struct ToldFigures {
    // Of all thresholds that the definition has and some message of its type tells.
    std::vector<ToldLimit> limits{};
    // The message is that of a threshold that was broken, of this definition or another.
    bool limit_was_broken = false;
};

// `message` without what expect_failure put before it; `latency` as stored.
ToldFigures told_figures(const checks::Definition& definition, std::string_view message,
                         Duration latency);

// A latency as it is stored: relative to 2^-10.
Told told_latency(Duration stored);

// Of an ntp check, in seconds: the way there and back, which is what `latency` limits.
std::optional<Told> told_delay(std::string_view message);

// The thresholds of the definition that no message tells, by the name of the key.
std::vector<std::string_view> untold_limits(const checks::Definition& definition);

}  // namespace picket
