#include "gossip/agreement/tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace picket::gossip {
namespace {

// Why a vote does not count; empty where it does.
std::string reason_against(const Tally::Held& held, const CountRules& rules, Instant now) {
    const VoteRecord& vote = held.vote;
    if (vote.fingerprint != rules.fingerprint) return "votes on another definition";
    if (!rules.any_epoch && (vote.epoch != rules.epoch || vote.era != rules.era)) {
        return fmt::format("votes on epoch {}, this is {}", vote.epoch, rules.epoch);
    }
    if (!rules.any_age && now - held.began > rules.valid_for) {
        return fmt::format(
            "its vote is {} old",
            format_duration(std::chrono::floor<std::chrono::seconds>(now - held.began)));
    }
    if (vote.vote == Vote::abstain) {
        return vote.message.empty() ? std::string("abstains") : "abstains: " + vote.message;
    }
    return {};
}

}  // namespace

bool Tally::put(Instant now, const VoteRecord& vote) {
    const auto found = votes_.find(vote.agent);
    const Instant began = now - vote.age;
    if (found == votes_.end()) {
        if (votes_.size() >= voters_max) return false;
        votes_.emplace(vote.agent, Held{vote, began, now, now});
        return true;
    }
    Held& held = found->second;
    if (std::pair(vote.boot, vote.seq) <= std::pair(held.vote.boot, held.vote.seq)) return false;
    if (held.vote.vote != vote.vote || held.vote.epoch != vote.epoch) held.since = now;
    held.vote = vote;
    held.began = began;
    held.cast = now;
    return true;
}

void Tally::forget_old(Instant now) {
    std::erase_if(votes_, [&](const auto& entry) { return now - entry.second.cast > remembered; });
}

Instant Count::oldest() const {
    Instant oldest = never;
    for (const Tally::Held* held : fails) oldest = std::min(oldest, held->began);
    for (const Tally::Held* held : oks) oldest = std::min(oldest, held->began);
    return oldest;
}

Count count(const Tally& tally, std::span<const AgentId> ranks, const CountRules& rules,
            Instant now) {
    Count result;
    for (const AgentId agent : ranks) {
        const auto found = tally.votes().find(agent);
        if (found == tally.votes().end()) continue;
        const Tally::Held& held = found->second;
        if (std::string reason = reason_against(held, rules, now); !reason.empty()) {
            result.discounted.push_back({agent, std::move(reason)});
            continue;
        }
        if (result.size() == rules.size.seats) {
            result.discounted.push_back({agent, "every seat has voted"});
            continue;
        }
        (held.vote.vote == Vote::fail ? result.fails : result.oks).push_back(&held);
    }
    return result;
}

}  // namespace picket::gossip
