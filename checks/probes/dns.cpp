#include "checks/probes/dns.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "agent/io/resolver.h"
#include "agent/io/timer.h"
#include "checks/expectation.h"
#include "checks/probes/dns_judgement.h"
#include "checks/probes/reach.h"

namespace picket::checks {
namespace {

constexpr std::uint16_t dns_port = 53;

// Whether a check that is bound to a family, by itself or by its source, can ask it.
bool fits(const IpAddress& ip, const Definition& definition,
          const std::optional<IpAddress>& source) {
    if (source.has_value() && source->family != ip.family) return false;
    if (definition.family == Family::any) return true;
    return (definition.family == Family::v4) == (ip.family == IpAddress::Family::v4);
}

class DnsProbe final : public Probe {
public:
    DnsProbe(const Definition& definition, ProbeServices services)
        : definition_(definition),
          query_(definition.query.as<DnsQuery>()),
          resolvers_(services.resolvers),
          search_(definition, services.resolvers),
          patterns_(query_),
          later_(services.loop, [this] { finish(errored(problem_)); }) {}

    void start(Instant now, Instant deadline, Done done) override;
    void cancel() override;

private:
    void find_server(const std::string& name);
    void ask_next();
    void on_answer(const io::DnsAnswer& answer);
    void conclude_run();
    // How many servers still have to share the time that is left.
    std::size_t servers_left() const {
        return (each_ ? query_.servers.size() : servers_.size()) - asked_;
    }
    void on_failure(const io::QueryFailure& failure);
    void finish(Outcome outcome);
    // For what stands in the way of asking at all; not from within start().
    void give_up(std::string problem);
    Duration since_start() const { return io::monotonic_now() - started_; }

    const Definition& definition_;
    const DnsQuery& query_;
    io::Resolvers& resolvers_;
    AddressSearch search_;
    const DnsPatterns patterns_;
    const bool each_ = !query_.servers.empty();  // Ask every server, not the first that answers.
    io::Timer later_;

