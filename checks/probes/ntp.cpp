#include "checks/probes/ntp.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "agent/base/random.h"
#include "agent/io/clock.h"
#include "agent/io/datagram_socket.h"
#include "agent/io/deadline.h"
#include "agent/io/entropy.h"
#include "checks/judgements.h"
#include "checks/probes/reach.h"
#include "checks/types/ntp.h"

namespace picket::checks {
namespace {

constexpr std::uint16_t ntp_port = 123;

std::string signed_text(Duration offset) {
    return fmt::format("{}{}", offset < Duration{0} ? "-" : "+", spoken(std::chrono::abs(offset)));
}

class NtpProbe final : public Probe {
public:
    NtpProbe(const Definition& definition, ProbeServices services)
        : definition_(definition),
          query_(definition.query.as<NtpQuery>()),
          loop_(services.loop),
          search_(definition, services.resolvers),
          random_(io::random_seed()),
          timer_(services.loop, [this] { on_timer(); }) {}

    void start(Instant now, Instant deadline, Done done) override;
    void cancel() override;

private:
    void ask_next();
    void send();
    void on_timer();
    void on_datagram(std::span<const std::uint8_t> bytes, WallTime at);
    void on_error(int error_number);
    void finish(Outcome outcome);
    Duration since_start() const { return io::monotonic_now() - started_; }
    std::string server() const { return to_text(servers_[asked_ - 1]); }

    const Definition& definition_;
    const NtpQuery& query_;
    io::Loop& loop_;
    AddressSearch search_;
    Random random_;
    io::Deadline timer_;

    // Of the run in flight.
    Done done_;
    Instant started_{};
    Instant deadline_{};
    std::vector<SocketAddress> servers_;
    std::size_t asked_ = 0;  // How many of them.
    std::vector<Phase> phases_;
    std::unique_ptr<io::DatagramSocket> socket_;
    Instant sent_at_{};
    Instant answer_by_{};
    bool asked_twice_ = false;
    std::uint64_t nonce_ = 0;
    WallTime asked_at_{};
};

void NtpProbe::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(!done_);
    done_ = std::move(done);
    started_ = now;
    deadline_ = deadline;
    servers_.clear();
    phases_.clear();
    asked_ = 0;
    const auto server = parse_host_port(query_.server.value, ntp_port);
    PICKET_ASSERT(server.has_value());  // The parser has seen to it.
    search_.start(server->host, deadline,
                  [this, port = server->port](Result<std::vector<IpAddress>> found) {
                      phases_.push_back({"resolve", Duration{0}, since_start()});
                      if (!found.has_value()) {
                          return finish(lookup_failed(found.error(), since_start()));
                      }
                      for (const IpAddress& ip : *found) servers_.push_back({ip, port});
                      ask_next();
                  });
}

void NtpProbe::cancel() {
    search_.cancel();
    socket_.reset();
    timer_.clear();
    done_ = nullptr;
}

void NtpProbe::ask_next() {
    const SocketAddress& peer = servers_[asked_];
    sent_at_ = io::monotonic_now();
    answer_by_ = connect_by(sent_at_, deadline_, servers_.size() - asked_);
    ++asked_;
    asked_twice_ = false;
    const int error = io::DatagramSocket::open(
        loop_, {.peer = peer, .source = search_.source()},
        [this](std::span<const std::uint8_t> bytes, WallTime at) { on_datagram(bytes, at); },
        [this](int error_number) { on_error(error_number); }, socket_);
    if (error != 0) return on_error(error);
    timer_.set(sent_at_ + (answer_by_ - sent_at_) / 3);
    send();
}

void NtpProbe::send() {
    nonce_ = random_.next();
    asked_at_ = io::wall_now();
    if (const int error = socket_->send(io::write_ntp_request(nonce_)); error != 0) on_error(error);
}

void NtpProbe::on_timer() {
    if (!std::exchange(asked_twice_, true)) {
        timer_.set(answer_by_);
        return send();
    }
    on_error(ETIMEDOUT);
}

void NtpProbe::on_datagram(std::span<const std::uint8_t> bytes, WallTime at) {
    const auto reply = io::parse_ntp_reply(bytes, nonce_);
    if (!reply.has_value()) {
        if (reply.error().code() == Code::not_found) return;
        return finish(
            failed(FailureClass::protocol, since_start(),
                   fmt::format("ask {} for the time: {}", server(), reply.error().message())));
    }
    phases_.push_back({"first_byte", sent_at_ - started_, io::monotonic_now() - sent_at_});
    Outcome outcome = judge_ntp(definition_, server(), {*reply, asked_at_, at});
    outcome.latency = since_start();
    finish(std::move(outcome));
}

void NtpProbe::on_error(int error_number) {
    if (asked_ < servers_.size()) return ask_next();
    const std::string what = fmt::format("ask {} for the time: ", server());
    const std::string why = error_number == ETIMEDOUT
                                ? "no reply within " + spoken(deadline_ - started_)
                                : errno_text(error_number);
    finish(socket_failed(error_number, since_start(), what + why));
}

void NtpProbe::finish(Outcome outcome) {
    if (asked_ > 0) outcome.address = server();
    outcome.phases = phases_;
    // `done` may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    cancel();
    done(std::move(outcome));
}

Judgement judged(FailureClass failure_class, std::string what, std::string found, bool met,
                 std::string message) {
    Judgement result = judgement(std::move(what), std::move(found), met);
    return met ? result : unmet(std::move(result), failure_class, std::move(message));
}

}  // namespace

