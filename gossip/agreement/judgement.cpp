#include "gossip/agreement/judgement.h"

#include <algorithm>
#include <map>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/agreement/long_ago.h"

namespace picket::gossip {
namespace {

using Zones = std::vector<std::string>;

struct ZoneVotes {
    std::size_t fails = 0;
    std::size_t oks = 0;
};
using ByZone = std::map<std::string, ZoneVotes, std::less<>>;

ByZone by_zone(const Count& counted, const Bench& bench) {
    ByZone zones;
    const auto add = [&](const Tally::Held& held, std::size_t ZoneVotes::*side) {
        zones[std::string(bench.zone_of(held.vote.agent))].*side += 1;
    };
    for (const Tally::Held* held : counted.fails) add(*held, &ZoneVotes::fails);
    for (const Tally::Held* held : counted.oks) add(*held, &ZoneVotes::oks);
    return zones;
}

// Where everybody fails; where somebody passes.
void name_zones(const ByZone& zones, Change& change) {
    for (const auto& [zone, votes] : zones) {
        (votes.oks == 0 ? change.zones_failing : change.zones_passing).push_back(zone);
    }
}

// The commonest class of failure; of several the one of the best rank.
FailureCode commonest(const Count& counted) {
    std::map<FailureCode, std::size_t> times;
    for (const Tally::Held* held : counted.fails) ++times[held->vote.failure];
    FailureCode best = 0;
    std::size_t most = 0;
    for (const Tally::Held* held : counted.fails) {
        if (times[held->vote.failure] > most) {
            most = times[held->vote.failure];
            best = held->vote.failure;
        }
    }
    return best;
}

// FAIL of one zone alone never opens while another zone says OK. A witness that has no
// token left answers with its last vote, so OK protects for an interval longer than it
// counts.
bool one_zone_alone(const Tally& tally, const Bench& bench, const ByZone& zones, Instant now) {
    const auto failing = std::count_if(zones.begin(), zones.end(),
                                       [](const auto& entry) { return entry.second.fails > 0; });
    if (failing != 1) return false;
    CountRules rules = bench.rules;
    rules.valid_for += bench.interval;
    const ByZone lately = by_zone(count(tally, bench.ranks, rules, now), bench);
    return std::any_of(lately.begin(), lately.end(), [](const auto& entry) {
        return entry.second.fails == 0 && entry.second.oks > 0;
    });
}

// Who of a panel's voters in a zone has failed for long.
struct ZoneWatch {
    std::size_t voters = 0;
    std::size_t long_failing = 0;  // In a row, long enough.
    std::size_t passing = 0;
    Instant latest_since = long_ago;
    Instant oldest = never;
};

using Watches = std::map<std::string, ZoneWatch, std::less<>>;

// Votes of the seats, old ones too: what a witness said last holds until it says otherwise,
// and one that keeps failing says so in every interval.
Watches watch_zones(const Tally& tally, const Bench& bench, Instant now) {
    Watches watches;
    const std::size_t seats = std::min(bench.rules.size.seats, bench.ranks.size());
    for (std::size_t rank = 0; rank < seats; ++rank) {
        const AgentId agent = bench.ranks[rank];
        ZoneWatch& watch = watches[std::string(bench.zone_of(agent))];
        const auto found = tally.votes().find(agent);
        if (found == tally.votes().end()) continue;
        const Tally::Held& held = found->second;
        const VoteRecord& vote = held.vote;
        const bool applies = vote.fingerprint == bench.rules.fingerprint &&
                             vote.epoch == bench.rules.epoch && vote.vote != Vote::abstain;
        if (!applies) continue;
        if (vote.vote == Vote::ok) {
            ++watch.voters;
            ++watch.passing;
            watch.oldest = std::min(watch.oldest, held.began);
            continue;
        }
        if (now - held.began > 2 * bench.interval + bench.rules.valid_for) continue;
        ++watch.voters;
        if (vote.streak >= degrade_streak) ++watch.long_failing;
        watch.latest_since = std::max(watch.latest_since, held.since);
        watch.oldest = std::min(watch.oldest, held.began);
    }
    return watches;
}

bool degraded(const ZoneWatch& watch, Instant now) {
    if (watch.voters == 0 || watch.long_failing < watch.voters) return false;
    const Duration least = watch.voters == 1 ? degrade_after_one_voter : degrade_after;
    return now - watch.latest_since >= least;
}

std::optional<Change> judge_zones(const Tally& tally, const Bench& bench, Instant now) {
    if (now - bench.changed_at < rescope_apart) return std::nullopt;
    const Watches watches = watch_zones(tally, bench, now);
    const bool passes_somewhere = std::any_of(
        watches.begin(), watches.end(), [](const auto& entry) { return entry.second.passing > 0; });
    const Zones before = bench.held == nullptr ? Zones{} : bench.held->zones_failing;
    Change change;
    Instant oldest = never;
    bool more = false;
    for (const std::string& zone : before) {
        const auto found = watches.find(zone);
        const bool back = found == watches.end() || (found->second.voters > 0 &&
                                                     found->second.passing == found->second.voters);
        if (!back) change.zones_failing.push_back(zone);
        if (back && found != watches.end()) oldest = std::min(oldest, found->second.oldest);
    }
    for (const auto& [zone, watch] : watches) {
        if (std::count(before.begin(), before.end(), zone) > 0) continue;
        if (passes_somewhere && degraded(watch, now)) {
            change.zones_failing.push_back(zone);
            oldest = std::min(oldest, watch.oldest);
            more = true;
        } else if (watch.passing > 0) {
            change.zones_passing.push_back(zone);
        }
    }
    std::sort(change.zones_failing.begin(), change.zones_failing.end());
    if (change.zones_failing == before) return std::nullopt;
    change.rule = more ? Rule::degrade : Rule::restore;
    change.oldest = std::min(oldest, now);
    return change;
}

Instant first_of(const std::vector<const Tally::Held*>& votes) {
    Instant first = never;
    for (const Tally::Held* held : votes) first = std::min(first, held->began);
    return first;
}

std::optional<Change> judge_even(const Tally& tally, const Bench& bench, Instant now) {
    const Count counted = count(tally, bench.ranks, bench.rules, now);
    const ByZone zones = by_zone(counted, bench);
    const std::size_t quorum = bench.rules.size.quorum;
    const bool opens = counted.fails.size() >= quorum &&
                       (bench.one_zone_opens || !one_zone_alone(tally, bench, zones, now));
    if (opens) {
        Change change{.rule = Rule::open};
        change.oldest = counted.oldest();
        change.begins = first_of(counted.fails);
        // Who passed it before it began to fail says nothing of how far the outage goes.
        Count since = counted;
        std::erase_if(since.oks,
                      [&](const Tally::Held* held) { return held->began < change.begins; });
        change.scope = since.oks.empty() ? OutageScope::total : OutageScope::partial;
        change.failure = commonest(since);
        name_zones(by_zone(since, bench), change);
        return change;
    }
    if (bench.held != nullptr) return judge_zones(tally, bench, now);
    if (!bench.tells_first) return std::nullopt;

    // The first judgement accuses nobody; votes of a whole interval make it.
    CountRules rules = bench.rules;
    rules.valid_for += bench.interval;
    const Count first = count(tally, bench.ranks, rules, now);
    if (first.oks.size() < quorum) return std::nullopt;
    Change change{.rule = Rule::first};
    change.oldest = first.oldest();
    for (const auto& [zone, votes] : by_zone(first, bench)) {
        if (votes.oks > 0) change.zones_passing.push_back(zone);
    }
    return change;
}

// A target does not heal, or fail, for everybody at the same moment. Where votes differ, whoever
// was not asked since the others came to say otherwise may yet say the same.
bool asked_since_they_differ(const Count& counted) {
    const auto came_to_say_so = [](const std::vector<const Tally::Held*>& votes) {
        Instant latest = long_ago;
        for (const Tally::Held* held : votes) latest = std::max(latest, held->since);
        return latest;
    };
    const auto asked_since = [](const std::vector<const Tally::Held*>& votes, Instant since) {
        return std::ranges::all_of(votes,
                                   [&](const Tally::Held* held) { return held->began >= since; });
    };
    return asked_since(counted.fails, came_to_say_so(counted.oks)) &&
           asked_since(counted.oks, came_to_say_so(counted.fails));
}

std::optional<Change> judge_odd(const Tally& tally, const Bench& bench, Instant now) {
    const Count counted = count(tally, bench.ranks, bench.rules, now);
    if (counted.size() == 0) return std::nullopt;
    Change change;
    change.oldest = counted.oldest();
    name_zones(by_zone(counted, bench), change);
    if (counted.oks.size() >= bench.rules.size.quorum) {
        if (!bench.dwelt) return std::nullopt;
        change.rule = Rule::clear;
        change.begins = first_of(counted.oks);
        return change;
    }
    if (counted.fails.empty() || now - bench.changed_at < rescope_apart) return std::nullopt;
    // A round that has not ended says nothing of the scope.
    const bool complete = counted.size() >= bench.rules.size.seats ||
                          now - counted.oldest() >= bench.rules.valid_for - std::chrono::seconds(2);
    if (!complete || counted.size() < bench.rules.size.quorum) return std::nullopt;
    if (!asked_since_they_differ(counted)) return std::nullopt;
    change.rule = Rule::rescope;
    change.scope = counted.oks.empty() ? OutageScope::total : OutageScope::partial;
    change.failure = commonest(counted);
    const bool same = change.scope == bench.held->scope &&
                      change.zones_failing == bench.held->zones_failing &&
                      change.zones_passing == bench.held->zones_passing;
    return same ? std::nullopt : std::optional(change);
}

}  // namespace

std::optional<Change> judge(const Tally& tally, const Bench& bench, Instant now) {
    if (bench.rules.size.seats == 0) return std::nullopt;
    const bool outage = bench.held != nullptr && bench.held->outage();
    return outage ? judge_odd(tally, bench, now) : judge_even(tally, bench, now);
}

VerdictRecord next_version(VerdictRecord held, const Change& change) {
    PICKET_ASSERT(!change.turns() || (change.rule == Rule::open) != held.outage());
    VerdictRecord next = std::move(held);
    next.epoch += change.turns() ? 1U : 0U;
    next.sub = change.turns() ? 0 : next.sub + 1;
    next.scope = change.scope;
    next.zones_failing = change.zones_failing;
    next.zones_passing = change.zones_passing;
    // What an outage was of is still to be seen when it is over.
    if (change.rule == Rule::open || change.rule == Rule::rescope) next.failure = change.failure;
    return next;
}

}  // namespace picket::gossip
