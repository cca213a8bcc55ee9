#include "agent/council_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "agent/api/record_views.h"
#include "agent/io/clock.h"

namespace picket {
namespace {

using gossip::CheckKey;
using gossip::VerdictRecord;

std::string_view state_of(const VerdictRecord& verdict) {
    if (verdict.outage()) return "down";
    return verdict.degraded() ? "degraded" : "up";
}

void add_votes(api::CheckView& view, const gossip::CheckView& held) {
    view.quorum = static_cast<std::uint32_t>(held.size.quorum);
    for (const gossip::WitnessView& witness : held.panel) {
        view.panel.push_back(witness.name);
        if (!witness.vote) continue;
        switch (witness.vote->vote) {
            case gossip::Vote::ok:
                ++view.ok;
                break;
            case gossip::Vote::fail:
                ++view.fail;
                break;
            case gossip::Vote::abstain:
                ++view.abstain;
                view.abstaining.push_back({witness.name, witness.vote->message});
                break;
        }
    }
}

// In what a declaration of the active question differs from the one that holds.
std::vector<std::string> differing_terms(const gossip::Declaration& active,
                                         const gossip::Declaration& other) {
    std::vector<std::string> terms;
    const auto add = [&](bool differs, std::string_view key, const std::string& value) {
        if (differs) terms.push_back(fmt::format("{} = {}", key, value));
    };
    const auto count_or = [](std::uint8_t count, std::uint8_t word, std::string_view text) {
        return count == word ? fmt::format("\"{}\"", text) : std::to_string(count);
    };
    const auto duration = [](std::uint32_t ms) {
        return '"' + format_duration(std::chrono::milliseconds(ms)) + '"';
    };
    add(other.interval_ms != active.interval_ms, "interval", duration(other.interval_ms));
    add(other.timeout_ms != active.timeout_ms, "timeout", duration(other.timeout_ms));
    add(other.witnesses != active.witnesses, "witnesses",
        count_or(other.witnesses, gossip::Declaration::witnesses_all, "all"));
    add(other.quorum != active.quorum, "quorum", count_or(other.quorum, 0, "majority"));
    add(other.from != active.from, "from", '"' + other.from + '"');
    return terms;
}

void add_drift(api::CheckView& view, const Council& council, CheckKey key) {
    const gossip::Catalog::Entry* entry = council.spread().catalog().find(key);
    if (entry == nullptr || (entry->others.empty() && entry->terms.empty())) return;
    const gossip::Declaration& in_force = entry->active.declaration;
    const auto add = [&](const gossip::Catalog::Definition& definition, bool active) {
        api::DriftView drift;
        if (definition.declaration.fingerprint == in_force.fingerprint) {
            drift.terms = differing_terms(in_force, definition.declaration);
        }
        drift.fingerprint =
            fmt::format("{:016x}", static_cast<std::uint64_t>(definition.declaration.fingerprint));
        drift.active = active;
        for (const gossip::AgentId agent : council.spread().catalog().carriers(definition)) {
            drift.carriers.push_back(council.agent_name(agent));
        }
        std::ranges::sort(drift.carriers);
        view.drift.push_back(std::move(drift));
    };
    if (entry->terms.empty()) add(entry->active, true);
    for (const auto& terms : entry->terms) add(terms, &terms == &entry->terms.front());
    for (const auto& other : entry->others) add(other, false);
}

}  // namespace

void add_quorum(api::MeshView& view, const Council& council, const Config& config) {
    const auto& reference = council.spread().reference();
    view.reference =
        static_cast<std::uint32_t>(std::max<std::size_t>(reference.counted().size(), 1));
    view.quorum = council.agreement().quorum();
    view.notice = council.agreement().no_quorum_text();
    if (const auto& call = council.agreement().last_roll_call(); call && !call->passed) {
        view.missing = call->missing;
    }
    std::set<std::string> zones{config.zone};
    for (const auto& [name, zone] : council.zones_alive()) zones.insert(zone);
    view.zones = static_cast<std::uint32_t>(zones.size());
}

api::CheckView mesh_check_view(const Council& council, std::string_view name,
                               const CarriedCheck* own) {
    const CheckKey key = gossip::check_key(name);
    const bool host = name.starts_with("host/");
    api::CheckView view;
    view.name = own == nullptr ? std::string(name) : own->short_name;
    view.scope = "mesh";
    view.carried = own != nullptr;
    view.sparkline.assign(api::sparkline_length, '-');
    if (own != nullptr) {
        view.type = to_text(own->type);
        view.problem = own->problem;
        if (own->seen.last) {
            view.last = {own->seen.last->outcome, own->seen.last->started_at};
        }
        view.sparkline = own->seen.hour.sparkline(io::wall_now());
    } else if (const auto* entry = council.spread().catalog().find(key)) {
        view.type = entry->active.declaration.type;
    } else if (host) {
        view.type = "host";
    }
    const VerdictRecord* verdict = council.spread().verdict(key);
    if (verdict != nullptr) api::show_verdict(view, *verdict);
    const auto held = council.agreement().view(io::monotonic_now(), key);
    if (!held) {
        view.state = verdict == nullptr ? to_text(gossip::State::pending) : state_of(*verdict);
        return view;
    }
    view.state = gossip::to_text(held->state);
    if (held->state == gossip::State::unknown) {
        view.unknown_reason = held->unknown_reason;
        if (held->shadow_outage) view.unknown_reason += ", but down as seen from here";
        if (verdict != nullptr) view.last_verdict = state_of(*verdict);
    }
    add_votes(view, *held);
    add_drift(view, council, key);
    return view;
}

std::vector<api::WitnessView> witness_views(const Council& council, std::string_view name,
                                            const CarriedCheck* own, const Config& config) {
    const Instant now = io::monotonic_now();
    const WallTime wall = io::wall_now();
    std::vector<api::WitnessView> views;
    const auto held = council.agreement().view(now, gossip::check_key(name));
    if (!held) return views;
    const auto add = [&](const gossip::WitnessView& witness, bool seated) {
        api::WitnessView view;
        view.agent = witness.name;
        view.zone = witness.zone;
        view.seated = seated;
        view.fit = witness.fit;
        if (const auto* presence = council.spread().presence(gossip::agent_id(witness.name))) {
            view.unfit_reason = presence->unfit_reason;
        }
        if (witness.vote) {
            view.vote = api::vote_view(*witness.vote, witness.name, witness.zone, wall);
        }
        if (witness.name == config.name && own != nullptr && own->seen.last) {
            view.last = {own->seen.last->outcome, own->seen.last->started_at};
        }
        views.push_back(std::move(view));
    };
    for (const gossip::WitnessView& witness : held->panel) add(witness, true);
    for (const gossip::WitnessView& witness : held->voters) add(witness, false);
    return views;
}

void add_presence(std::vector<api::MemberView>& members, const Council& council,
                  const Config& config) {
    std::map<gossip::AgentId, std::uint32_t> carried;
    for (const auto& [key, entry] : council.spread().catalog().entries()) {
        const auto count = [&](const gossip::Catalog::Definition& definition) {
            for (const auto agent : council.spread().catalog().carriers(definition)) {
                ++carried[agent];
            }
        };
        count(entry.active);
        for (const auto& other : entry.others) count(other);
    }
    for (api::MemberView& member : members) {
        if (!member.picket) continue;
        const gossip::AgentId agent = gossip::agent_id(member.name);
        const bool own = member.name == config.name;
        const auto* presence =
            own ? &council.spread().own_presence() : council.spread().presence(agent);
        if (presence != nullptr) {
            member.fit = presence->fit;
            member.unfit_reason = presence->unfit_reason;
        }
        if (!own) member.checks = carried[agent];
    }
}

}  // namespace picket
