#include "checks/probes/tcp.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "agent/io/socket_fault.h"
#include "agent/io/tcp_stream.h"
#include "agent/io/timer.h"
#include "checks/expectation.h"
#include "checks/probes/reach.h"

namespace picket::checks {
namespace {

// What a probe knows of a run in flight.
struct Asking {
    Probe::Done done;
    Instant started;
    Instant deadline;
    std::vector<SocketAddress> addresses;
    std::size_t asked = 0;  // How many of them.
    std::vector<Phase> phases;
    std::string received;
    bool connected = false;
};

class TcpProbe final : public Probe {
public:
    TcpProbe(const Definition& definition, ProbeServices services);

    void start(Instant now, Instant deadline, Done done) override;
    void cancel() override;

private:
    void connect_to(const std::vector<IpAddress>& ips);
    void connect_next();
    void on_connected();
    void on_bytes(std::string_view bytes);
    void on_end(io::StreamEnd end);
    void on_error(const io::StreamError& error);
    void on_time();

    bool another_address() const { return run_->asked < run_->addresses.size(); }
    std::string peer() const { return to_text(run_->addresses[run_->asked - 1]); }
    std::string tried() const;
    Duration since_start() const { return io::monotonic_now() - run_->started; }
    void end_phase(std::string_view name);
    void no_match(const std::string& what_happened);
    void pass(std::string_view message);
    void fail(FailureClass failure_class, std::string_view message);
    void finish(Outcome outcome);

