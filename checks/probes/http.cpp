#include "checks/probes/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"
#include "agent/io/http_url.h"
#include "agent/io/timer.h"
#include "checks/expectation.h"
#include "checks/probes/reach.h"

namespace picket::checks {
namespace {

// How much of an answer that is not the expected one is kept as evidence.
constexpr std::size_t evidence_bytes_max = 1024;

struct HeaderExpectation {
    std::string name;
    Pattern pattern;
    Wanted wanted;
};

struct BodyExpectation {
    Pattern pattern;
    Wanted wanted;
};

// What a probe knows of a run in flight.
struct Asking {
    Probe::Done done;
    Instant started;
    Instant deadline;
    io::HttpRequest request;  // Of the hop in flight.
    io::HttpUrl target;       // Where its URL leads.
    std::vector<IpAddress> addresses;
    std::size_t asked = 0;  // How many of them.
    std::uint32_t redirects = 0;
    std::vector<Phase> phases;
    std::string problem;  // What kept us from asking at all.
};

class HttpProbe final : public Probe {
public:
    HttpProbe(const Definition& definition, ProbeServices services);

    void start(Instant now, Instant deadline, Done done) override;
    void cancel() override;

private:
    io::HttpRequest first_request() const;
    void begin_hop(const Result<io::HttpUrl>& target);
    void ask_addresses(std::vector<IpAddress> addresses);
    void ask_next();
    void on_exchange(Instant asked_at, const io::HttpExchange& exchange);
    void on_error(const io::HttpError& error);
    void follow(std::uint16_t status, const std::string& location);
    void judge(const io::HttpExchange& exchange);
    std::vector<Judgement> judgements(const io::HttpExchange& exchange, Duration took) const;

    Duration since_start() const { return io::monotonic_now() - run_->started; }
    std::string timeout_message(const io::HttpError& error) const;
    void record(Duration begun, const io::HttpExchange& exchange);
    void give_up(std::string problem);
    void finish(Outcome outcome);

