// Judgements of single facts about an answer, beside those of expectation.h: each
// says what was expected, what was found, and in what words it failed.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/time.h"
#include "checks/expectation.h"

namespace picket::checks {

// What was expected, what was found, and whether that is met; where it is not, its
// class and sentence are to follow.
Judgement judgement(std::string what, std::string found, bool met);
Judgement unmet(Judgement judged, FailureClass failure_class, std::string message);

// `text` must be found in `body`, letter by letter.
Judgement judge_contains(std::string_view body, std::string_view text);

// What `found` must match, called `what`: "redirect target", "issuer".
Judgement judge_text(std::string_view what, std::string_view found, const Pattern& pattern,
                     FailureClass failure_class);

// Two texts that must be the same.
Judgement judge_equal(std::string_view what, std::string_view found, std::string_view expected,
                      FailureClass failure_class);

Judgement judge_length(std::uint64_t length, std::uint64_t min, std::uint64_t max);

// How long ago something was, of at most `age_max`; nothing where it is not told.
Judgement judge_age(std::string_view what, WallTime now, std::optional<WallTime> when,
                    Duration age_max);

// Of the one in the chain that ends first.
Judgement judge_chain_days(WallTime now, std::string_view host, WallTime not_after,
                           std::uint32_t days_min);

// One phase of a run, "connect", and how long it may take.
Judgement judge_phase(std::string_view phase, Duration took, Duration expected);

}  // namespace picket::checks
