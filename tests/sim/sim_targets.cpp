#include "tests/sim/sim_targets.h"

#include <algorithm>

namespace picket::testing {
namespace {

using gossip::Answer;

// As checks::FailureClass counts them.
constexpr gossip::FailureCode refused = 1;
constexpr gossip::FailureCode timed_out = 2;
constexpr gossip::FailureCode too_late = 9;

SimAnswer failure(gossip::FailureCode code, const char* message, Duration after, bool out_of_time) {
    return {{.finding = Answer::Finding::failed,
             .failure = code,
             .message = message,
             .latency = after,
             .out_of_time = out_of_time},
            after};
}

}  // namespace

bool SimTargets::reaches(AgentIndex agent, std::size_t target) const {
    const SimTarget& asked = targets_[target];
    if (asked.cut.contains(agent) || sick.contains(agent)) return false;
    if (path && !path(agent, target)) return false;
    return asked.manner == Manner::answers;
}

SimAnswer SimTargets::ask(AgentIndex agent, std::size_t target, Duration timeout) {
    const SimTarget& asked = targets_[target];
    const Duration round_trip =
        asked.round_trip + Duration(static_cast<Duration::rep>(random_.below(1000)));
    if (sick.contains(agent) || asked.cut.contains(agent) || (path && !path(agent, target))) {
        return failure(timed_out, "no answer", timeout, true);
    }
    switch (asked.manner) {
        case Manner::refuses:
            return failure(refused, "connection refused", round_trip, false);
        case Manner::swallows:
            return failure(timed_out, "no answer", timeout, true);
        case Manner::dawdles:
            return failure(too_late, "answered too late", asked.dawdle, true);
        case Manner::answers:
            break;
    }
    constexpr std::uint64_t scale = 1'000'000;
    if (asked.failing > 0 &&
        random_.chance(static_cast<std::uint64_t>(asked.failing * scale), scale)) {
        return failure(refused, "connection refused", round_trip, false);
    }
    return {{.finding = Answer::Finding::passed,
             .failure = 0,
             .message = {},
             .latency = round_trip,
             .out_of_time = false},
            round_trip};
}

std::size_t most_within(const std::vector<Instant>& moments, Duration window) {
    std::size_t most = 0;
    std::size_t first = 0;
    for (std::size_t last = 0; last < moments.size(); ++last) {
        while (moments[last] - moments[first] >= window) ++first;
        most = std::max(most, last - first + 1);
    }
    return most;
}

}  // namespace picket::testing