    const Definition& definition_;
    const TcpQuery& query_;
    io::Loop& loop_;
    Result<HostPort> target_;
    std::optional<Pattern> expect_;
    AddressSearch search_;
    std::optional<Asking> run_;
    std::unique_ptr<io::TcpStream> stream_;
    std::unique_ptr<io::Timer> timer_;
};

TcpProbe::TcpProbe(const Definition& definition, ProbeServices services)
    : definition_(definition),
      query_(std::get<TcpQuery>(definition.query)),
      loop_(services.loop),
      target_(parse_host_port(query_.address.value)),
      search_(definition, services.resolvers) {
    PICKET_ASSERT(target_.has_value());  // The parser takes nothing else.
    if (!query_.expect.empty()) expect_.emplace(query_.expect);
}

void TcpProbe::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(!run_.has_value());
    run_.emplace();
    run_->done = std::move(done);
    run_->started = now;
    run_->deadline = deadline;
    timer_ = std::make_unique<io::Timer>(loop_, [this] { on_time(); });
    if (const auto ip = AddressSearch::literal(target_->host)) return connect_to({*ip});
    search_.start(target_->host, deadline, [this](Result<std::vector<IpAddress>> found) {
        end_phase("resolve");
        if (!found.has_value()) return finish(lookup_failed(found.error(), since_start()));
        connect_to(*found);
    });
}

void TcpProbe::cancel() {
    search_.cancel();
    stream_.reset();
    timer_.reset();
    run_.reset();
}

void TcpProbe::connect_to(const std::vector<IpAddress>& ips) {
    for (const IpAddress& ip : ips) run_->addresses.push_back({ip, target_->port});
    connect_next();
}

void TcpProbe::connect_next() {
    const std::size_t left = run_->addresses.size() - run_->asked;
    timer_->set(connect_by(io::monotonic_now(), run_->deadline, left));
    const SocketAddress& address = run_->addresses[run_->asked++];
    stream_ = std::make_unique<io::TcpStream>(
        loop_,
        io::TcpStream::Options{
            .peer = address, .source = search_.source(), .read_bytes_max = tcp_answer_bytes_max},
        io::TcpStream::Events{
            .on_connected = [this] { on_connected(); },
            .on_bytes = [this](std::string_view bytes) { on_bytes(bytes); },
            .on_end = [this](io::StreamEnd end) { on_end(end); },
            .on_error = [this](const io::StreamError& error) { on_error(error); }});
}

void TcpProbe::on_connected() {
    end_phase("connect");
    run_->connected = true;
    timer_->set(run_->deadline);
    stream_->write(query_.send.value);
    if (!expect_.has_value()) pass(fmt::format("{} accepts connections", peer()));
}

void TcpProbe::on_bytes(std::string_view bytes) {
    if (!expect_.has_value()) return;
    if (run_->received.empty()) end_phase("first_byte");
    run_->received += bytes;
    if (!expect_->found_in(run_->received)) return;
    end_phase("transfer");
    pass(fmt::format("{} answered {}", peer(), excerpt(run_->received)));
}

void TcpProbe::on_end(io::StreamEnd end) {
    no_match(end == io::StreamEnd::limit
                 ? fmt::format("{} sent {} bytes", peer(), run_->received.size())
                 : fmt::format("{} closed the connection", peer()));
}

void TcpProbe::on_error(const io::StreamError& error) {
    if (!run_->connected && another_address()) {
        end_phase("connect");
        return connect_next();
    }
    const std::string message = error.message + tried();
    switch (io::socket_fault(error.error_number)) {
        case io::SocketFault::refused:
            return fail(FailureClass::refused, message);
        case io::SocketFault::reset:
            return fail(run_->received.empty() ? FailureClass::refused : FailureClass::protocol,
                        message);
        case io::SocketFault::timed_out:
            return fail(FailureClass::timeout, message);
        case io::SocketFault::unreachable:
            return fail(FailureClass::unreachable, message);
        case io::SocketFault::local:
            return finish(errored(message));
    }
}

void TcpProbe::on_time() {
    if (!run_->connected && another_address()) {
        end_phase("connect");
        return connect_next();
    }
    const std::string within = spoken(run_->deadline - run_->started);
    if (!run_->received.empty()) {
        return no_match(
            fmt::format("{} sent {} bytes within {}", peer(), run_->received.size(), within));
    }
    end_phase(run_->connected ? "first_byte" : "connect");
    fail(FailureClass::timeout,
         fmt::format("no answer from {} within {}: {}{}", peer(), within,
                     run_->connected ? "connected, waiting for the first byte" : "connecting",
                     tried()));
}

// "", or that there was more than one address to try.
std::string TcpProbe::tried() const {
    const std::size_t count = run_->addresses.size();
    return run_->connected || count < 2 ? "" : fmt::format(" (last of {} addresses)", count);
}

void TcpProbe::end_phase(std::string_view name) {
    Duration begun{0};
    if (!run_->phases.empty()) begun = run_->phases.back().start + run_->phases.back().length;
    run_->phases.push_back({name, begun, since_start() - begun});
}

void TcpProbe::no_match(const std::string& what_happened) {
    end_phase(run_->received.empty() ? "first_byte" : "transfer");
    fail(FailureClass::content,
         run_->received.empty()
             ? fmt::format("{} without a word, expected \"{}\"", what_happened, query_.expect)
             : fmt::format("{}, no match for \"{}\" (first bytes: {})", what_happened,
                           query_.expect, excerpt(run_->received)));
}

void TcpProbe::pass(std::string_view message) {
    const Duration took = since_start();
    std::vector<Judgement> judgements;
    if (definition_.latency.has_value()) {
        judgements.push_back(judge_latency(took, *definition_.latency));
    }
    finish(conclude(passed(took, message), std::move(judgements)));
}

void TcpProbe::fail(FailureClass failure_class, std::string_view message) {
    finish(failed(failure_class, since_start(), message));
}

void TcpProbe::finish(Outcome outcome) {
    if (run_->asked > 0) outcome.address = peer();
    outcome.phases = std::move(run_->phases);
    if (expect_.has_value() && run_->connected) {
        const bool met = expect_->found_in(run_->received);
        outcome.expectations.insert(
            outcome.expectations.begin(),
            {fmt::format("answer matches \"{}\"", query_.expect),
             run_->received.empty() ? "nothing" : excerpt(run_->received), met});
    }
    // `done` may destroy this probe or start it again.
    const Done done = std::move(run_->done);
    cancel();
    done(std::move(outcome));
}

}  // namespace

std::unique_ptr<Probe> make_tcp_probe(const Definition& definition, ProbeServices services) {
    return std::make_unique<TcpProbe>(definition, services);
}

}  // namespace picket::checks
