// Probe: how one type of check asks its question once.
//
// Each type lives in one file under checks/probes/ and is listed in the table in
// kinds.cpp. A probe decides what an answer means; the runner decides when to
// ask, how long to wait and how many to ask at once.

#pragma once

#include <functional>

#include "agent/base/time.h"
#include "checks/outcome.h"

namespace picket::checks {

class Probe {
public:
    using Done = std::function<void(Outcome)>;

    Probe() = default;
    Probe(const Probe&) = delete;
    Probe& operator=(const Probe&) = delete;

    // Safe at any moment, also while a run is in flight; `done` is then dropped.
    // The probe may also be destroyed from within `done`.
    virtual ~Probe() = default;

    // Asks once. Calls `done` exactly once, later and never from within start(),
    // by `deadline` at the latest. Requires that no run is in flight.
    virtual void start(Instant now, Instant deadline, Done done) = 0;

    // Ends the run in flight, if there is one, without calling `done`.
    virtual void cancel() = 0;
};

}  // namespace picket::checks
