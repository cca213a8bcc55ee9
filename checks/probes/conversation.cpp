#include "checks/probes/conversation.h"

#include <fmt/format.h>

#include <utility>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "agent/io/http_client.h"
#include "agent/io/socket_fault.h"
#include "checks/expectation.h"

namespace picket::checks {

// What a conversation under way knows.
struct Conversation::Run {
    explicit Run(const std::vector<ScriptStep>& script) : dialogue(script) {}

    Done done;
    Instant started;
    Instant deadline;
    std::vector<SocketAddress> addresses;
    std::size_t asked = 0;  // How many of them.
    Heard heard;
    bool answered = false;  // A byte came in.
    Dialogue dialogue;
    std::unique_ptr<io::TlsStream> stream;
};

Conversation::Conversation(const Definition& definition, const ConversationPlan& plan,
                           ProbeServices services)
    : plan_(plan),
      services_(services),
      search_(definition, services.resolvers),
      timer_(services.loop, [this] { on_time(); }) {}

Conversation::~Conversation() = default;

void Conversation::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(run_ == nullptr);
    run_ = std::make_unique<Run>(plan_.script);
    run_->done = std::move(done);
    run_->started = now;
    run_->deadline = deadline;
    if (plan_.pin.has_value()) return connect_to({*plan_.pin});
    if (const auto ip = AddressSearch::literal(plan_.target.host)) return connect_to({*ip});
    search_.start(plan_.target.host, deadline, [this](Result<std::vector<IpAddress>> found) {
        end_phase("resolve");
        if (!found.has_value()) return finish(lookup_failed(found.error(), since_start()));
        if (plan_.addresses != Addresses::any) found->resize(1);
        connect_to(*found);
    });
}

void Conversation::cancel() {
    search_.cancel();
    timer_.clear();
    run_.reset();
}

void Conversation::connect_to(const std::vector<IpAddress>& ips) {
    for (const IpAddress& ip : ips) run_->addresses.push_back({ip, plan_.target.port});
    connect_next();
}

void Conversation::connect_next() {
    const std::size_t left = run_->addresses.size() - run_->asked;
    timer_.set(connect_by(io::monotonic_now(), run_->deadline, left));
    const SocketAddress& address = run_->addresses[run_->asked++];
    run_->stream = std::make_unique<io::TlsStream>(
        services_.loop, io::TcpStream::Options{.peer = address, .source = search_.source()},
        io::TlsStream::Events{
            .on_connected = [this] { on_connected(); },
            .on_secured = [this] { on_secured(); },
            .on_bytes = [this](std::string_view bytes) { on_bytes(bytes); },
            .on_end = [this](io::StreamEnd end) { on_end(end); },
            .on_error = [this](const io::StreamError& error) { on_error(error); },
            .on_refused = [this](io::TlsFault fault,
                                 const std::string& message) { on_refused(fault, message); }});
}

void Conversation::on_connected() {
    end_phase("connect");
    run_->heard.connected = true;
    timer_.set(run_->deadline);
    if (plan_.tls_from_start) return secure();
    talk();
}

void Conversation::secure() {
    const Status begun = run_->stream->secure(services_.http.tls_contexts(), plan_.tls,
                                              plan_.target.host, plan_.alpn);
    if (!begun.has_value()) finish(errored(begun.error().message()));
}

void Conversation::on_secured() {
    end_phase("tls");
    run_->heard.secured = true;
    run_->heard.tls = run_->stream->facts();
    if (run_->dialogue.next() == Dialogue::Next::secure) run_->dialogue.on_secured();
    talk();
}

void Conversation::talk() {
    while (true) {
        switch (run_->dialogue.next()) {
            case Dialogue::Next::send:
                run_->stream->write(run_->dialogue.take_output());
                break;
            case Dialogue::Next::wait:
                return;
            case Dialogue::Next::secure:
                return secure();
            case Dialogue::Next::failed:
                return fail(FailureClass::content, run_->dialogue.error());
            case Dialogue::Next::done:
                run_->heard.answer = run_->dialogue.last_answer();
                if (run_->answered) end_phase("transfer");
                return finish(std::nullopt);
        }
    }
}

