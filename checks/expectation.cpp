#include "checks/expectation.h"

#include <fmt/compile.h>
#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "agent/base/assert.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "checks/judgements.h"

namespace picket::checks {
namespace {

constexpr std::size_t excerpt_bytes_max = 60;

RE2::Options pattern_options() {
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(pattern_memory_bytes_max);
    return options;
}

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

std::string to_text(const StatusRange& range) {
    if (range.first == range.last) return fmt::format("{}", range.first);
    if (range.first % 100 == 0 && range.last == range.first + 99) {
        return fmt::format("{}xx", range.first / 100);
    }
    return fmt::format("{}-{}", range.first, range.last);
}

std::string_view verb(Wanted wanted) {
    return wanted == Wanted::match ? "matches" : "does not match";
}

std::string days_text(Duration duration) {
    const auto count = std::chrono::floor<std::chrono::days>(duration).count();
    return fmt::format("{} day{}", count, count == 1 ? "" : "s");
}

std::string certificate_expectation(std::uint32_t days_min) {
    return fmt::format("certificate valid for {} more", days_text(std::chrono::days(days_min)));
}

}  // namespace

Status check_pattern(std::string_view expression) {
    const RE2 compiled(re2::StringPiece(expression.data(), expression.size()), pattern_options());
    if (!compiled.ok()) {
        return failure(Code::invalid, "is not a regular expression: " + compiled.error());
    }
    if (compiled.ProgramSize() > pattern_instructions_max) {
        return failure(Code::invalid,
                       fmt::format("too large: {} instructions, at most {}", compiled.ProgramSize(),
                                   pattern_instructions_max));
    }
    return {};
}

Pattern::Pattern(std::string_view expression)
    : compiled_(std::make_unique<RE2>(re2::StringPiece(expression.data(), expression.size()),
                                      pattern_options())) {
    PICKET_ASSERT(compiled_->ok());
}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

bool Pattern::found_in(std::string_view text) const {
    return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *compiled_);
}

const std::string& Pattern::expression() const {
    return compiled_->pattern();
}

bool same_field_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string to_text(std::span<const StatusRange> ranges) {
    std::string text;
    for (const StatusRange& range : ranges) {
        if (!text.empty()) text += ", ";
        text += to_text(range);
    }
    return text;
}

Judgement judge_status(std::uint16_t status, std::span<const StatusRange> expected) {
    const bool met = std::ranges::any_of(expected, [status](const StatusRange& range) {
        return range.first <= status && status <= range.last;
    });
    const std::string ranges = to_text(expected);
    Judgement judged = judgement("status " + ranges, fmt::format("{}", status), met);
    if (met) return judged;
    return unmet(std::move(judged), FailureClass::status,
                 fmt::format("status {}, expected {}", status, ranges));
}

Judgement judge_header(const HeaderFields& fields, std::string_view name, const Pattern& pattern,
                       Wanted wanted) {
    const std::string* shown = nullptr;
    bool matched = false;
    for (const auto& [field, value] : fields) {
        if (matched || !same_field_name(field, name)) continue;
        matched = pattern.found_in(value);
        if (shown == nullptr || matched) shown = &value;
    }
    const bool met = matched == (wanted == Wanted::match);
    const std::string found = shown == nullptr ? "absent" : excerpt(*shown);
    Judgement judged = judgement(
        fmt::format("header {} {} \"{}\"", name, verb(wanted), pattern.expression()), found, met);
    if (met) return judged;
    return unmet(std::move(judged), FailureClass::content,
                 shown == nullptr ? fmt::format("no header {}, expected one that matches \"{}\"",
                                                name, pattern.expression())
                                  : fmt::format("header {} {} \"{}\": {}", name,
                                                verb(matched ? Wanted::match : Wanted::no_match),
                                                pattern.expression(), found));
}

Judgement judge_body(std::string_view body, const Pattern& pattern, Wanted wanted) {
    const bool matched = pattern.found_in(body);
    const bool met = matched == (wanted == Wanted::match);
    const std::string_view states = verb(matched ? Wanted::match : Wanted::no_match);
    Judgement judged = judgement(fmt::format("body {} \"{}\"", verb(wanted), pattern.expression()),
                                 std::string(matched ? "a match" : "no match"), met);
    if (met) return judged;
    const std::string seen =
        body.empty() ? "it is empty" : fmt::format("first bytes: {}", excerpt(body));
    return unmet(std::move(judged), FailureClass::content,
                 fmt::format("body {} \"{}\" ({})", states, pattern.expression(), seen));
}

Judgement judge_certificate_days(WallTime now, std::string_view host, WallTime not_after,
                                 std::uint32_t days_min) {
    const bool met = not_after - now >= std::chrono::days(days_min);
    const std::string date = format_time(not_after).substr(0, 10);
    const std::string when =
        not_after < now ? fmt::format("expired {} ago ({})", days_text(now - not_after), date)
                        : fmt::format("expires in {} ({})", days_text(not_after - now), date);
    Judgement judged = judgement(certificate_expectation(days_min), when, met);
    if (met) return judged;
    return unmet(std::move(judged), FailureClass::certificate,
                 fmt::format("certificate of {} {}, expected at least {}", host, when, days_min));
}

Judgement judge_no_certificate(std::string_view host, std::uint32_t days_min) {
    return unmet(judgement(certificate_expectation(days_min), "none", false),
                 FailureClass::certificate,
                 fmt::format("{} answered without TLS, expected a certificate", host));
}

Judgement judge_latency(Duration took, Duration expected) {
    const bool met = took <= expected;
    Judgement judged =
        judgement(fmt::format("answer within {}", spoken(expected)), spoken(took), met);
    if (met) return judged;
    return unmet(
        std::move(judged), FailureClass::latency,
        fmt::format("answered after {}, expected within {}", spoken(took), spoken(expected)));
}

Outcome conclude(Outcome outcome, std::vector<Judgement> judgements) {
    for (Judgement& judged : judgements) {
        if (!judged.met() && outcome.finding == Finding::passed) {
            outcome.finding = Finding::failed;
            outcome.failure_class = judged.failure_class;
            outcome.message = printable_line(judged.message, limits::message_bytes_max);
        }
        outcome.expectations.push_back(std::move(judged.expectation));
    }
    return outcome;
}

Outcome invert(Outcome outcome) {
    if (outcome.finding == Finding::errored) return outcome;
    const bool turned_out = outcome.finding == Finding::failed;
    outcome.finding = turned_out ? Finding::passed : Finding::failed;
    outcome.failure_class = turned_out ? FailureClass::none : FailureClass::content;
    outcome.message = printable_line(
        fmt::format("{}: {}", turned_out ? "failed as expected" : "passed, expected to fail",
                    outcome.message),
        limits::message_bytes_max);
    return outcome;
}

std::string spoken(Duration duration) {
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    if (duration.count() > 0 && duration % seconds(1) == Duration{0}) {
        return fmt::format("{} s", duration / seconds(1));
    }
    if (duration < milliseconds(10)) return fmt::format("{:.1f} ms", to_milliseconds(duration));
    // Rounded up, so that what came too late does not read as in time.
    if (duration < seconds(10)) {
        // What nearly every message says, and is looked for in each that is stored.
        return fmt::format(FMT_COMPILE("{} ms"), std::chrono::ceil<milliseconds>(duration).count());
    }
    return fmt::format("{:.1f} s", to_seconds(duration));
}

std::string excerpt(std::string_view bytes) {
    return fmt::format("\"{}\"", printable_line(bytes, excerpt_bytes_max));
}

}  // namespace picket::checks
