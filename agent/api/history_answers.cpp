#include "agent/api/history_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace picket::api {
namespace {

using namespace std::chrono_literals;
using storage::HistoryReader;
using storage::Tier;

constexpr std::array<Duration, 20> lengths{1min, 2min, 5min, 10min, 15min,  30min, 1h,
                                           2h,   3h,   4h,   6h,    8h,     12h,   24h,
                                           48h,  168h, 336h, 672h,  2'184h, 8'736h};

std::vector<OutageSpan> spans_of(const std::vector<storage::Outage>& outages) {
    std::vector<OutageSpan> spans;
    spans.reserve(outages.size());
    for (const storage::Outage& outage : outages) {
        spans.push_back({.id = fmt::format("{}#{}", outage.check, outage.epoch),
                         .scope = outage.scope,
                         .opened_at = outage.opened,
                         .closed_at = outage.closed});
    }
    return spans;
}

// Outcomes and gaps, by time.
std::vector<HistoryPoint> points_of(storage::OutcomeRange range) {
    std::vector<HistoryPoint> points;
    points.reserve(range.outcomes.size() + range.gaps.size());
    auto gap = range.gaps.begin();
    const auto add_gap = [&] {
        points.push_back(
            {.at = gap->from, .message = std::move(gap->reason), .not_observed_until = gap->to});
        ++gap;
    };
    for (storage::OutcomeRecord& outcome : range.outcomes) {
        while (gap != range.gaps.end() && gap->to <= outcome.at) add_gap();
        points.push_back({.at = outcome.at,
                          .finding = outcome.finding,
                          .failure_class = outcome.failure_class,
                          .latency = outcome.latency,
                          .message = std::move(outcome.message)});
    }
    while (gap != range.gaps.end()) add_gap();
    return points;
}

Status add_slots(HistoryReader& reader, const std::string& name, const HistoryQuery& query,
                 HistoryView& view) {
    const Tier reaching =
        PICKET_TRY(reader.tier_for(name, query.from, query.to, storage::at_ms_max));
    view.resolution =
        slot_length(query.to - query.from, std::chrono::milliseconds(storage::slot_ms(reaching)),
                    query.slots_max);
    const auto slots = PICKET_TRY(reader.slots(name, query.from, query.to, view.resolution));
    view.slots.reserve(slots.size());
    for (const storage::RollupPoint& slot : slots) {
        HistorySlot& added = view.slots.emplace_back();
        added.at = slot.at;
        added.passed = slot.passed;
        added.failed = slot.failed;
        added.errored = slot.errored;
        added.not_observed = slot.length - slot.observed;
        if (slot.p50) {
            added.latency = LatencyView{slot.latency_mean, *slot.p50, *slot.p95, *slot.p99};
        }
    }
    return {};
}

// What a stretch adds up to.
struct Sum {
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    std::uint64_t errored = 0;
    Duration not_observed{0};
    Duration latency{0};  // Of what passed.

    Sum& operator+=(const Sum& other) {
        passed += other.passed;
        failed += other.failed;
        errored += other.errored;
        not_observed += other.not_observed;
        latency += other.latency;
        return *this;
    }
    Sum& operator-=(const Sum& other) {
        passed -= std::min(passed, other.passed);
        failed -= std::min(failed, other.failed);
        errored -= std::min(errored, other.errored);
        not_observed -= std::min(not_observed, other.not_observed);
        latency -= std::min(latency, other.latency);
        return *this;
    }
};

// Adds the points up that come by, in their order.
class PointSum {
public:
    PointSum(WallTime from, WallTime to) : from_(from), to_(to) {}

    void add(const storage::HistoryPoint& point) {
        const WallTime at = point.outcome.at;
        speak_until(at);
        last_ = Spoken{at, point.pause ? Duration{0} : point.interval};
        if (point.pause || at < from_ || at >= to_) return;
        switch (point.outcome.finding) {
            case checks::Finding::passed:
                ++sum_.passed;
                sum_.latency += point.outcome.latency;
                break;
            case checks::Finding::failed:
                ++sum_.failed;
                break;
            case checks::Finding::errored:
                ++sum_.errored;
                break;
        }
    }
    Sum take() {
        speak_until(to_);
        sum_.not_observed = std::max(to_ - from_ - observed_, Duration{0});
        return sum_;
    }

private:
    struct Spoken {
        WallTime at;
        Duration interval;
    };