    // Of the run in flight.
    Done done_;
    Instant started_{};
    Instant deadline_{};
    std::vector<SocketAddress> servers_;
    std::size_t asked_ = 0;  // How many of them.
    std::vector<Phase> phases_;
    std::vector<io::DnsAnswer> answers_;
    std::vector<Judgement> judgements_;
    Duration slowest_{0};
    Instant asked_at_{};
    std::string problem_;
    std::unique_ptr<io::Lookup> lookup_;
};

void DnsProbe::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(!done_);
    done_ = std::move(done);
    started_ = now;
    deadline_ = deadline;
    servers_.clear();
    asked_ = 0;
    phases_.clear();
    answers_.clear();
    judgements_.clear();
    slowest_ = Duration{0};
    if (each_) return find_server(query_.servers.front());
    if (!query_.server.value.empty()) return find_server(query_.server.value);
    servers_ = resolvers_.system_servers();
    std::erase_if(servers_, [this](const auto& server) {
        return !fits(server.ip, definition_, search_.source());
    });
    if (servers_.empty()) return give_up("resolv.conf names no server of this family");
    ask_next();
}

void DnsProbe::cancel() {
    search_.cancel();
    lookup_.reset();
    later_.clear();
    done_ = nullptr;
}

void DnsProbe::find_server(const std::string& name) {
    auto server = parse_host_port(name, dns_port);
    if (!server.has_value()) {
        return give_up(std::move(server).error().within("server").message());
    }
    const Instant now = io::monotonic_now();
    const Instant found_by = each_ ? connect_by(now, deadline_, servers_left()) : deadline_;
    search_.start(server->host, found_by,
                  [this, port = server->port](Result<std::vector<IpAddress>> found) {
                      phases_.push_back({"resolve", Duration{0}, since_start()});
                      if (!found.has_value()) {
                          return finish(lookup_failed(found.error(), since_start()));
                      }
                      servers_.push_back({found->front(), port});
                      ask_next();
                  });
}

void DnsProbe::ask_next() {
    const io::DnsQuestion question{.name = query_.name.value,
                                   .type = query_.record_type,
                                   .server = servers_[asked_],
                                   .tcp = query_.transport == DnsTransport::tcp,
                                   .recursion = query_.recursion,
                                   .source = search_.source()};
    const Instant now = io::monotonic_now();
    const Instant answer_by = connect_by(now, deadline_, servers_left());
    ++asked_;
    asked_at_ = now;
    lookup_ = resolvers_.query(question, answer_by, [this, since = now - started_](auto answer) {
        phases_.push_back({"first_byte", since, since_start() - since});
        if (answer.has_value()) return on_answer(*answer);
        on_failure(answer.error());
    });
}

void DnsProbe::on_answer(const io::DnsAnswer& answer) {
    // Of one server, with the resolution of its name; of several, the slowest alone.
    slowest_ = std::max(slowest_, each_ ? io::monotonic_now() - asked_at_ : since_start());
    std::ranges::move(judge_dns_answer(query_, patterns_, answer), std::back_inserter(judgements_));
    answers_.push_back(answer);
    if (each_ && asked_ < query_.servers.size()) return find_server(query_.servers[asked_]);
    conclude_run();
}

void DnsProbe::conclude_run() {
    const io::DnsAnswer& answer = answers_.back();
    std::string texts;
    for (const io::DnsRecord& record : answer.answers) {
        texts += texts.empty() ? ": " : ", ";
        texts += record.text;
    }
    const std::string from =
        answers_.size() == 1 ? to_text(answer.server) : fmt::format("{} servers", answers_.size());
    Outcome outcome =
        passed(slowest_, fmt::format("{} for {} {} from {}{}", answer.rcode, query_.name.shown,
                                     query_.record_type, from, texts));
    outcome.metrics.push_back({"answers", static_cast<double>(answer.answers.size()), ""});
    if (!answer.answers.empty()) {
        const auto least = std::ranges::min(answer.answers, {}, &io::DnsRecord::ttl).ttl;
        outcome.metrics.push_back({"ttl_min", static_cast<double>(least), "s"});
    }
    if (query_.serial_equal) judgements_.push_back(judge_serials(query_, answers_));
    if (definition_.latency.has_value()) {
        judgements_.push_back(judge_latency(slowest_, *definition_.latency));
    }
    finish(conclude(std::move(outcome), std::move(judgements_)));
}

void DnsProbe::on_failure(const io::QueryFailure& failure) {
    const std::string& message = failure.error.message();
    const auto outcome = [&](FailureClass failure_class) {
        return failed(failure_class, since_start(), message);
    };
    switch (failure.error.code()) {
        case Code::timed_out:
            if (!each_ && asked_ < servers_.size()) return ask_next();
            return finish(outcome(FailureClass::timeout));
        case Code::io:
            if (!each_ && asked_ < servers_.size()) return ask_next();
            // Without an errno the server closed a connection without a word.
            return finish(failure.error_number == 0
                              ? outcome(FailureClass::protocol)
                              : socket_failed(failure.error_number, since_start(), message));
        case Code::corrupt:
            return finish(outcome(FailureClass::protocol));
        case Code::invalid:
        case Code::not_found:
        case Code::exhausted:
            break;
    }
    finish(errored(message));
}

void DnsProbe::give_up(std::string problem) {
    problem_ = std::move(problem);
    later_.set(Instant{});
}

void DnsProbe::finish(Outcome outcome) {
    if (asked_ > 0) outcome.address = to_text(servers_[asked_ - 1]);
    outcome.phases = phases_;
    // `done` may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    done(std::move(outcome));
}

}  // namespace

std::unique_ptr<Probe> make_dns_probe(const Definition& definition, ProbeServices services) {
    return std::make_unique<DnsProbe>(definition, services);
}

}  // namespace picket::checks
