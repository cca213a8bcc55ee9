#include "checks/judgements.h"

#include <fmt/format.h>

#include <utility>

namespace picket::checks {

Judgement judgement(std::string what, std::string found, bool met) {
    Judgement result;
    result.expectation = {std::move(what), std::move(found), met};
    return result;
}

Judgement unmet(Judgement judged, FailureClass failure_class, std::string message) {
    judged.failure_class = failure_class;
    judged.message = std::move(message);
    return judged;
}

Judgement judge_contains(std::string_view body, std::string_view text) {
    const bool met = body.find(text) != body.npos;
    Judgement judged =
        judgement("body contains " + excerpt(text), met ? "it does" : "it does not", met);
    if (met) return judged;
    const std::string seen =
        body.empty() ? "it is empty" : fmt::format("first bytes: {}", excerpt(body));
    return unmet(std::move(judged), FailureClass::content,
                 fmt::format("body does not contain {} ({})", excerpt(text), seen));
}

Judgement judge_text(std::string_view what, std::string_view found, const Pattern& pattern,
                     FailureClass failure_class) {
    const bool met = pattern.found_in(found);
    const std::string shown = found.empty() ? "none" : excerpt(found);
    Judgement judged =
        judgement(fmt::format("{} matches \"{}\"", what, pattern.expression()), shown, met);
    if (met) return judged;
    return unmet(std::move(judged), failure_class,
                 fmt::format("{} does not match \"{}\": {}", what, pattern.expression(), shown));
}

Judgement judge_equal(std::string_view what, std::string_view found, std::string_view expected,
                      FailureClass failure_class) {
    Judgement judged =
        judgement(fmt::format("{} {}", what, expected), std::string(found), found == expected);
    if (judged.met()) return judged;
    return unmet(std::move(judged), failure_class,
                 fmt::format("{} {}, expected {}", what, found, expected));
}

Judgement judge_length(std::uint64_t length, std::uint64_t min, std::uint64_t max) {
    const bool met = length >= min && length <= max;
    const std::string bounds =
        length < min ? fmt::format("at least {}", min) : fmt::format("at most {}", max);
    Judgement judged =
        judgement(fmt::format("body of {} to {} bytes", min, max), fmt::format("{}", length), met);
    if (met) return judged;
    return unmet(std::move(judged), FailureClass::content,
                 fmt::format("body of {} bytes, expected {}", length, bounds));
}

Judgement judge_age(std::string_view what, WallTime now, std::optional<WallTime> when,
                    Duration age_max) {
    const bool met = when.has_value() && now - *when <= age_max;
    Judgement judged =
        judgement(fmt::format("{} at most {} ago", what, format_duration(age_max)),
                  when.has_value() ? format_time(*when) : std::string("not told"), met);
    if (met) return judged;
    return unmet(std::move(judged), FailureClass::content,
                 when.has_value() ? fmt::format("{} {}, more than {} ago", what, format_time(*when),
                                                format_duration(age_max))
                                  : fmt::format("{} is not told, expected at most {} ago", what,
                                                format_duration(age_max)));
}

Judgement judge_chain_days(WallTime now, std::string_view host, WallTime not_after,
                           std::uint32_t days_min) {
    Judgement judged = judge_certificate_days(now, host, not_after, days_min);
    judged.expectation.what =
        fmt::format("chain valid for {} more day{}", days_min, days_min == 1 ? "" : "s");
    if (!judged.met()) judged.message = "a certificate in the chain" + judged.message.substr(11);
    return judged;
}

Judgement judge_phase(std::string_view phase, Duration took, Duration expected) {
    const bool met = took <= expected;
    Judgement judged =
        judgement(fmt::format("{} within {}", phase, spoken(expected)), spoken(took), met);
    if (met) return judged;
    return unmet(
        std::move(judged), FailureClass::latency,
        fmt::format("{} took {}, expected at most {}", phase, spoken(took), spoken(expected)));
}

}  // namespace picket::checks
