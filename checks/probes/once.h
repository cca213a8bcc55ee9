// Once: asks one definition one time, now, for somebody who waits for the answer.
//
// It holds a copy of the definition, so that a reload meanwhile does not matter,
// and keeps the same deadline as the runner. Destroying it drops the answer.

#pragma once

#include <functional>
#include <memory>

#include "agent/io/deadline.h"
#include "checks/definition.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"

namespace picket::checks {

class Once {
public:
    // `done` is called once, later; it may destroy this.
    Once(ProbeServices services, Definition definition, std::function<void(Outcome)> done);

private:
    void finish(Outcome outcome);

    const Definition definition_;
    std::function<void(Outcome)> done_;
    Instant started_;
    std::unique_ptr<Probe> probe_;
    io::Deadline backstop_;
};

}  // namespace picket::checks