    const Definition& definition_;
    const HttpQuery& query_;
    ProbeServices services_;
    Result<io::HttpUrl> first_target_;
    std::vector<HeaderExpectation> header_expectations_;
    std::vector<BodyExpectation> body_expectations_;
    AddressSearch search_;
    std::optional<Asking> run_;
    std::unique_ptr<io::HttpTransfer> transfer_;
    std::unique_ptr<io::Timer> later_;
};

HttpProbe::HttpProbe(const Definition& definition, ProbeServices services)
    : definition_(definition),
      query_(std::get<HttpQuery>(definition.query)),
      services_(services),
      first_target_(io::parse_http_url(query_.url.value)),
      search_(definition, services.resolvers) {
    for (const auto& [name, pattern] : query_.header_matches) {
        header_expectations_.push_back({name, Pattern(pattern), Wanted::match});
    }
    for (const auto& [name, pattern] : query_.header_not_matches) {
        header_expectations_.push_back({name, Pattern(pattern), Wanted::no_match});
    }
    if (!query_.body_matches.empty()) {
        body_expectations_.push_back({Pattern(query_.body_matches), Wanted::match});
    }
    if (!query_.body_not_matches.empty()) {
        body_expectations_.push_back({Pattern(query_.body_not_matches), Wanted::no_match});
    }
}

io::HttpRequest HttpProbe::first_request() const {
    io::HttpRequest request;
    request.url = query_.url.value;
    request.source = search_.source();
    request.method = query_.method;
    for (const auto& [name, value] : query_.headers)
        request.headers.emplace_back(name, value.value);
    request.body = query_.body.value;
    request.body_bytes_max = query_.body_size_max;
    request.tls_verify = query_.tls_verify;
    request.tls_server_name = query_.tls_server_name;
    request.ca_file = query_.ca_file;
    return request;
}

void HttpProbe::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(!run_.has_value());
    run_.emplace();
    run_->done = std::move(done);
    run_->started = now;
    run_->deadline = deadline;
    run_->request = first_request();
    begin_hop(first_target_);
}

void HttpProbe::cancel() {
    search_.cancel();
    transfer_.reset();
    later_.reset();
    run_.reset();
}

void HttpProbe::begin_hop(const Result<io::HttpUrl>& target) {
    if (!target.has_value()) return give_up(target.error().message());
    const bool known = run_->target.host == target->host;
    run_->target = *target;
    if (known) return ask_addresses({run_->request.address.ip});
    if (const auto ip = AddressSearch::literal(run_->target.host)) return ask_addresses({*ip});
    const Duration begun = since_start();
    search_.start(run_->target.host, run_->deadline,
                  [this, begun](Result<std::vector<IpAddress>> found) {
                      run_->phases.push_back({"resolve", begun, since_start() - begun});
                      if (found.has_value()) return ask_addresses(*std::move(found));
                      finish(lookup_failed(found.error(), since_start()));
                  });
}

void HttpProbe::ask_addresses(std::vector<IpAddress> addresses) {
    run_->addresses = std::move(addresses);
    run_->asked = 0;
    ask_next();
}

void HttpProbe::ask_next() {
    const Instant now = io::monotonic_now();
    const std::size_t left = run_->addresses.size() - run_->asked;
    run_->request.address = {run_->addresses[run_->asked++], run_->target.port};
    run_->request.connect_by = connect_by(now, run_->deadline, left);
    transfer_ = services_.http.start(
        run_->request, run_->deadline,
        [this, now](const io::HttpExchange& exchange) { on_exchange(now, exchange); });
}

void HttpProbe::on_exchange(Instant asked_at, const io::HttpExchange& exchange) {
    record(asked_at - run_->started, exchange);
    if (exchange.error.has_value()) return on_error(*exchange.error);
    constexpr std::array<std::uint16_t, 5> redirects{301, 302, 303, 307, 308};
    if (query_.follow_redirects && std::ranges::count(redirects, exchange.status) > 0) {
        const auto location = std::ranges::find_if(exchange.headers, [](const auto& field) {
            return same_field_name(field.first, "Location");
        });
        if (location != exchange.headers.end()) return follow(exchange.status, location->second);
    }
    judge(exchange);
}

void HttpProbe::on_error(const io::HttpError& error) {
    if (error.stage == io::HttpStage::connecting && run_->asked < run_->addresses.size() &&
        io::monotonic_now() < run_->deadline) {
        return ask_next();
    }
    const auto outcome = [&](FailureClass failure_class) {
        return failed(failure_class, since_start(), error.message);
    };
    switch (error.kind) {
        case io::HttpErrorKind::refused:
            return finish(outcome(FailureClass::refused));
        case io::HttpErrorKind::timeout:
            return finish(failed(FailureClass::timeout, since_start(), timeout_message(error)));
        case io::HttpErrorKind::unreachable:
            return finish(outcome(FailureClass::unreachable));
        case io::HttpErrorKind::tls:
            return finish(outcome(FailureClass::tls));
        case io::HttpErrorKind::certificate:
            return finish(outcome(FailureClass::certificate));
        case io::HttpErrorKind::protocol:
            return finish(outcome(FailureClass::protocol));
        case io::HttpErrorKind::local:
            return finish(errored(error.message));
    }
}

std::string HttpProbe::timeout_message(const io::HttpError& error) const {
    // The kernel gives up connecting by itself after some minutes.
    if (io::monotonic_now() < run_->deadline) return error.message;
    return fmt::format("no {}answer from {} within {}: {}",
                       error.stage >= io::HttpStage::headers ? "complete " : "",
                       to_text(run_->request.address), spoken(run_->deadline - run_->started),
                       to_text(error.stage));
}

void HttpProbe::follow(std::uint16_t status, const std::string& location) {
    const auto shown = [&] { return printable_line(location, evidence_bytes_max); };
    if (run_->redirects == query_.redirects_max) {
        return finish(failed(FailureClass::protocol, since_start(),
                             fmt::format("still redirected after {} redirects: {} to {}",
                                         run_->redirects, status, shown())));
    }
    ++run_->redirects;
    Result<io::HttpRequest> next = redirected(std::move(run_->request), status, location);
    if (!next.has_value()) {
        return finish(failed(FailureClass::protocol, since_start(),
                             fmt::format("{} from {} to nowhere: {}", status, run_->target.host,
                                         next.error().message())));
    }
    run_->request = *std::move(next);
    begin_hop(io::parse_http_url(run_->request.url));
}

std::vector<Judgement> HttpProbe::judgements(const io::HttpExchange& exchange,
                                             Duration took) const {
    std::vector<Judgement> judged;
    judged.push_back(judge_status(exchange.status, query_.status));
    for (const HeaderExpectation& expected : header_expectations_) {
        judged.push_back(
            judge_header(exchange.headers, expected.name, expected.pattern, expected.wanted));
    }
    for (const BodyExpectation& expected : body_expectations_) {
        judged.push_back(judge_body(exchange.body, expected.pattern, expected.wanted));
    }
    if (query_.certificate_days > 0) {
        judged.push_back(exchange.certificate.has_value()
                             ? judge_certificate_days(io::wall_now(), run_->target.host,
                                                      exchange.certificate->not_after,
                                                      query_.certificate_days)
                             : judge_no_certificate(run_->target.host, query_.certificate_days));
    }
    if (definition_.latency.has_value()) {
        judged.push_back(judge_latency(took, *definition_.latency));
    }
    return judged;
}

void HttpProbe::judge(const io::HttpExchange& exchange) {
    const Duration took = since_start();
    const std::string after =
        run_->redirects == 0
            ? ""
            : fmt::format(" after {} redirect{}", run_->redirects, run_->redirects == 1 ? "" : "s");
    const std::string message = fmt::format("{} from {} in {}{}", exchange.status,
                                            to_text(run_->request.address), spoken(took), after);
    Outcome outcome = conclude(passed(took, message), judgements(exchange, took));
    if (outcome.finding != Finding::passed) {
        outcome.detail = printable_line(exchange.body, evidence_bytes_max);
    }
    finish(std::move(outcome));
}

void HttpProbe::record(Duration begun, const io::HttpExchange& exchange) {
    const auto add = [&](std::string_view name, Duration length) {
        if (length <= Duration{0}) return;
        run_->phases.push_back({name, begun, length});
        begun += length;
    };
    add("connect", exchange.phases.connect);
    add("tls", exchange.phases.tls);
    add("first_byte", exchange.phases.first_byte);
    add("transfer", exchange.phases.transfer);
}

// Not from within start(), where this may be called.
void HttpProbe::give_up(std::string problem) {
    run_->problem = std::move(problem);
    later_ =
        std::make_unique<io::Timer>(services_.loop, [this] { finish(errored(run_->problem)); });
    later_->set(Instant{});
}

void HttpProbe::finish(Outcome outcome) {
    if (run_->asked > 0) outcome.address = to_text(run_->request.address);
    outcome.phases = std::move(run_->phases);
    // `done` may destroy this probe or start it again.
    const Done done = std::move(run_->done);
    cancel();
    done(std::move(outcome));
}

}  // namespace

std::unique_ptr<Probe> make_http_probe(const Definition& definition, ProbeServices services) {
    return std::make_unique<HttpProbe>(definition, services);
}

}  // namespace picket::checks
