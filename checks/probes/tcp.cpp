#include "checks/probes/tcp.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"
#include "checks/expectation.h"
#include "checks/probes/conversation.h"
#include "checks/probes/every_address.h"

namespace picket::checks {
namespace {

constexpr std::size_t evidence_bytes_max = 1024;

std::vector<ScriptStep> script_of(const TcpQuery& query) {
    std::vector<ScriptStep> script;
    const auto add = [&](const std::string& send, const std::string& expect, bool starttls) {
        ScriptStep step{send, std::nullopt, starttls, false};
        if (!expect.empty()) step.expect.emplace(expect);
        script.push_back(std::move(step));
    };
    for (const TcpStep& step : query.step) add(step.send, step.expect, step.starttls);
    if (script.empty() && (!query.send.value.empty() || !query.expect.empty())) {
        add(query.send.value, query.expect, false);
        script.back().verbatim = true;
    }
    return script;
}

ConversationPlan plan_of(const TcpQuery& query, std::optional<IpAddress> pin) {
    auto target = parse_host_port(query.address.value);
    PICKET_ASSERT(target.has_value());  // The parser takes nothing else.
    return {.target = *std::move(target),
            .pin = pin,
            .addresses = query.addresses,
            .tls = query.tls_options,
            .tls_from_start = query.tls,
            .alpn = {},
            .script = script_of(query)};
}

class TcpProbe final : public Probe {
public:
    TcpProbe(const Definition& definition, ProbeServices services, std::optional<IpAddress> pin)
        : definition_(definition),
          plan_(plan_of(definition.query.as<TcpQuery>(), pin)),
          conversation_(definition, plan_, services) {
        for (const ScriptStep& step : plan_.script) {
            if (step.expect.has_value()) last_expected_ = &*step.expect;
        }
    }

    void start(Instant now, Instant deadline, Done done) override {
        PICKET_ASSERT(!done_);
        started_ = now;
        done_ = std::move(done);
        conversation_.start(now, deadline, [this](Heard heard) { finish(std::move(heard)); });
    }

    void cancel() override {
        conversation_.cancel();
        done_ = nullptr;
    }

private:
    Outcome outcome_of(const Heard& heard) const;
    void finish(Heard heard);

    const Definition& definition_;
    ConversationPlan plan_;
    Conversation conversation_;
    const CapturingPattern* last_expected_ = nullptr;
    Instant started_{};
    Done done_;
};

Outcome TcpProbe::outcome_of(const Heard& heard) const {
    if (heard.failure.has_value()) return *heard.failure;
    const Duration took = io::monotonic_now() - started_;
    const std::string message =
        last_expected_ == nullptr
            ? fmt::format("{} accepts connections", heard.peer)
            : fmt::format("{} answered {}", heard.peer, excerpt(heard.answer));
    std::vector<Judgement> judgements;
    if (definition_.latency.has_value()) {
        judgements.push_back(judge_latency(took, *definition_.latency));
    }
    return conclude(passed(took, message), std::move(judgements));
}

void TcpProbe::finish(Heard heard) {
    Outcome outcome = outcome_of(heard);
    if (last_expected_ != nullptr && heard.connected) {
        outcome.expectations.insert(
            outcome.expectations.begin(),
            {fmt::format("answer matches \"{}\"", last_expected_->expression()),
             heard.answer.empty() ? "nothing" : excerpt(heard.answer), !heard.failure.has_value()});
    }
    if (outcome.finding != Finding::passed) {
        outcome.detail = printable_line(heard.answer, evidence_bytes_max);
    }
    outcome.address = std::move(heard.peer);
    outcome.phases = std::move(heard.phases);
    // It may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    done(std::move(outcome));
}

}  // namespace

std::unique_ptr<Probe> make_tcp_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<TcpQuery>();
    if (query.addresses != Addresses::all) {
        return std::make_unique<TcpProbe>(definition, services, std::nullopt);
    }
    const auto target = parse_host_port(query.address.value);
    PICKET_ASSERT(target.has_value());
    return std::make_unique<EveryAddress>(
        definition, services, target->host, [&definition, services](const IpAddress& address) {
            return std::make_unique<TcpProbe>(definition, services, address);
        });
}

}  // namespace picket::checks