void Conversation::on_bytes(std::string_view bytes) {
    if (!std::exchange(run_->answered, true)) end_phase("first_byte");
    run_->dialogue.on_bytes(bytes);
    const bool full = run_->dialogue.full();
    const std::size_t step = run_->dialogue.step();
    if (run_->dialogue.next() == Dialogue::Next::wait) {
        if (!full || run_->dialogue.step() != step) return;
        return no_match(fmt::format("{} sent {} bytes", peer(), dialogue_bytes_max));
    }
    talk();
}

void Conversation::on_end(io::StreamEnd) {
    no_match(fmt::format("{} closed the connection", peer()));
}

void Conversation::on_error(const io::StreamError& error) {
    if (!run_->heard.connected && another_address()) {
        end_phase("connect");
        return connect_next();
    }
    const std::string message = error.message + tried();
    switch (io::socket_fault(error.error_number)) {
        case io::SocketFault::refused:
            return fail(FailureClass::refused, message);
        case io::SocketFault::reset:
            return fail(run_->answered ? FailureClass::protocol : FailureClass::refused, message);
        case io::SocketFault::timed_out:
            return fail(FailureClass::timeout, message);
        case io::SocketFault::unreachable:
            return fail(FailureClass::unreachable, message);
        case io::SocketFault::local:
            return finish(errored(message));
    }
}

void Conversation::on_refused(io::TlsFault fault, const std::string& message) {
    end_phase("tls");
    fail(fault == io::TlsFault::certificate ? FailureClass::certificate : FailureClass::tls,
         message);
}

void Conversation::on_time() {
    if (!run_->heard.connected && another_address()) {
        end_phase("connect");
        return connect_next();
    }
    const std::string within = spoken(run_->deadline - run_->started);
    if (!run_->dialogue.heard().empty()) {
        return no_match(fmt::format("{} sent {} bytes within {}", peer(),
                                    run_->dialogue.heard().size(), within));
    }
    const bool securing = run_->stream->securing();
    const std::string_view stage = !run_->heard.connected ? "connecting"
                                   : securing             ? "connected, in the TLS handshake"
                                   : run_->answered       ? "waiting for the next answer"
                                                          : "connected, waiting for the first byte";
    end_phase(!run_->heard.connected ? "connect" : securing ? "tls" : "first_byte");
    fail(FailureClass::timeout,
         fmt::format("no answer from {} within {}: {}{}", peer(), within, stage, tried()));
}

void Conversation::no_match(const std::string& what_happened) {
    const std::string_view heard = run_->dialogue.heard();
    const CapturingPattern* expected = run_->dialogue.expected();
    PICKET_ASSERT(expected != nullptr);  // Nothing else is waited for.
    end_phase(run_->answered ? "transfer" : "first_byte");
    const std::string step = plan_.script.size() > 1
                                 ? fmt::format("step {}: ", run_->dialogue.step() + 1)
                                 : std::string();
    fail(FailureClass::content,
         heard.empty() ? fmt::format("{}{} without a word, expected \"{}\"", step, what_happened,
                                     expected->expression())
                       : fmt::format("{}{}, no match for \"{}\" (first bytes: {})", step,
                                     what_happened, expected->expression(), excerpt(heard)));
}

bool Conversation::another_address() const {
    return run_->asked < run_->addresses.size();
}

std::string Conversation::peer() const {
    return to_text(run_->addresses[run_->asked - 1]);
}

// "", or that there was more than one address to try.
std::string Conversation::tried() const {
    const std::size_t count = run_->addresses.size();
    return run_->heard.connected || count < 2 ? "" : fmt::format(" (last of {} addresses)", count);
}

Duration Conversation::since_start() const {
    return io::monotonic_now() - run_->started;
}

void Conversation::end_phase(std::string_view name) {
    std::vector<Phase>& phases = run_->heard.phases;
    Duration begun{0};
    if (!phases.empty()) begun = phases.back().start + phases.back().length;
    phases.push_back({name, begun, since_start() - begun});
}

void Conversation::fail(FailureClass failure_class, std::string_view message) {
    run_->heard.answer = run_->dialogue.heard();
    finish(failed(failure_class, since_start(), message));
}

void Conversation::finish(std::optional<Outcome> failure) {
    Heard heard = std::move(run_->heard);
    heard.failure = std::move(failure);
    if (run_->asked > 0) heard.peer = peer();
    if (run_->stream != nullptr) heard.chain = run_->stream->certificates().chain();
    // `done` may destroy this or start the next.
    const Done done = std::move(run_->done);
    cancel();
    done(std::move(heard));
}

}  // namespace picket::checks
