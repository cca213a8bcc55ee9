// What documents of history hold, read back: read_history and read_availability.

#include <optional>
#include <string>
#include <vector>

#include "agent/cli/documents.h"
#include "agent/cli/json_fields.h"

namespace picket::cli {
namespace {

using namespace fields;

std::optional<api::LatencyView> latencies(const Json& object) {
    const Json& value = member(object, "latency_ms");
    if (!value.IsObject()) return std::nullopt;
    return api::LatencyView{milliseconds(value, "mean"), milliseconds(value, "p50"),
                            milliseconds(value, "p95"), milliseconds(value, "p99")};
}

api::HistoryPoint history_point(const Json& object) {
    api::HistoryPoint point{time(object, "at"), finding(object), failure_class(object),
                            milliseconds(object, "latency_ms"), text(object, "message")};
    if (text(object, "finding") == "not_observed") {
        point.not_observed_until = time(object, "until");
    }
    return point;
}

api::HistorySlot history_slot(const Json& object) {
    return {time(object, "at"),
            count(object, "passed"),
            count(object, "failed"),
            count(object, "errored"),
            seconds(object, "not_observed_seconds"),
            latencies(object)};
}

api::OutageSpan outage_span(const Json& object) {
    return {text(object, "id"), text(object, "scope"), time(object, "opened_at"),
            time_or_none(object, "closed_at")};
}

api::AvailabilityView availability_view(const Json& object) {
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
    const Json& budget = member(object, "budget");
    if (budget.IsObject()) {
        view.budget = api::BudgetView{number(object, "slo"), seconds(budget, "allowed_seconds"),
                                      seconds(budget, "spent_seconds")};
    }
    view.burn = list<api::BurnView>(object, "burn", [](const Json& burn) {
        return api::BurnView{seconds(burn, "window_seconds"), number_or_none(burn, "rate")};
    });
    return view;
}

}  // namespace

Result<api::HistoryView> read_history(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    api::HistoryView view;
    view.outages = list<api::OutageSpan>(document, "outages", outage_span);
    view.resolution = seconds(document, "resolution_seconds");
    if (view.resolution > Duration{0}) {
        view.slots = list<api::HistorySlot>(document, "points", history_slot);
    } else {
        view.points = list<api::HistoryPoint>(document, "points", history_point);
    }
    view.check = text(document, "check");
    view.from = time(document, "from");
    view.to = time(document, "to");
    view.truncated = flag(document, "truncated", false);
    return view;
}

Result<api::AvailabilitiesView> read_availability(std::string_view source) {
    const Document document = PICKET_TRY(parse(source));
    return api::AvailabilitiesView{
        list<api::AvailabilityView>(document, "checks", availability_view)};
}

}  // namespace picket::cli
