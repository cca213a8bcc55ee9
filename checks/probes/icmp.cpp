#include "checks/probes/icmp.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "agent/io/clock.h"
#include "agent/io/deadline.h"
#include "agent/io/icmp_socket.h"
#include "agent/io/socket_fault.h"
#include "agent/io/timer.h"
#include "checks/probes/icmp_tally.h"
#include "checks/probes/reach.h"

namespace picket::checks {
namespace {

class IcmpProbe final : public Probe {
public:
    IcmpProbe(const Definition& definition, ProbeServices services)
        : definition_(definition),
          query_(definition.query.as<IcmpQuery>()),
          sockets_(services.icmp),
          search_(definition, services.resolvers),
          next_packet_(services.loop, [this] { send_packet(); }),
          out_of_time_(services.loop, [this] { conclude_run(); }) {}

    void start(Instant now, Instant deadline, Done done) override;
    void cancel() override;

private:
    void on_address(const IpAddress& target);
    void send_packet();
    void on_event(const io::IcmpEvent& event);
    void conclude_run();
    void finish(Outcome outcome);
    // "db.example.com (192.0.2.7)", or the address alone.
    std::string asked() const;
    Duration since_start() const { return io::monotonic_now() - started_; }

    const Definition& definition_;
    const IcmpQuery& query_;
    io::IcmpSockets& sockets_;
    AddressSearch search_;
    io::Timer next_packet_;
    io::Deadline out_of_time_;

    // Of the run in flight.
    Done done_;
    Instant started_{};
    Instant deadline_{};
    Instant first_sent_{};
    std::vector<Phase> phases_;
    std::string target_;
    IcmpTally tally_;
    std::unique_ptr<io::IcmpEcho> echo_;

    std::shared_ptr<io::IcmpSocket> socket_;  // Of the last run, held for the next.
};

void IcmpProbe::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(!done_);
    done_ = std::move(done);
    started_ = now;
    deadline_ = deadline;
    phases_.clear();
    target_.clear();
    tally_ = {};
    search_.start(query_.address.value, deadline, [this](Result<std::vector<IpAddress>> found) {
        phases_.push_back({"resolve", Duration{0}, since_start()});
        if (found.has_value()) return on_address(found->front());
        finish(lookup_failed(found.error(), since_start()));
    });
}

void IcmpProbe::cancel() {
    search_.cancel();
    echo_.reset();
    next_packet_.clear();
    out_of_time_.clear();
    done_ = nullptr;
}

void IcmpProbe::on_address(const IpAddress& target) {
    target_ = to_text(target);
    auto socket = sockets_.find({.family = target.family,
                                 .source = search_.source(),
                                 .ttl = query_.ttl,
                                 .dont_fragment = query_.dont_fragment});
    if (!socket.has_value()) {
        return finish(errored(fmt::format("ping {}: {}", asked(), socket.error().message())));
    }
    socket_ = *std::move(socket);
    echo_ = std::make_unique<io::IcmpEcho>(socket_, target, query_.size,
                                           [this](const auto& event) { on_event(event); });
    first_sent_ = io::monotonic_now();
    out_of_time_.set(deadline_);
    send_packet();
}

// A request that cannot be sent ends the run, for the next would fare no better;
// unless there was an answer before, and so is a way.
void IcmpProbe::send_packet() {
    const auto number = static_cast<std::uint16_t>(tally_.sent());
    tally_.on_sent(io::monotonic_now());
    if (const int error_number = echo_->send(number); error_number != 0) {
        const bool local = io::socket_fault(error_number) == io::SocketFault::local;
        const std::string reason = errno_text(error_number);
        const std::string message = fmt::format("ping {}: {}", asked(), reason);
        if (query_.dont_fragment && error_number == EMSGSIZE) {
            return finish(failed(FailureClass::content, since_start(),
                                 fmt::format("ping {}: {} bytes are too many to go there undivided",
                                             asked(), query_.size)));
        }
        if (local) return finish(errored(message));
        if (tally_.answered() == 0) {
            return finish(failed(FailureClass::unreachable, since_start(), message));
        }
        tally_.on_lost(number, reason);
    }
    if (tally_.sent() < query_.packets) {
        next_packet_.set(first_sent_ +
                         query_.packet_interval * static_cast<Duration::rep>(tally_.sent()));
    } else if (tally_.settled()) {
        conclude_run();
    }
}

void IcmpProbe::on_event(const io::IcmpEvent& event) {
    if (event.error_number == 0) {
        if (tally_.answered() == 0 && event.number < tally_.sent()) {
            phases_.push_back({"first_byte", first_sent_ - started_, event.at - first_sent_});
        }
        tally_.on_reply(event.number, event.at);
    } else {
        tally_.on_lost(event.number, fmt::format("{} says {}", to_text(event.reporter),
                                                 errno_text(event.error_number)));
    }
    if (tally_.sent() == query_.packets && tally_.settled()) conclude_run();
}

void IcmpProbe::conclude_run() {
    // At the deadline the timer is up to a millisecond late.
    const Duration waited = std::min(since_start(), deadline_ - started_);
    finish(tally_.judge(definition_, asked(), waited));
}

void IcmpProbe::finish(Outcome outcome) {
    outcome.address = target_;
    outcome.phases = phases_;
    // `done` may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    cancel();
    done(std::move(outcome));
}

std::string IcmpProbe::asked() const {
    if (target_ == query_.address.value) return target_;
    return fmt::format("{} ({})", query_.address.shown, target_);
}

}  // namespace

std::unique_ptr<Probe> make_icmp_probe(const Definition& definition, ProbeServices services) {
    return std::make_unique<IcmpProbe>(definition, services);
}

}  // namespace picket::checks
