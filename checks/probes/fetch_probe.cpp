#include "checks/probes/fetch_probe.h"

#include <utility>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "checks/probes/http_judge.h"

namespace picket::checks {

FetchProbe::FetchProbe(const Definition& definition, ProbeServices services,
                       std::optional<IpAddress> pin)
    : definition_(definition), fetch_(definition, services, pin) {}

void FetchProbe::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(!done_);
    done_ = std::move(done);
    started_ = now;
    fetch_.start(call(), {now, deadline}, nullptr,
                 [this](Fetched fetched) { finish(std::move(fetched)); });
}

void FetchProbe::cancel() {
    fetch_.cancel();
    done_ = nullptr;
}

void FetchProbe::finish(Fetched fetched) {
    Outcome outcome = fetched.failure.has_value() ? *std::move(fetched.failure)
                                                  : judge(fetched, io::monotonic_now() - started_);
    if (outcome.finding != Finding::passed) outcome.detail = http_evidence(fetched.exchange);
    outcome.address = std::move(fetched.peer);
    outcome.phases = std::move(fetched.phases);
    // It may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    done(std::move(outcome));
}

}  // namespace picket::checks
