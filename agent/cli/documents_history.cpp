// What documents of history hold, read back: read_history and read_availability.

#include <optional>
#include <string>
#include <vector>

#include "agent/cli/documents.h"
#include "agent/cli/json_fields.h"

namespace picket::cli {
namespace {

using namespace fields;

std::optional<api::LatencyView> latencies(const json& object) {
    const json& value = member(object, "latency_ms");
    if (!value.is_object()) return std::nullopt;
    return api::LatencyView{milliseconds(value, "mean"), milliseconds(value, "p50"),
                            milliseconds(value, "p95"), milliseconds(value, "p99")};
}

api::HistoryPoint history_point(const json& object) {
    api::HistoryPoint point{time(object, "at"), finding(object), failure_class(object),
                            milliseconds(object, "latency_ms"), text(object, "message")};
    if (text(object, "finding") == "not_observed") {
        point.not_observed_until = time(object, "until");
    }
    return point;
}

api::HistorySlot history_slot(const json& object) {
    return {time(object, "at"),
            count(object, "passed"),
            count(object, "failed"),
            count(object, "errored"),
            seconds(object, "not_observed_seconds"),
            latencies(object)};
}

api::OutageSpan outage_span(const json& object) {
    return {text(object, "id"), text(object, "scope"), time(object, "opened_at"),
            time_or_none(object, "closed_at")};
}

api::AvailabilityView availability_view(const json& object) {
    api::AvailabilityView view;
    view.check = text(object, "check");
    view.from = time(object, "from");
    view.to = time(object, "to");
    view.up = seconds(object, "up_seconds");
    view.partial = seconds(object, "partial_seconds");
    view.down = seconds(object, "down_seconds");
    view.not_observed = seconds(object, "not_observed_seconds");
    view.outages = count(object, "outages");
    view.passed = count(object, "passed");
    view.failed = count(object, "failed");
    view.errored = count(object, "errored");
    view.latency = latencies(object);
    const json& budget = member(object, "budget");
    if (budget.is_object()) {
        view.budget = api::BudgetView{number(object, "slo"), seconds(budget, "allowed_seconds"),
                                      seconds(budget, "spent_seconds")};
    }
    view.burn = list<api::BurnView>(object, "burn", [](const json& burn) {
        return api::BurnView{seconds(burn, "window_seconds"), number_or_none(burn, "rate")};
    });
    return view;
}

}  // namespace

Result<api::HistoryView> read_history(std::string_view source) {
    api::HistoryView view;
    // A day of slots, or two thousand outcomes, is never kept as a tree.
    const json document =
        PICKET_TRY(parse_lists(source, [&view](const std::string& list, const json& item) {
            if (list == "outages") view.outages.push_back(outage_span(item));
            if (list == "points" && member(item, "passed").is_number()) {
                view.slots.push_back(history_slot(item));
            } else if (list == "points") {
                view.points.push_back(history_point(item));
            }
            return list == "points" || list == "outages";
        }));
    view.check = text(document, "check");
    view.from = time(document, "from");
    view.to = time(document, "to");
    view.truncated = flag(document, "truncated", false);
    view.resolution = seconds(document, "resolution_seconds");
    return view;
}

Result<api::AvailabilitiesView> read_availability(std::string_view source) {
    const json document = PICKET_TRY(parse(source));
    return api::AvailabilitiesView{
        list<api::AvailabilityView>(document, "checks", availability_view)};
}

}  // namespace picket::cli
