#include "checks/probes/http_fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"
#include "checks/expectation.h"

namespace picket::checks {
namespace {

constexpr std::size_t shown_location_bytes_max = 1024;

}  // namespace

// What a fetch in flight knows.
struct HttpFetch::Run {
    const HttpQuery* query = nullptr;
    When when;
    Done done;
    io::HttpRequest request;     // Of the hop in flight.
    HostPort contact;            // Whom it connects to.
    bool contact_named = false;  // By connect_to or proxy: not the URL's host.
    std::vector<IpAddress> addresses;
    std::size_t asked = 0;  // How many of them.
    bool connected_to_any = false;
    std::string problem;  // What kept us from asking at all.
    Fetched fetched;
};

HttpFetch::HttpFetch(const Definition& definition, ProbeServices services,
                     std::optional<IpAddress> pin)
    : definition_(definition),
      services_(services),
      pin_(pin),
      search_(definition, services.resolvers) {}

HttpFetch::~HttpFetch() = default;

void HttpFetch::start(const HttpQuery& query, When when, io::HttpCookies* jar, Done done) {
    PICKET_ASSERT(run_ == nullptr);
    run_ = std::make_unique<Run>();
    run_->query = &query;
    run_->when = when;
    run_->done = std::move(done);
    auto request = http_request(query, known_url_);
    if (!request.has_value()) return give_up(request.error().message());
    run_->request = *std::move(request);
    run_->request.source = search_.source();
    run_->request.jar = jar;
    if (!query.unix_socket.empty()) run_->request.unix_socket = query.unix_socket;
    run_->contact_named = !query.proxy.value.empty() || !query.connect_to.value.empty();
    const auto contact = http_contact(query, run_->request.target);
    if (!contact.has_value()) return give_up(contact.error().message());
    run_->contact = *contact;
    begin_hop();
}

void HttpFetch::cancel() {
    search_.cancel();
    transfer_.reset();
    later_.reset();
    run_.reset();
}

void HttpFetch::begin_hop() {
    const io::HttpUrl& target = run_->request.target;
    const bool first = run_->fetched.redirects == 0;
    if (first && pin_.has_value()) return ask_addresses({*pin_});
    if (!run_->request.unix_socket.empty()) return ask_addresses({IpAddress{}});
    const std::string before = run_->contact.host;
    const std::string& connect_to = run_->query->connect_to.value;
    if (!run_->contact_named) {
        run_->contact = {target.host, target.port};
    } else if (!connect_to.empty()) {  // Its port, where it has none, is each hop's.
        run_->contact = parse_host_port(connect_to, target.port).value_or(run_->contact);
    }
    if (!first && before == run_->contact.host) {
        return ask_addresses({run_->request.address.ip});
    }
    if (const auto ip = AddressSearch::literal(run_->contact.host)) return ask_addresses({*ip});
    const Duration begun = since_start();
    search_.start(run_->contact.host, run_->when.deadline,
                  [this, begun](Result<std::vector<IpAddress>> found) {
                      run_->fetched.phases.push_back({"resolve", begun, since_start() - begun});
                      if (found.has_value()) return ask_addresses(*std::move(found));
                      finish(lookup_failed(found.error(), since_start()));
                  });
}

void HttpFetch::ask_addresses(std::vector<IpAddress> addresses) {
    if (run_->query->addresses != Addresses::any) addresses.resize(1);
    run_->addresses = std::move(addresses);
    run_->asked = 0;
    ask_next();
}

void HttpFetch::ask_next() {
    const Instant now = io::monotonic_now();
    const std::size_t left = run_->addresses.size() - run_->asked;
    run_->request.address = {run_->addresses[run_->asked++], run_->contact.port};
    run_->request.connect_by = connect_by(now, run_->when.deadline, left);
    run_->fetched.host = run_->request.target.host;
    run_->fetched.peer = peer();
    transfer_ = services_.http.start(
        run_->request, run_->when.deadline,
        [this, now](io::HttpExchange exchange) { on_exchange(now, std::move(exchange)); });
}

void HttpFetch::on_exchange(Instant asked_at, io::HttpExchange exchange) {
    record(asked_at - run_->when.started, exchange);
    run_->fetched.exchange = std::move(exchange);
    const io::HttpExchange& got = run_->fetched.exchange;
    if (got.error.has_value()) return on_error(*got.error);
    constexpr std::array<std::uint16_t, 5> redirects{301, 302, 303, 307, 308};
    const auto location = std::ranges::find_if(
        got.headers, [](const auto& field) { return same_field_name(field.first, "Location"); });
    if (std::ranges::count(redirects, got.status) > 0 && location != got.headers.end()) {
        if (run_->query->follow_redirects) return follow(got.status, location->second);
        run_->fetched.location =
            io::follow_location(run_->request.url, location->second).value_or(location->second);
    }
    finish(std::nullopt);
}

void HttpFetch::on_error(const io::HttpError& error) {
    if (error.stage == io::HttpStage::connecting && run_->asked < run_->addresses.size() &&
        io::monotonic_now() < run_->when.deadline) {
        return ask_next();
    }
    switch (error.kind) {
        case io::HttpErrorKind::refused:
            return fail(FailureClass::refused, error.message);
        case io::HttpErrorKind::timeout:
            return fail(FailureClass::timeout, timeout_message(error));
        case io::HttpErrorKind::unreachable:
            return fail(FailureClass::unreachable, error.message);
        case io::HttpErrorKind::tls:
            return fail(FailureClass::tls, error.message);
        case io::HttpErrorKind::certificate:
            return fail(FailureClass::certificate, error.message);
        case io::HttpErrorKind::protocol:
            return fail(FailureClass::protocol, error.message);
        case io::HttpErrorKind::local:
            return finish(errored(error.message));
    }
}

std::string HttpFetch::timeout_message(const io::HttpError& error) const {
    // The kernel gives up connecting by itself after some minutes.
    if (io::monotonic_now() < run_->when.deadline) return error.message;
    return fmt::format("no {}answer from {} within {}: {}",
                       error.stage >= io::HttpStage::headers ? "complete " : "", peer(),
                       spoken(run_->when.deadline - run_->when.started), to_text(error.stage));
}

void HttpFetch::follow(std::uint16_t status, const std::string& location) {
    const std::uint32_t followed = run_->fetched.redirects;
    if (followed == run_->query->redirects_max) {
        return fail(FailureClass::protocol,
                    fmt::format("still redirected after {} redirects: {} to {}", followed, status,
                                printable_line(location, shown_location_bytes_max)));
    }
    ++run_->fetched.redirects;
    const std::string host = run_->request.target.host;
    Result<io::HttpRequest> next = redirected(std::move(run_->request), status, location);
    if (!next.has_value()) {
        return fail(FailureClass::protocol,
                    fmt::format("{} from {} to nowhere: {}", status, host, next.error().message()));
    }
    run_->request = *std::move(next);
    run_->fetched.location = run_->request.url;
    const bool elsewhere = run_->request.target.host != host;
    if (elsewhere && !run_->query->connect_to.value.empty()) run_->contact_named = false;
    begin_hop();
}

void HttpFetch::record(Duration begun, const io::HttpExchange& exchange) {
    const auto add = [&](std::string_view name, Duration length) {
        if (length <= Duration{0}) return;
        run_->fetched.phases.push_back({name, begun, length});
        begun += length;
    };
    add("connect", exchange.phases.connect);
    add("tls", exchange.phases.tls);
    add("first_byte", exchange.phases.first_byte);
    add("transfer", exchange.phases.transfer);
}

Duration HttpFetch::since_start() const {
    return io::monotonic_now() - run_->when.started;
}

std::string HttpFetch::peer() const {
    const std::string& socket = run_->request.unix_socket;
    return socket.empty() ? to_text(run_->request.address) : "unix:" + socket;
}

// Not from within start(), where this may be called.
void HttpFetch::give_up(std::string problem) {
    run_->problem = std::move(problem);
    later_ =
        std::make_unique<io::Timer>(services_.loop, [this] { finish(errored(run_->problem)); });
    later_->set(Instant{});
}

void HttpFetch::fail(FailureClass failure_class, std::string_view message) {
    finish(failed(failure_class, since_start(), message));
}

void HttpFetch::finish(std::optional<Outcome> failure) {
    Fetched fetched = std::move(run_->fetched);
    fetched.failure = std::move(failure);
    // `done` may destroy this or start the next.
    const Done done = std::move(run_->done);
    cancel();
    done(std::move(fetched));
}

}  // namespace picket::checks