    // The last point speaks until the next one, if that comes within two intervals, else for one.
    void speak_until(WallTime next) {
        if (!last_) return;
        const Duration apart = next - last_->at;
        const WallTime end = apart <= 2 * last_->interval ? next : last_->at + last_->interval;
        observed_ += std::max(std::min(end, to_) - std::max(last_->at, from_), Duration{0});
    }

    WallTime from_;
    WallTime to_;
    Sum sum_;
    Duration observed_{0};
    std::optional<Spoken> last_;
};

// How far back the point is looked for that speaks for a window without one of its own.
constexpr Duration speaks_max = 1h;

// Exact, by every point; absent where none of them is stored.
Result<std::optional<Sum>> sum_of_points(HistoryReader& reader, const std::string& name,
                                         WallTime from, WallTime to) {
    Duration before = speaks_max;
    PICKET_TRY(reader.each_point(name, from, to, [&](const storage::HistoryPoint& point) {
        before = std::min(2 * point.interval, speaks_max);
        return false;
    }));
    PointSum sum(from, to);
    bool any = false;
    PICKET_TRY(reader.each_point(name, from - before, to, [&](const storage::HistoryPoint& point) {
        sum.add(point);
        any = true;
        return true;
    }));
    return any ? std::optional(sum.take()) : std::nullopt;
}

// Up to this all points are looked at.
constexpr Duration points_window_max = 2h;

// Long windows by their rollups, the parts that those cut wrongly by every point.
Result<Sum> sum_of(HistoryReader& reader, const std::string& name, WallTime from, WallTime to) {
    if (from >= to) return Sum{};
    if (to - from <= points_window_max) {
        if (const auto exact = PICKET_TRY(sum_of_points(reader, name, from, to))) return *exact;
    }
    const storage::WindowTotals totals = PICKET_TRY(reader.totals(name, from, to));
    Sum sum{totals.passed, totals.failed, totals.errored, totals.not_observed,
            totals.latency_passed_total};
    if (totals.from < from) {
        const auto before = PICKET_TRY(sum_of_points(reader, name, totals.from, from));
        // Where single outcomes are gone, the slot that the beginning cuts counts whole.
        sum -= before.value_or(Sum{});
    }
    if (totals.to < to) {
        const WallTime rest = std::max(totals.to, from);
        Sum unseen;
        unseen.not_observed = to - rest;
        sum += PICKET_TRY(sum_of_points(reader, name, rest, to)).value_or(unseen);
    }
    return sum;
}

// Of a check of the mesh that this agent does not witness the mesh's verdicts are all there
// is: what came before the first of them, and what is to come, nobody observed.
Result<NotObserved> by_verdicts(HistoryReader& reader, const std::string& name, WallTime to,
                                WallTime now) {
    const auto transitions = PICKET_TRY(transitions_in(reader, name, WallTime{}, to));
    const WallTime known_from =
        transitions.empty() ? to : transitions.front().since.value_or(transitions.front().at);
    return NotObserved([known_from, now](WallTime begin, WallTime end) -> Result<Duration> {
        const WallTime first = std::clamp(known_from, begin, end);
        const WallTime last = std::clamp(now, first, end);
        return (first - begin) + (end - last);
    });
}

Status add_burn(AvailabilityView& view, const std::vector<OutageSpan>& outages, Judge judge,
                const NotObserved& not_observed, double slo) {
    bool seen = false;  // Something of a shorter window was observed.
    for (const Duration window : burn_windows()) {
        if (window > view.to - view.from) break;
        const bool quiet =
            std::none_of(outages.begin(), outages.end(), [&](const OutageSpan& outage) {
                return outage.closed_at.value_or(view.to) >= view.to - window;
            });
        if (quiet && seen) {
            view.burn.push_back({.window = window, .rate = 0});
            continue;
        }
        const auto split =
            PICKET_TRY(split_time(view.to - window, view.to, outages, judge, not_observed));
        view.burn.push_back({.window = window, .rate = burn_rate(split, window, slo)});
        seen = seen || split.observed() > Duration{0};
    }
    return {};
}

}  // namespace

Duration slot_length(Duration window, Duration least, std::size_t slots_max) {
    for (const Duration length : lengths) {
        // The first slot and the last are cut.
        const std::int64_t slots = window / length + 2;
        if (length >= least && slots <= static_cast<std::int64_t>(slots_max)) return length;
    }
    return std::max(least, lengths.back() * (window / lengths.back() + 1));
}

Result<Judge> judge_of(HistoryReader& reader, const std::string& name) {
    if (name.find('@') != std::string::npos) return Judge::this_agent;
    return PICKET_TRY(reader.shares_verdicts()) ? Judge::mesh : Judge::this_agent;
}

