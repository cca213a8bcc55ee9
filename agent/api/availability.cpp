#include "agent/api/availability.h"

#include <algorithm>

#include "agent/base/assert.h"

namespace picket::api {
namespace {

Duration share_of(Duration window, double percent) {
    return Duration(
        static_cast<Duration::rep>(static_cast<double>(window.count()) * percent / 100));
}

}  // namespace

std::optional<double> AvailabilityView::availability() const {
    const Duration observed = up + partial + down;
    if (observed <= Duration{0}) return std::nullopt;
    return 1 - to_seconds(bad()) / to_seconds(observed);
}

Result<TimeSplit> split_time(WallTime from, WallTime to, const std::vector<OutageSpan>& outages,
                             Judge judge, const NotObserved& not_observed) {
    PICKET_ASSERT(from <= to);
    TimeSplit split;
    split.not_observed = PICKET_TRY(not_observed(from, to));
    // A clock that stepped back may have made outages overlap: no time counts twice.
    WallTime done = from;
    for (const OutageSpan& outage : outages) {
        if (outage.opened_at >= to || outage.closed_at.value_or(to) < from) continue;
        ++split.outages;
        const WallTime begin = std::max(outage.opened_at, done);
        const WallTime end = std::min(outage.closed_at.value_or(to), to);
        if (begin >= end) continue;
        done = end;
        Duration counted = end - begin;
        const Duration unseen = PICKET_TRY(not_observed(begin, end));
        if (judge == Judge::mesh) {
            split.not_observed -= unseen;
        } else {
            counted -= std::min(unseen, counted);
        }
        (outage.partial() ? split.partial : split.down) += counted;
    }
    const Duration rest = to - from - split.partial - split.down;
    split.not_observed = std::clamp(split.not_observed, Duration{0}, rest);
    split.up = rest - split.not_observed;
    return split;
}

BudgetView budget_of(const TimeSplit& split, Duration window, double slo) {
    PICKET_ASSERT(slo > 0 && slo < 100);
    return {.slo = slo, .allowed = share_of(window, 100 - slo), .spent = split.bad()};
}

std::optional<double> burn_rate(const TimeSplit& split, Duration window, double slo) {
    PICKET_ASSERT(slo > 0 && slo < 100 && window > Duration{0});
    if (split.observed() <= Duration{0}) return std::nullopt;
    return to_seconds(split.bad()) / (to_seconds(window) * (100 - slo) / 100);
}

const std::vector<Duration>& burn_windows() {
    using namespace std::chrono_literals;
    static const std::vector<Duration> windows{
        5min, 30min, 1h, 2h, 6h, std::chrono::days(1), std::chrono::days(3)};
    return windows;
}

}  // namespace picket::api
