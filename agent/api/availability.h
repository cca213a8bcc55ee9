// Availability: how the time of a window divides into up, down and not observed.
//
// Down is the time of confirmed outages, not of failed outcomes: a single lost packet is no
// downtime. What nobody observed is neither up nor down. An outage that this agent alone
// judges says nothing of the time when nobody looked, so that part of it is not observed; one
// that a mesh confirmed lasted as long as the mesh says, whether this agent ran or not.
//
// An objective of 99.9 % over 30 days allows 43 minutes; partial outages count half. A burn
// rate of 1 uses the budget up exactly at the window's end (agreement.md, 7.1).
//
// Pure.

#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "agent/api/history_views.h"
#include "agent/base/result.h"

namespace picket::api {

// How much of a stretch nobody observed.
using NotObserved = std::function<Result<Duration>(WallTime from, WallTime to)>;

enum class Judge : std::uint8_t { this_agent, mesh };

struct TimeSplit {
    Duration up{0};
    Duration partial{0};
    Duration down{0};
    Duration not_observed{0};
    std::uint64_t outages = 0;

    Duration observed() const { return up + partial + down; }
    Duration bad() const { return down + partial / 2; }
};

// Requires from <= to. Outages beyond the window are cut to it, or left out.
Result<TimeSplit> split_time(WallTime from, WallTime to, const std::vector<OutageSpan>& outages,
                             Judge judge, const NotObserved& not_observed);

// `slo` in percent, above 0 and below 100.
BudgetView budget_of(const TimeSplit& split, Duration window, double slo);

// Absent where nothing of the window was observed.
std::optional<double> burn_rate(const TimeSplit& split, Duration window, double slo);

// The windows that burn rates are told for, shortest first.
const std::vector<Duration>& burn_windows();

}  // namespace picket::api