// The reader gives the newest of a window, at most a thousand: the older ones are asked for
// until there are none.
Result<std::vector<storage::Outage>> outages_in(HistoryReader& reader, const std::string& name,
                                                WallTime from, WallTime to) {
    std::vector<storage::Outage> all;
    for (std::vector<storage::Outage> part;;) {
        part = PICKET_TRY(
            reader.outages({.check = name, .open_only = false, .since = from, .until = to}));
        const bool whole = part.size() < HistoryReader::outages_max;
        if (!part.empty()) to = part.front().opened;
        all.insert(all.begin(), std::make_move_iterator(part.begin()),
                   std::make_move_iterator(part.end()));
        if (whole) return all;
    }
}

Result<std::vector<storage::Transition>> transitions_in(HistoryReader& reader,
                                                        const std::string& name, WallTime from,
                                                        WallTime to) {
    std::vector<storage::Transition> all;
    for (std::vector<storage::Transition> part;;) {
        part = PICKET_TRY(reader.transitions(name, from, to));
        const bool whole = part.size() < HistoryReader::transitions_max;
        if (!part.empty()) to = part.front().at;
        all.insert(all.begin(), std::make_move_iterator(part.begin()),
                   std::make_move_iterator(part.end()));
        if (whole) return all;
    }
}

Result<HistoryView> read_history(HistoryReader& reader, const std::string& name,
                                 const HistoryQuery& query) {
    const HistoryReader::Hold hold = PICKET_TRY(reader.hold());
    HistoryView view;
    view.check = query.check;
    view.from = query.from;
    view.to = query.to;
    storage::OutcomeRange range = PICKET_TRY(reader.outcomes(name, query.from, query.to));
    if (range.truncated && !query.raw) {
        PICKET_TRY(add_slots(reader, name, query, view));
    } else {
        view.truncated = range.truncated;
        view.points = points_of(std::move(range));
    }
    view.outages = spans_of(PICKET_TRY(outages_in(reader, name, query.from, query.to)));
    return view;
}

AvailabilityView never_observed(const std::string& name, const AvailabilityQuery& query) {
    AvailabilityView view;
    view.check = name;
    view.from = query.from;
    view.to = query.to;
    view.not_observed = query.to - query.from;
    if (query.slo) view.budget = budget_of({}, view.not_observed, *query.slo);
    return view;
}

Result<AvailabilityView> read_availability(HistoryReader& reader, const std::string& name,
                                           const AvailabilityQuery& query) {
    const HistoryReader::Hold hold = PICKET_TRY(reader.hold());
    AvailabilityView view;
    view.check = name;
    view.from = query.from;
    view.to = query.to;
    const Judge judge = PICKET_TRY(judge_of(reader, name));
    const Sum sum = PICKET_TRY(sum_of(reader, name, query.from, query.to));
    view.passed = sum.passed;
    view.failed = sum.failed;
    view.errored = sum.errored;
    NotObserved not_observed = [&](WallTime from, WallTime to) -> Result<Duration> {
        // Asked for already.
        if (from == query.from && to == query.to) return sum.not_observed;
        return PICKET_TRY(sum_of(reader, name, from, to)).not_observed;
    };
    const bool witnessed = sum.passed + sum.failed + sum.errored > 0;
    if (judge == Judge::mesh && !witnessed) {
        not_observed = PICKET_TRY(by_verdicts(reader, name, query.to, query.now));
    }
    auto outages = spans_of(PICKET_TRY(outages_in(reader, name, query.from, query.to)));
    for (OutageSpan& outage : outages) {
        if (!outage.closed_at) outage.closed_at = std::min(query.now, query.to);
    }
    const TimeSplit split =
        PICKET_TRY(split_time(query.from, query.to, outages, judge, not_observed));
    view.up = split.up;
    view.partial = split.partial;
    view.down = split.down;
    view.not_observed = split.not_observed;
    view.outages = split.outages;
    if (const auto latency = PICKET_TRY(reader.latency(name, query.from, query.to))) {
        const auto passed = static_cast<std::int64_t>(std::max<std::uint64_t>(sum.passed, 1));
        view.latency = LatencyView{sum.latency / passed, latency->p50, latency->p95, latency->p99};
    }
    if (query.slo) {
        view.budget = budget_of(split, view.to - view.from, *query.slo);
        PICKET_TRY(add_burn(view, outages, judge, not_observed, *query.slo));
    }
    return view;
}

}  // namespace picket::api
