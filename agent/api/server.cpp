#include "agent/api/server.h"

#include <fmt/format.h>
#include <microhttpd.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "agent/api/event_feed.h"
#include "agent/api/handler.h"
#include "agent/api/unix_listener.h"
#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "agent/io/poll.h"
#include "agent/io/timer.h"

namespace picket::api {
namespace {

// A body in chunks has no length to refuse it by; beyond this its connection closes.
constexpr std::uint64_t body_bytes_read_max = std::uint64_t{1024} * 1024;

// MHD_run() is called again at once at most so often, so that a busy client does
// not keep the loop from its other work.
constexpr int turns_max = 16;

// One request, from its first line until MHD is done with it.
struct Exchange {
    std::uint64_t id = 0;
    MHD_Connection* connection = nullptr;
    std::string target;  // As it was sent: path, question mark, query.
    std::string body;
    std::uint64_t body_bytes = 0;
    bool opened = false;   // The header has been seen.
    bool waiting = false;  // For the backend.
    bool suspended = false;
    std::optional<Response> response;  // The backend's, not yet sent.
    std::optional<EventFeed> feed;
    std::unique_ptr<Subscription> subscription;
};

std::string_view header_of(MHD_Connection* connection, const char* name) {
    const char* value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

int descriptor_of(MHD_Connection* connection) {
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

MHD_Result send(MHD_Connection* connection, Response response) {
    auto* body = new std::string(std::move(response.body));
    MHD_Response* answer = MHD_create_response_from_buffer_with_free_callback_cls(
        body->size(), body->data(), [](void* cls) { delete static_cast<std::string*>(cls); }, body);
    if (answer == nullptr) {
        delete body;
        return MHD_NO;
    }
    MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE,
                            std::string(response.content_type).c_str());
    MHD_add_response_header(answer, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (!response.allow.empty()) {
        MHD_add_response_header(answer, MHD_HTTP_HEADER_ALLOW, response.allow.c_str());
    }
    const MHD_Result result = MHD_queue_response(connection, response.status, answer);
    MHD_destroy_response(answer);
    return result;
}

bool declares_too_much(MHD_Connection* connection) {
    const std::string_view text = header_of(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    std::uint64_t length = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
    return error == std::errc::result_out_of_range ||
           (error == std::errc{} && length > body_bytes_max);
}

}  // namespace

class Server::State {
public:
    State(io::Loop& loop, Backend& backend, Options options, UnixListener listener)
        : options_(std::move(options)),
          backend_(backend),
          handler_(backend),
          listener_(std::move(listener)),
          timer_(loop, [this] { pump(); }),
          keep_alive_timer_(loop, [this] { keep_alive(); }) {}

    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State();

    Status start(io::Loop& loop);

    std::uint64_t events_dropped() const { return events_dropped_; }
    std::uint32_t subscribers() const { return count(&Exchange::feed); }
    std::uint32_t waiting() const { return count(&Exchange::waiting); }

private:
    // How libmicrohttpd calls us; `cls` is the State.
    static void* on_target(void* cls, const char* target, MHD_Connection* connection);
    static MHD_Result on_access(void* cls, MHD_Connection* connection, const char* url,
                                const char* method, const char* version, const char* upload,
                                size_t* upload_size, void** exchange);
    static void on_completed(void* cls, MHD_Connection* connection, void** exchange,
                             MHD_RequestTerminationCode code);

    template <typename Member>
    std::uint32_t count(Member Exchange::*member) const {
        std::uint32_t total = 0;
        for (const auto& [id, exchange] : exchanges_) total += exchange.*member ? 1u : 0u;
        return total;
    }

    MHD_Result read(Exchange& exchange, std::string_view piece);
    MHD_Result answer(Exchange& exchange, const char* method);
    MHD_Result wait(Exchange& exchange, const Later& later);
    MHD_Result stream(Exchange& exchange, const EventStream& wanted);
    ssize_t read_feed(Exchange& exchange, char* out, std::size_t bytes_max);
    void on_response(std::uint64_t id, Response response);
    void on_event(std::uint64_t id, const Event& event);

    void suspend(Exchange& exchange);
    void resume(Exchange& exchange);
    void end_gone_streams();
    void keep_alive();
    void pump();
    void run_turns();
    unsigned connections() const;

    Options options_;
    Backend& backend_;
    Handler handler_;
    UnixListener listener_;
    MHD_Daemon* daemon_ = nullptr;
    std::optional<io::Poll> poll_;
    io::Timer timer_;
    io::Timer keep_alive_timer_;
    std::map<std::uint64_t, Exchange> exchanges_;
    std::uint64_t exchanges_opened_ = 0;
    std::uint64_t events_dropped_ = 0;
    bool pumping_ = false;
    bool stopping_ = false;
    // Tells an answer that comes after the server has gone that it has.
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

Status Server::State::start(io::Loop& loop) {
    const auto keep_escapes = [](void*, MHD_Connection*, char* text) { return std::strlen(text); };
    daemon_ = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, on_access, this,
        MHD_OPTION_LISTEN_SOCKET, listener_.fd(),                                           //
        MHD_OPTION_CONNECTION_LIMIT, static_cast<unsigned>(options_.connections_max),       //
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, std::size_t{options_.connection_memory_bytes},  //
        MHD_OPTION_CONNECTION_TIMEOUT,
        static_cast<unsigned>(options_.connection_timeout.count()),  //
        MHD_OPTION_URI_LOG_CALLBACK, on_target, this,                //
        MHD_OPTION_UNESCAPE_CALLBACK,
        static_cast<std::size_t (*)(void*, MHD_Connection*, char*)>(keep_escapes), nullptr,  //
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, this, MHD_OPTION_END);
    if (daemon_ == nullptr) {
        return failure(Code::io, fmt::format("cannot serve {}", options_.socket_path));
    }
    const int epoll = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    poll_.emplace(loop, epoll, [this](int) { pump(); });
    poll_->watch(UV_READABLE);
    return {};
}

Server::State::~State() {
    if (daemon_ == nullptr) return;
    stopping_ = true;
    // From here on the descriptor is ours alone, and nobody new comes in.
    MHD_quiesce_daemon(daemon_);
    // MHD refuses to stop while a connection is suspended. Resumed, those that
    // wait are told 503 and the streams end.
    for (auto& [id, exchange] : exchanges_) {
        exchange.subscription.reset();
        resume(exchange);
    }
    run_turns();
    // The epoll descriptor is closed with the daemon.
    poll_.reset();
    MHD_stop_daemon(daemon_);
}

void* Server::State::on_target(void* cls, const char* target, MHD_Connection* connection) {
    auto& state = *static_cast<State*>(cls);
    const std::uint64_t id = ++state.exchanges_opened_;
    Exchange& exchange = state.exchanges_[id];
    exchange.id = id;
    exchange.connection = connection;
    exchange.target = target;
    return &exchange;
}

void Server::State::on_completed(void* cls, MHD_Connection*, void** exchange,
                                 MHD_RequestTerminationCode) {
    if (*exchange == nullptr) return;
    static_cast<State*>(cls)->exchanges_.erase(static_cast<Exchange*>(*exchange)->id);
    *exchange = nullptr;
}

// NOLINTNEXTLINE(readability-function-size): libmicrohttpd's parameters.
MHD_Result Server::State::on_access(void* cls, MHD_Connection* connection, const char*,
                                    const char* method, const char*, const char* upload,
                                    size_t* upload_size, void** exchange_pointer) {
    auto& state = *static_cast<State*>(cls);
    PICKET_ASSERT(*exchange_pointer != nullptr);
    Exchange& exchange = *static_cast<Exchange*>(*exchange_pointer);
    if (!exchange.opened) {
        exchange.opened = true;
        // Answered now, the body is never read.
        if (!declares_too_much(connection)) return MHD_YES;
        return send(connection, error_response(413, fmt::format("the body is longer than {} bytes",
                                                                body_bytes_max)));
    }
    if (*upload_size > 0) {
        const std::string_view piece(upload, std::exchange(*upload_size, 0));
        return state.read(exchange, piece);
    }
    return state.answer(exchange, method);
}

MHD_Result Server::State::read(Exchange& exchange, std::string_view piece) {
    exchange.body_bytes += piece.size();
    // One byte more than allowed is enough for the handler to refuse it.
    exchange.body += piece.substr(0, body_bytes_max + 1 - exchange.body.size());
    return exchange.body_bytes > body_bytes_read_max ? MHD_NO : MHD_YES;
}

MHD_Result Server::State::answer(Exchange& exchange, const char* method) {
    if (stopping_) return send(exchange.connection, error_response(503, "the agent is stopping"));
    if (exchange.waiting) {
        if (!exchange.response.has_value()) {
            suspend(exchange);
            return MHD_YES;
        }
        exchange.waiting = false;
        return send(exchange.connection, *std::exchange(exchange.response, std::nullopt));
    }
    const std::string_view target = exchange.target;
    const std::size_t path_end = std::min(target.find('?'), target.size());
    Request request{.method = method,
                    .path = target.substr(0, path_end),
                    .query = target.substr(std::min(path_end + 1, target.size())),
                    .accept = header_of(exchange.connection, MHD_HTTP_HEADER_ACCEPT),
                    .body = exchange.body};
    request.caller.privileged =
        privileged_peer(descriptor_of(exchange.connection), listener_.group(), request.caller.uid,
                        request.caller.gid);
    Answer answer = handler_.handle(io::wall_now(), request);
    if (auto* response = std::get_if<Response>(&answer)) {
        return send(exchange.connection, std::move(*response));
    }
    if (const auto* later = std::get_if<Later>(&answer)) return wait(exchange, *later);
    return stream(exchange, std::get<EventStream>(answer));
}

MHD_Result Server::State::wait(Exchange& exchange, const Later& later) {
    exchange.waiting = true;
    suspend(exchange);
    later.start([this, alive = std::weak_ptr(alive_), id = exchange.id](Response response) {
        if (!alive.expired()) on_response(id, std::move(response));
    });
    return MHD_YES;
}

void Server::State::on_response(std::uint64_t id, Response response) {
    const auto found = exchanges_.find(id);
    if (found == exchanges_.end()) return;  // The client has gone.
    found->second.response = std::move(response);
    resume(found->second);
}

MHD_Result Server::State::stream(Exchange& exchange, const EventStream& wanted) {
    if (subscribers() >= options_.subscribers_max) end_gone_streams();
    if (subscribers() >= options_.subscribers_max) {
        return send(exchange.connection,
                    error_response(503, fmt::format("{} others follow the events already",
                                                    options_.subscribers_max)));
    }
    const auto read = [](void* cls, uint64_t, char* out, size_t bytes_max) {
        auto& [state, id] = *static_cast<std::pair<State*, std::uint64_t>*>(cls);
        return state->read_feed(state->exchanges_.at(id), out, bytes_max);
    };
    auto* cls = new std::pair<State*, std::uint64_t>(this, exchange.id);
    MHD_Response* response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, 4096, read, cls,
        [](void* pair) { delete static_cast<std::pair<State*, std::uint64_t>*>(pair); });
    if (response == nullptr) {
        delete cls;
        return MHD_NO;
    }
    exchange.feed.emplace(options_.events_queued_max);
    const std::vector<Event> events = backend_.events();
    const std::size_t recent = std::min(wanted.recent, events.size());
    for (std::size_t i = events.size() - recent; i < events.size(); ++i) {
        exchange.feed->push(events[i]);
    }
    exchange.subscription =
        backend_.subscribe([this, id = exchange.id](const Event& event) { on_event(id, event); });
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    const MHD_Result result = MHD_queue_response(exchange.connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    keep_alive_timer_.set(io::monotonic_now() + options_.keep_alive_interval);
    return result;
}

ssize_t Server::State::read_feed(Exchange& exchange, char* out, std::size_t bytes_max) {
    // The agent stops, or the client has gone.
    if (exchange.subscription == nullptr) return MHD_CONTENT_READER_END_OF_STREAM;
    const std::size_t copied = exchange.feed->read(out, bytes_max);
    if (copied > 0) return static_cast<ssize_t>(copied);
    suspend(exchange);
    return 0;
}

void Server::State::on_event(std::uint64_t id, const Event& event) {
    Exchange& exchange = exchanges_.at(id);
    if (!exchange.feed->push(event)) ++events_dropped_;
    resume(exchange);
}

void Server::State::suspend(Exchange& exchange) {
    PICKET_ASSERT(!exchange.suspended);
    exchange.suspended = true;
    MHD_suspend_connection(exchange.connection);
}

void Server::State::resume(Exchange& exchange) {
    if (!std::exchange(exchange.suspended, false)) return;
    MHD_resume_connection(exchange.connection);
    timer_.set(io::monotonic_now());
}

// MHD does not look at a suspended connection, so a reader that left is found
// only when something is written to it, or here.
void Server::State::end_gone_streams() {
    for (auto& [id, exchange] : exchanges_) {
        if (!exchange.feed.has_value()) continue;
        pollfd peer{.fd = descriptor_of(exchange.connection), .events = POLLRDHUP, .revents = 0};
        if (::poll(&peer, 1, 0) != 1) continue;
        exchange.subscription.reset();
        exchange.feed.reset();
        resume(exchange);
    }
}

void Server::State::keep_alive() {
    bool followed = false;
    for (auto& [id, exchange] : exchanges_) {
        if (!exchange.feed.has_value()) continue;
        followed = true;
        exchange.feed->keep_alive();
        resume(exchange);
    }
    if (followed) keep_alive_timer_.set(io::monotonic_now() + options_.keep_alive_interval);
}

void Server::State::pump() {
    // What MHD_run() calls may want it to run again; it does, see run_turns().
    if (std::exchange(pumping_, true)) return;
    run_turns();
    pumping_ = false;
}

// At connections_max MHD stops listening, and listens again one turn after a
// connection was closed, of which MHD_get_timeout() says nothing. So there is a
// turn more after each that has closed one.
void Server::State::run_turns() {
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    MHD_Result timed = MHD_NO;
    for (int turn = 0; turn < turns_max; ++turn) {
        const unsigned before = connections();
        MHD_run(daemon_);
        timed = MHD_get_timeout(daemon_, &wait_ms);
        if (connections() == before && (timed == MHD_NO || wait_ms > 0)) break;
        wait_ms = 0;
        timed = MHD_YES;
    }
    if (timed == MHD_NO) return timer_.clear();
    timer_.set(io::monotonic_now() + std::chrono::milliseconds(wait_ms));
}

unsigned Server::State::connections() const {
    return MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

Result<std::unique_ptr<Server>> Server::open(io::Loop& loop, Backend& backend, Options options) {
    UnixListener listener = PICKET_TRY(UnixListener::open(options.socket_path, options.group));
    auto state = std::make_unique<State>(loop, backend, std::move(options), std::move(listener));
    PICKET_TRY(state->start(loop));
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}
Server::~Server() = default;

std::uint64_t Server::events_dropped() const {
    return state_->events_dropped();
}
std::uint32_t Server::subscribers() const {
    return state_->subscribers();
}
std::uint32_t Server::waiting() const {
    return state_->waiting();
}

}  // namespace picket::api
