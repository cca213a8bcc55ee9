// What the Council is asked.

#include <fmt/format.h>

#include <algorithm>

#include "agent/council.h"

namespace picket {

bool Council::outage(checks::CheckKey key) const {
    const gossip::VerdictRecord* verdict =
        spread().verdict(gossip::CheckKey{static_cast<std::uint64_t>(key)});
    return verdict != nullptr && verdict->outage();
}

bool Council::knows(std::string_view name) const {
    const gossip::CheckKey key = gossip::check_key(name);
    return accord_.checks().contains(key) || spread().verdict(key) != nullptr;
}

std::vector<std::pair<std::string, gossip::CheckKey>> Council::subjects() const {
    std::vector<std::pair<std::string, gossip::CheckKey>> subjects;
    for (const auto& [key, check] : accord_.checks()) subjects.emplace_back(check.name, key);
    for (const auto& [key, name] : accord_.names()) {
        if (!name.starts_with("host/")) continue;
        const gossip::VerdictRecord* verdict = spread().verdict(key);
        if (verdict != nullptr && verdict->epoch > 0) subjects.emplace_back(name, key);
    }
    std::ranges::sort(subjects);
    return subjects;
}

std::string Council::agent_name(gossip::AgentId agent) const {
    if (agent == spread().self()) return config_.name;
    if (const auto* peer = spread().peer(agent)) return peer->name;
    return fmt::format("{:016x}", static_cast<std::uint64_t>(agent));
}

std::map<std::string, std::string> Council::zones_alive() const {
    std::map<std::string, std::string> zones;
    for (const gossip::Member& member : services_.node.others()) {
        const auto* peer = spread().peer(gossip::agent_id(member.name));
        if (peer != nullptr) zones.emplace(peer->name, peer->zone);
    }
    return zones;
}

std::vector<std::string> Council::problems() const {
    std::vector<std::string> problems;
    if (const std::string text = agreement().no_quorum_text(); !text.empty()) {
        problems.push_back("mesh: " + text);
    }
    return problems;
}

std::vector<std::pair<std::string, std::uint64_t>> Council::counters() const {
    std::vector<std::pair<std::string, std::uint64_t>> counters{
        {"mesh_checks", accord_.checks().size()},
        {"records_held", spread().registry().size()},
        {"records_heard_again", spread().refused(gossip::Refusal::known)},
        {"records_not_durable", records_not_durable_},
        {"votes_dropped", spread().events_dropped()}};
    // Of what was refused each reason that has come up, and all together.
    const auto add = [&](std::string_view what, std::size_t reasons, const auto& text,
                         const auto& count) {
        const std::size_t place = counters.size();
        counters.emplace_back(what, 0);
        for (std::size_t i = 0; i < reasons; ++i) {
            const std::uint64_t times = count(i);
            if (times == 0) continue;
            counters[place].second += times;
            std::string name = fmt::format("{} {}", what, text(i));
            std::ranges::replace(name, ' ', '_');
            counters.emplace_back(std::move(name), times);
        }
    };
    add(
        "records_refused", gossip::refusal_count,
        [](std::size_t i) { return gossip::to_text(static_cast<gossip::Refusal>(i)); },
        [this](std::size_t i) -> std::uint64_t {
            const auto refusal = static_cast<gossip::Refusal>(i);
            return refusal == gossip::Refusal::known ? 0 : spread().refused(refusal);
        });
    add(
        "records_malformed", gossip::wire::fault_count,
        [](std::size_t i) { return gossip::wire::to_text(static_cast<gossip::wire::Fault>(i)); },
        [this](std::size_t i) { return spread().faults(static_cast<gossip::wire::Fault>(i)); });
    add(
        "votes_disregarded", gossip::disregarded_count,
        [](std::size_t i) { return gossip::to_text(static_cast<gossip::Disregarded>(i)); },
        [this](std::size_t i) {
            return agreement().disregarded(static_cast<gossip::Disregarded>(i));
        });
    return counters;
}

}  // namespace picket