Outcome judge_ntp(const Definition& definition, std::string_view server,
                  const NtpExchange& exchange) {
    const auto& query = definition.query.as<NtpQuery>();
    const io::NtpReply& reply = exchange.reply;
    // Without a code it is a server that knows no time (RFC 5905 §7.3).
    if (reply.stratum == 0) {
        return failed(FailureClass::status, Duration{0},
                      reply.kiss.empty()
                          ? fmt::format("{} is not synchronised (stratum 0)", server)
                          : fmt::format("{} refuses to tell the time: {}", server, reply.kiss));
    }
    const io::NtpTime asked = io::to_ntp_time(exchange.asked);
    const io::NtpTime answered = io::to_ntp_time(exchange.answered);
    // RFC 5905 §8: half of the way there and back is the best guess for each.
    const Duration offset = ((reply.received - asked) + (reply.sent - answered)) / 2;
    const Duration delay = (answered - asked) - (reply.sent - reply.received);
    const bool synchronised = reply.leap != io::LeapIndicator::unsynchronised && reply.stratum < 16;

    Outcome outcome = passed(delay, fmt::format("{}: offset {}, stratum {}, delay {}", server,
                                                signed_text(offset), reply.stratum, spoken(delay)));
    outcome.metrics = {{"offset", to_seconds(offset), "s"},
                       {"delay", to_seconds(delay), "s"},
                       {"stratum", static_cast<double>(reply.stratum), ""},
                       {"root_dispersion", to_seconds(reply.root_dispersion), "s"},
                       {"leap", static_cast<double>(reply.leap), ""}};
    std::vector<Judgement> judgements;
    judgements.push_back(
        judged(FailureClass::status, "a synchronised clock",
               synchronised ? "synchronised" : "not synchronised", synchronised,
               fmt::format("{} is not synchronised (stratum {})", server, reply.stratum)));
    judgements.push_back(
        judged(FailureClass::content, fmt::format("stratum at most {}", query.stratum_above),
               fmt::format("{}", reply.stratum), reply.stratum <= query.stratum_above,
               fmt::format("{} is of stratum {}, expected at most {}", server, reply.stratum,
                           query.stratum_above)));
    if (query.offset_above) {
        judgements.push_back(judged(
            FailureClass::content, fmt::format("offset at most {}", spoken(*query.offset_above)),
            signed_text(offset), std::chrono::abs(offset) <= *query.offset_above,
            fmt::format("{} is {} from this host's clock, expected at most {}", server,
                        signed_text(offset), spoken(*query.offset_above))));
    }
    if (query.root_dispersion_above) {
        judgements.push_back(judged(
            FailureClass::content,
            fmt::format("root dispersion at most {}", spoken(*query.root_dispersion_above)),
            spoken(reply.root_dispersion), reply.root_dispersion <= *query.root_dispersion_above,
            fmt::format("{} is sure of its time to {} only, expected {}", server,
                        spoken(reply.root_dispersion), spoken(*query.root_dispersion_above))));
    }
    if (definition.latency) judgements.push_back(judge_latency(delay, *definition.latency));
    return conclude(std::move(outcome), std::move(judgements));
}

std::unique_ptr<Probe> make_ntp_probe(const Definition& definition, ProbeServices services) {
    return std::make_unique<NtpProbe>(definition, services);
}

}  // namespace picket::checks
