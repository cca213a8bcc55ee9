#include "checks/probes/tls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"
#include "checks/expectation.h"
#include "checks/judgements.h"
#include "checks/probes/conversation.h"
#include "checks/probes/every_address.h"

namespace picket::checks {
namespace {

constexpr std::size_t evidence_line_bytes_max = 512;

std::string_view name_of(TlsVersion version) {
    constexpr std::array<std::string_view, 5> names{"any", "1.0", "1.1", "1.2", "1.3"};
    return names[static_cast<std::size_t>(version)];
}

ConversationPlan plan_of(const TlsQuery& query, std::optional<IpAddress> pin) {
    auto target = parse_host_port(query.address.value);
    PICKET_ASSERT(target.has_value());  // The parser takes nothing else.
    return {.target = *target,
            .pin = pin,
            .addresses = query.addresses,
            .tls = query.tls,
            .tls_from_start = query.starttls == StartTls::none,
            .alpn = query.alpn,
            .script = starttls_script(query.starttls, target->host)};
}

// The same, offering nothing newer than what must be refused.
ConversationPlan weak_plan_of(const TlsQuery& query, std::optional<IpAddress> pin) {
    ConversationPlan plan = plan_of(query, pin);
    plan.tls.version_min = TlsVersion::v1_0;
    plan.tls.version_max = query.refused_version;
    plan.tls.verify = false;
    return plan;
}

Judgement judge_listed(std::string_view what, std::string_view found,
                       const std::vector<std::string>& wanted, FailureClass failure_class) {
    const bool met = std::ranges::count(wanted, found) > 0;
    const std::string list = fmt::format("{}", fmt::join(wanted, ", "));
    const std::string shown(found.empty() ? "none" : found);
    Judgement judged;
    judged.expectation = {fmt::format("{} {}", what, list), shown, met};
    if (met) return judged;
    judged.failure_class = failure_class;
    judged.message = fmt::format("{} {}, expected {}", what, shown, list);
    return judged;
}

std::string evidence(const std::vector<io::Certificate>& chain) {
    std::string text;
    for (const io::Certificate& shown : chain) {
        if (!text.empty()) text += '\n';
        text += printable_line(
            fmt::format("certificate: subject {}, issuer {}, valid from {} to {}, names {}, "
                        "sha256 {}",
                        shown.subject, shown.issuer, format_time(shown.not_before).substr(0, 10),
                        format_time(shown.not_after).substr(0, 10), fmt::join(shown.names, " "),
                        shown.fingerprint),
            evidence_line_bytes_max);
    }
    return text;
}

class TlsProbe final : public Probe {
public:
    TlsProbe(const Definition& definition, ProbeServices services, std::optional<IpAddress> pin)
        : definition_(definition),
          query_(definition.query.as<TlsQuery>()),
          plan_(plan_of(query_, pin)),
          weak_plan_(weak_plan_of(query_, pin)),
          conversation_(definition, plan_, services),
          weak_(definition, weak_plan_, services) {
        if (!query_.subject_matches.empty()) subject_.emplace(query_.subject_matches);
        if (!query_.issuer_matches.empty()) issuer_.emplace(query_.issuer_matches);
    }

    void start(Instant now, Instant deadline, Done done) override {
        PICKET_ASSERT(!done_);
        started_ = now;
        deadline_ = deadline;
        done_ = std::move(done);
        conversation_.start(now, deadline, [this](Heard heard) { on_heard(std::move(heard)); });
    }

    void cancel() override {
        conversation_.cancel();
        weak_.cancel();
        done_ = nullptr;
    }

private:
    void on_heard(Heard heard);
    std::vector<Judgement> judgements(const Heard& heard, Duration took) const;
    void judge_weak(const Heard& weak, Outcome outcome);
    void finish(Outcome outcome);

