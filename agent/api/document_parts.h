// DocumentParts: what the documents have in common, as pieces of JSON.
//
// Each function writes members into the object that is open.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/api/json_writer.h"
#include "agent/api/snapshot.h"

namespace picket::api {

enum class Detail : std::uint8_t { brief, full };

// Null for FailureClass::none.
void write_class(JsonWriter& json, checks::FailureClass failure_class);
void write_latency(JsonWriter& json, Duration latency);
void write_outcome(JsonWriter& json, const checks::Outcome& outcome, Detail detail);
void write_check_fields(JsonWriter& json, const CheckView& check, Detail detail);
void write_outages(JsonWriter& json, const std::vector<OutageView>& outages, WallTime now);
void write_outage_fields(JsonWriter& json, const OutageView& outage, WallTime now);
// [{agent, reason}]
void write_discounts(JsonWriter& json, std::string_view name,
                     const std::vector<DiscountView>& discounts);
void write_witnesses(JsonWriter& json, const std::vector<WitnessView>& witnesses);
// With `begins_at`, each entry also says how long after it it was.
void write_timeline(JsonWriter& json, const std::vector<TimelineEntry>& timeline,
                    std::optional<WallTime> begins_at);

}  // namespace picket::api
