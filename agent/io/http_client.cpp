#include "agent/io/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <unordered_map>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "agent/io/deadline.h"
#include "agent/io/http_attempt.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"
#include "agent/io/timer.h"

namespace picket::io {
namespace {

// Easy handles kept for the next exchange; one holds some kilobytes.
constexpr std::size_t idle_handles_max = 16;

// What libcurl and libuv call readable and writable are the same bits.
static_assert(CURL_POLL_IN == UV_READABLE && CURL_POLL_OUT == UV_WRITABLE);
static_assert(CURL_CSELECT_IN == UV_READABLE && CURL_CSELECT_OUT == UV_WRITABLE);

}  // namespace

Status HttpRequest::set_url(std::string text) {
    target = PICKET_TRY(parse_http_url(text));
    url = std::move(text);
    return {};
}

// The multi handle, its sockets and its timer: libcurl's multi-socket interface.
struct HttpClient::State {
    explicit State(Loop& on_loop)
        : loop(on_loop), timer(on_loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
        PICKET_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
        multi = curl_multi_init();
        PICKET_ASSERT(multi != nullptr);
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &State::on_socket);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &State::on_timer);
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    }

    ~State() {
        PICKET_ASSERT(transfers == 0);
        for (CURL* easy : idle) curl_easy_cleanup(easy);
        curl_multi_cleanup(multi);
        curl_global_cleanup();
    }

    State(const State&) = delete;
    State& operator=(const State&) = delete;

    static int on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
        static_cast<State*>(self)->watch(fd, what);
        return 0;
    }

    static int on_timer(CURLM*, long wait_ms, void* self) {
        Timer& timer = static_cast<State*>(self)->timer;
        if (wait_ms < 0) timer.clear();
        if (wait_ms == 0) timer.set(Instant{});  // At once: now would be a millisecond.
        if (wait_ms > 0) timer.set(monotonic_now() + std::chrono::milliseconds(wait_ms));
        return 0;
    }

    // libcurl says `remove` before it closes a socket, as Poll asks.
    void watch(curl_socket_t fd, int what) {
        if (what == CURL_POLL_REMOVE) {
            polls.erase(fd);
            return;
        }
        std::unique_ptr<Poll>& poll = polls[fd];
        if (poll == nullptr) {
            poll = std::make_unique<Poll>(loop, fd, [this, fd](int events) { act(fd, events); });
        }
        poll->watch(what);
    }

    CURL* take_handle() {
        ++transfers;
        if (!idle.empty()) {
            CURL* easy = idle.back();
            idle.pop_back();
            return easy;
        }
        CURL* easy = curl_easy_init();
        PICKET_ASSERT(easy != nullptr);
        return easy;
    }

    void return_handle(CURL* easy) {
        --transfers;
        if (idle.size() >= idle_handles_max) {
            curl_easy_cleanup(easy);
            return;
        }
        // What a reset leaves: the list of cookie files, which it would leak, and the share.
        curl_easy_setopt(easy, CURLOPT_COOKIEFILE, nullptr);
        curl_easy_setopt(easy, CURLOPT_SHARE, nullptr);
        curl_easy_reset(easy);
        idle.push_back(easy);
    }

    void act(curl_socket_t fd, int events);

    Loop& loop;
    CURLM* multi = nullptr;
    Timer timer;
    std::unordered_map<curl_socket_t, std::unique_ptr<Poll>> polls;
    std::vector<CURL*> idle;
    std::size_t transfers = 0;
};

class HttpClient::Transfer : public HttpTransfer {
public:
    Transfer(State& state, HttpRequest request, TlsContexts& contexts, Done done)
        : state_(state),
          easy_(state.take_handle()),
          attempt_(easy_, std::move(request), contexts),
          done_(std::move(done)),
          // libcurl's own time-outs may be late by the next thing it waits for.
          timer_(state.loop, [this] { on_time(); }) {}

    ~Transfer() override { release(); }

    void start(Instant deadline) {
        deadline_ = deadline;
        prepared_ = attempt_.prepare(monotonic_now());
        timer_.set(prepared_.has_value() ? std::min(deadline_, attempt_.connect_by()) : Instant{});
        if (!prepared_.has_value()) return;
        PICKET_ASSERT(curl_easy_setopt(easy_, CURLOPT_PRIVATE, this) == CURLE_OK);
        PICKET_ASSERT(curl_multi_add_handle(state_.multi, easy_) == CURLM_OK);
    }

    // `done` may destroy this, so that is the last thing done.
    void finish(CURLcode code) {
        HttpExchange exchange = prepared_.has_value() ? attempt_.conclude(monotonic_now(), code)
                                                      : HttpAttempt::refused(prepared_.error());
        release();
        const Done done = std::move(done_);
        done(std::move(exchange));
    }

private:
    void on_time() {
        const bool connected = prepared_.has_value() && attempt_.stage() > HttpStage::connecting;
        if (connected && monotonic_now() < deadline_) return timer_.set(deadline_);
        finish(CURLE_OPERATION_TIMEDOUT);
    }

    void release() {
        if (easy_ == nullptr) return;
        timer_.clear();
        curl_multi_remove_handle(state_.multi, easy_);
        state_.return_handle(easy_);
        easy_ = nullptr;
    }

    State& state_;
    CURL* easy_;
    HttpAttempt attempt_;
    Done done_;
    Deadline timer_;
    Instant deadline_ = never;
    Status prepared_;
};

// A `done` may start exchanges and destroy any, so each message is taken anew:
// libcurl drops those of a handle that was removed.
void HttpClient::State::act(curl_socket_t fd, int events) {
    int running = 0;
    curl_multi_socket_action(multi, fd, events, &running);
    int waiting = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &waiting)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode code = message->data.result;
        Transfer* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        transfer->finish(code);
    }
}

HttpClient::HttpClient(Loop& loop) : state_(std::make_unique<State>(loop)) {}
HttpClient::~HttpClient() = default;

std::unique_ptr<HttpTransfer> HttpClient::start(HttpRequest request, Instant deadline, Done done) {
    auto transfer =
        std::make_unique<Transfer>(*state_, std::move(request), tls_contexts_, std::move(done));
    transfer->start(deadline);
    return transfer;
}

}  // namespace picket::io
