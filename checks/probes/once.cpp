#include "checks/probes/once.h"

#include <utility>

#include "agent/io/clock.h"
#include "checks/probes/runner.h"

namespace picket::checks {

Once::Once(ProbeServices services, Definition definition, std::function<void(Outcome)> done)
    : definition_(std::move(definition)),
      done_(std::move(done)),
      started_(io::monotonic_now()),
      probe_(make_probe(definition_, services)),
      backstop_(
          services.loop,
          [this] {
              probe_->cancel();
              finish(no_answer(definition_, io::monotonic_now() - started_));
          },
          Runner::deadline_grace) {
    const Instant deadline = started_ + definition_.timeout;
    backstop_.set(deadline + Runner::deadline_grace);
    probe_->start(started_, deadline, [this](Outcome outcome) { finish(std::move(outcome)); });
}

void Once::finish(Outcome outcome) {
    backstop_.clear();
    // Last: it may destroy this.
    const auto done = std::move(done_);
    done(conclude(std::move(outcome), definition_));
}

}  // namespace picket::checks