    const Definition& definition_;
    const TlsQuery& query_;
    ConversationPlan plan_;
    ConversationPlan weak_plan_;
    Conversation conversation_;
    Conversation weak_;
    std::optional<Pattern> subject_;
    std::optional<Pattern> issuer_;
    Instant started_{};
    Instant deadline_{};
    Done done_;
};

void TlsProbe::on_heard(Heard heard) {
    const Duration took = io::monotonic_now() - started_;
    Outcome outcome =
        heard.failure.has_value()
            ? *heard.failure
            : conclude(passed(took, fmt::format("TLS {} with {} in {}, {}", heard.tls.version,
                                                heard.peer, spoken(took), heard.tls.cipher)),
                       judgements(heard, took));
    if (outcome.finding != Finding::passed) outcome.detail = evidence(heard.chain);
    outcome.address = std::move(heard.peer);
    outcome.phases = std::move(heard.phases);
    if (outcome.finding != Finding::passed || query_.refused_version == TlsVersion::any) {
        return finish(std::move(outcome));
    }
    weak_.start(io::monotonic_now(), deadline_,
                [this, outcome](const Heard& weak) { judge_weak(weak, outcome); });
}

std::vector<Judgement> TlsProbe::judgements(const Heard& heard, Duration took) const {
    std::vector<Judgement> judged;
    PICKET_ASSERT(!heard.chain.empty());  // There is no handshake without one.
    const io::Certificate& own = heard.chain.front();
    const std::string& host =
        query_.tls.server_name.empty() ? plan_.target.host : query_.tls.server_name;
    if (query_.certificate_days > 0) {
        judged.push_back(
            judge_certificate_days(io::wall_now(), host, own.not_after, query_.certificate_days));
    }
    if (query_.chain_days > 0) {
        const auto first = std::ranges::min_element(heard.chain, {}, &io::Certificate::not_after);
        judged.push_back(
            judge_chain_days(io::wall_now(), host, first->not_after, query_.chain_days));
    }
    constexpr FailureClass certificate = FailureClass::certificate;
    if (!query_.fingerprints.empty()) {
        judged.push_back(
            judge_listed("fingerprint", own.fingerprint, query_.fingerprints, certificate));
    }
    if (subject_.has_value()) {
        judged.push_back(judge_text("subject", own.subject, *subject_, certificate));
    }
    if (issuer_.has_value()) {
        judged.push_back(judge_text("issuer", own.issuer, *issuer_, certificate));
    }
    for (const std::string& name : query_.names) {
        const bool there = std::ranges::count(own.names, name) > 0;
        Judgement found;
        found.expectation = {"certificate for " + name,
                             fmt::format("{}", fmt::join(own.names, ", ")), there};
        if (!there) {
            found.failure_class = certificate;
            found.message = fmt::format("the certificate is not for {}, but for {}", name,
                                        fmt::join(own.names, ", "));
        }
        judged.push_back(std::move(found));
    }
    if (!query_.alpn.empty()) {
        judged.push_back(judge_listed("protocol", heard.tls.alpn, query_.alpn, FailureClass::tls));
    }
    if (definition_.latency.has_value())
        judged.push_back(judge_latency(took, *definition_.latency));
    return judged;
}

void TlsProbe::judge_weak(const Heard& weak, Outcome outcome) {
    const bool refused =
        weak.failure.has_value() && (weak.failure->failure_class == FailureClass::tls ||
                                     weak.failure->failure_class == FailureClass::refused);
    if (weak.failure.has_value() && !refused) {
        // Neither refused nor accepted: the second connection failed in its own way.
        Outcome other = *weak.failure;
        other.address = weak.peer;
        return finish(std::move(other));
    }
    Judgement judged;
    judged.expectation = {fmt::format("TLS {} refused", name_of(query_.refused_version)),
                          refused ? "refused" : "accepted " + weak.tls.version, refused};
    if (!refused) {
        judged.failure_class = FailureClass::tls;
        judged.message = fmt::format("{} accepts TLS {}, expected it to be refused", weak.peer,
                                     weak.tls.version);
    }
    finish(conclude(std::move(outcome), {judged}));
}

void TlsProbe::finish(Outcome outcome) {
    // It may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    done(std::move(outcome));
}

}  // namespace

std::unique_ptr<Probe> make_tls_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<TlsQuery>();
    if (query.addresses != Addresses::all) {
        return std::make_unique<TlsProbe>(definition, services, std::nullopt);
    }
    const auto target = parse_host_port(query.address.value);
    PICKET_ASSERT(target.has_value());
    return std::make_unique<EveryAddress>(
        definition, services, target->host, [&definition, services](const IpAddress& address) {
            return std::make_unique<TlsProbe>(definition, services, address);
        });
}

}  // namespace picket::checks
