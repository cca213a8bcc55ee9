#include "checks/probes/every_address.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"
#include "checks/expectation.h"

namespace picket::checks {

EveryAddress::EveryAddress(const Definition& definition, ProbeServices services, std::string host,
                           Make make)
    : services_(services),
      host_(std::move(host)),
      make_(std::move(make)),
      search_(definition, services.resolvers) {}

void EveryAddress::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(!done_);
    done_ = std::move(done);
    started_ = now;
    search_.start(host_, deadline, [this, deadline](Result<std::vector<IpAddress>> found) {
        if (found.has_value()) return ask(deadline, *std::move(found));
        finish(lookup_failed(found.error(), io::monotonic_now() - started_));
    });
}

void EveryAddress::cancel() {
    search_.cancel();
    probes_.clear();
    outcomes_.clear();
    done_ = nullptr;
}

void EveryAddress::ask(Instant deadline, std::vector<IpAddress> addresses) {
    found_ = addresses.size();
    if (addresses.size() > addresses_max) addresses.resize(addresses_max);
    left_ = addresses.size();
    outcomes_.resize(addresses.size());
    for (const IpAddress& address : addresses) probes_.push_back(make_(address));
    const Instant now = io::monotonic_now();
    for (std::size_t i = 0; i < probes_.size(); ++i) {
        probes_[i]->start(now, deadline,
                          [this, i](Outcome outcome) { on_outcome(i, std::move(outcome)); });
    }
}

void EveryAddress::on_outcome(std::size_t index, Outcome outcome) {
    outcomes_[index] = std::move(outcome);
    if (--left_ == 0) finish(merged());
}

Outcome EveryAddress::merged() {
    const auto failed = std::ranges::find(outcomes_, Finding::failed, &Outcome::finding);
    const auto errored = std::ranges::find(outcomes_, Finding::errored, &Outcome::finding);
    const auto bad = static_cast<std::size_t>(std::ranges::count_if(
        outcomes_, [](const Outcome& o) { return o.finding != Finding::passed; }));
    const auto shown = failed != outcomes_.end()    ? failed
                       : errored != outcomes_.end() ? errored
                                                    : outcomes_.begin();
    Outcome outcome = std::move(*shown);
    const std::string count = found_ > outcomes_.size()
                                  ? fmt::format("{} (of {})", outcomes_.size(), found_)
                                  : fmt::format("{}", outcomes_.size());
    const std::string prefix =
        bad == 0 ? fmt::format("all {} addresses pass", count)
                 : fmt::format("{} of {} addresses: {}", bad, count, outcome.address);
    outcome.message =
        printable_line(fmt::format("{}: {}", prefix, outcome.message), limits::message_bytes_max);
    outcome.latency = io::monotonic_now() - started_;
    return outcome;
}

void EveryAddress::finish(Outcome outcome) {
    // It may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    cancel();
    done(std::move(outcome));
}

}  // namespace picket::checks
