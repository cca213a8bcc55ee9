// What a journey does, step by step; the keys are in docs/CHECKS.md.

#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "checks/query.h"
#include "checks/types/http.h"

namespace picket::checks {

struct Key;

// What a step has beside its request.
struct JourneyStepHead {
    static constexpr Type type = Type::journey;

    std::string name;     // Empty: its number, from 1.
    bool always = false;  // Also after a step that failed: to clean up.
    // Name -> where its value is: "json:/token", "header:X-Id", "cookie:sid", "body:RE2".
    std::map<std::string, std::string> extract;

    bool operator==(const JourneyStepHead&) const = default;
};

struct JourneyStep {
    JourneyStepHead head;
    HttpQuery request;  // Its texts may hold {{name}} of what an earlier step extracted.
    std::optional<Duration> latency;

    bool operator==(const JourneyStep&) const = default;
};

struct JourneyQuery {
    static constexpr Type type = Type::journey;

    std::vector<JourneyStep> step;

    bool operator==(const JourneyQuery&) const = default;
};

const TypeEntry& journey_type();

// The keys of a step beside those of an http check.
std::span<const Key> journey_step_keys();

// Every text of a request in which {{name}} is replaced.
std::vector<Text*> interpolated_texts(HttpQuery& request);

}  // namespace picket::checks
