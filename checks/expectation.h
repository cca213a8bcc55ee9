// Expectation: what was expected of an answer, held against what came.
//
// Pure functions over values. Each judgement says what was expected, what was
// found and whether it came true; one that did not come true also carries the
// class and the sentence that a person reads when woken by it. A probe collects
// its judgements and concludes: the first unmet one gives the outcome its class
// and message, all of them stay in the outcome.
//
// Regular expressions are RE2's: whatever a target answers, a match takes time
// linear in the answer. This file is the only one that knows RE2.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "checks/outcome.h"
#include "checks/types/status_range.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace picket::checks {

// An expression that compiles to more instructions is refused as invalid.
constexpr int pattern_instructions_max = 5000;

// What one compiled expression may hold in memory, its match cache included.
// Where the cache is full, RE2 empties it and goes on.
constexpr std::int64_t pattern_memory_bytes_max = 1'048'576;

// Whether `expression` is one that Pattern takes; if not, why not.
Status check_pattern(std::string_view expression);

// A compiled regular expression. UTF-8; `^`, `$` and `.` mean the whole text's
// begin and end and not a line break unless the expression says (?m), (?s).
class Pattern {
public:
    // Requires an expression that check_pattern() accepts.
    explicit Pattern(std::string_view expression);
    ~Pattern();
    Pattern(Pattern&&) noexcept;
    Pattern& operator=(Pattern&&) noexcept;

    // Whether it matches anywhere in `text`.
    bool found_in(std::string_view text) const;

    const std::string& expression() const;

private:
    std::unique_ptr<re2::RE2> compiled_;
};

// Whether a match is what is expected, or what must not be.
enum class Wanted : std::uint8_t { match, no_match };

struct Judgement {
    Expectation expectation;
    FailureClass failure_class = FailureClass::none;  // Of an unmet one.
    std::string message;                              // Empty when met.

    bool met() const { return expectation.met; }
};

using HeaderFields = std::vector<std::pair<std::string, std::string>>;

// Names of header fields compare without regard to case.
bool same_field_name(std::string_view a, std::string_view b);

// "2xx", "301", "200-204", joined by ", ".
std::string to_text(std::span<const StatusRange> ranges);

Judgement judge_status(std::uint16_t status, std::span<const StatusRange> expected);

// A field that comes more than once matches when any of its values does. A
// missing one does not match.
Judgement judge_header(const HeaderFields& fields, std::string_view name, const Pattern& pattern,
                       Wanted wanted);

// `body` is the prefix that was read.
Judgement judge_body(std::string_view body, const Pattern& pattern, Wanted wanted);

// Whole days left of the certificate that `host` showed; a day begun counts not.
Judgement judge_certificate_days(WallTime now, std::string_view host, WallTime not_after,
                                 std::uint32_t days_min);

// What days of a certificate are expected of a `host` that shows none.
Judgement judge_no_certificate(std::string_view host, std::uint32_t days_min);

Judgement judge_latency(Duration took, Duration expected);

// `outcome` with the judgements' expectations added; failed if one is unmet, by
// the first of these. An outcome that is not passed keeps its finding.
Outcome conclude(Outcome outcome, std::vector<Judgement> judgements);

// What key `expect_failure` makes of an outcome: failed becomes passed and passed
// becomes failed. An errored one stays: what was not asked proves nothing.
Outcome invert(Outcome outcome);

// As messages say it: "0.4 ms", "912 ms", "3 s", "12.5 s".
std::string spoken(Duration duration);

// A quoted, printable excerpt of untrusted bytes: `"<html>?<head>"`.
std::string excerpt(std::string_view bytes);

}  // namespace picket::checks
