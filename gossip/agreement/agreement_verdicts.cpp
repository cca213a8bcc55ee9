// Agreement: judging and writing.

#include <algorithm>
#include <functional>
#include <iterator>
#include <tuple>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/agreement/agreement_case.h"

namespace picket::gossip {
namespace {

using std::chrono::hours;

std::tuple<std::uint32_t, std::uint32_t, std::uint32_t> version(const VerdictRecord& verdict) {
    return {verdict.era, verdict.epoch, verdict.sub};
}

}  // namespace

// What the registry holds is the highest of all that was heard; but what we wrote may still
// be on its way there.
void Agreement::adopt(Case& item, const VerdictRecord& verdict) {
    if (item.held.has_value() && version(verdict) < version(*item.held)) return;
    const bool first = !item.held.has_value();
    const bool same = !first && version(verdict) == version(*item.held);
    const bool epoch_moved = item.epoch() != verdict.epoch;
    const std::uint32_t steps = verdict.epoch - item.epoch();
    item.held = verdict;
    if (same) return;
    item.changed_at = now_;
    item.scribe.rest();
    if (!epoch_moved) return;
    if (verdict.outage()) {
        item.opened_at = now_;
        item.openings.push_back(now_);
        // One that we slept through was one, too.
        if (!first && steps > 2 && item.openings.size() < flapping_outages)
            item.openings.push_back(now_);
        while (item.openings.size() > flapping_outages) item.openings.pop_front();
    }
    item.suspicions.clear();
    item.suspected.clear();
    item.suspicion.reset();
    item.told.reset();
    if (item.inquiry.has_value()) {
        item.inquiry->on_epoch(verdict.epoch, item.opened_at + dwell(item) - Inquiry::gap);
    }
}

// An outage that follows the one before within a minute lasts a minute, so that a target that
// flaps is at most one outage a minute; and so does each after several in an hour.
Duration Agreement::dwell(const Case& item) const {
    const auto& openings = item.openings;
    const bool often = openings.size() >= flapping_outages && now_ - openings.front() <= hours(1);
    const bool again =
        openings.size() >= 2 && openings.back() - *std::prev(openings.end(), 2) < dwell_flapping;
    return often || again ? dwell_flapping : dwell_calm;
}

Bench Agreement::bench(const Case& item) const {
    Bench bench;
    bench.ranks = item.jury();
    bench.zone_of = [this](AgentId agent) { return zone_of(agent); };
    bench.rules.fingerprint = item.check.fingerprint;
    bench.rules.era = item.era();
    bench.rules.epoch = item.epoch();
    bench.rules.size = item.size;
    bench.rules.valid_for = item.valid_for();
    bench.rules.any_age = options_.ablations.votes_for_ever;
    bench.rules.any_epoch = options_.ablations.votes_for_ever;
    bench.interval = item.check.interval;
    bench.held = item.held.has_value() ? &*item.held : nullptr;
    bench.dwelt = item.outage() && now_ >= item.opened_at + dwell(item);
    bench.changed_at = item.changed_at;
    bench.one_zone_opens = options_.ablations.one_zone_opens;
    bench.tells_first = item.host.empty();
    return bench;
}

void Agreement::judge_case(Case& item) {
    item.tally.forget_old(now_);
    if (!item.juror || !passed_once_) return;
    const auto change = judge(item.tally, bench(item), now_);
    if (!change.has_value()) {
        item.scribe.rest();
        wake_for_time(item);
        return;
    }
    item.scribe.on_change(*change);
    const auto turn = item.scribe.on_proof(now_, proven(*change), item.seat->rank);
    // Asked again while the votes last.
    if (!turn.has_value()) return wake(item, now_ + RollCall::apart);
    if (now_ < *turn) return wake(item, *turn);
    write(item, *change);
}

// Some rules wait for nothing but time.
void Agreement::wake_for_time(Case& item) {
    if (!item.outage()) return;
    const Instant dwelt = item.opened_at + dwell(item);
    if (now_ < dwelt) return wake(item, dwelt);
    if (item.inquiry.has_value() && now_ - item.round_at < item.valid_for()) {
        wake(item, now_ + std::chrono::milliseconds(500));
    }
}

// A roll call that began after the oldest vote did, and has passed; it is asked for.
bool Agreement::proven(const Change& change) {
    const Ablations& ablations = options_.ablations;
    if (ablations.clear_without_roll_call && change.rule == Rule::clear) return true;
    if (ablated()) return true;
    const Instant since = std::max(std::min(change.oldest, now_), now_ - proof_valid_for);
    if (roll_call_.passed_since(since)) return true;
    roll_call_.need(now_, since);
    run_roll_call();
    return roll_call_.passed_since(since);
}

void Agreement::write(Case& item, const Change& change) {
    PICKET_ASSERT(item.juror && passed_once_);
    VerdictRecord verdict = next_version(item.held.value_or(VerdictRecord{}), change);
    verdict.check = item.check.key;
    verdict.proposer = self_;
    const WallTime first = wall_ - (now_ - std::min(change.begins, now_));
    if (change.turns()) verdict.backing = backing(item);
    if (change.rule == Rule::open) {
        verdict.first_failure_at = first;
        verdict.opened_at = wall_;
        verdict.closed_at = {};
    }
    if (change.rule == Rule::clear) verdict.closed_at = first;
    // That nothing has ever been wrong needs no reason.
    Proposal proposal{verdict, std::nullopt};
    if (change.rule != Rule::first) proposal.evidence = evidence(item, verdict, change);
    proposals_.push_back(std::move(proposal));
    adopt(item, verdict);
    wake(item, now_);
}

Backing Agreement::backing(const Case& item) const {
    const auto& passed = roll_call_.last_passed();
    if (passed.has_value() && passed->ground == RollCallGround::survivor) {
        return Backing::one_of_two;
    }
    return item.size.seats == 1 ? Backing::panel_of_one : Backing::quorum;
}

namespace {

// Gives each agent spoken of its number in the evidence.
class Cast {
public:
    using NameOf = std::function<EvidenceRecord::Witness(AgentId)>;
    Cast(EvidenceRecord& record, NameOf name_of) : record_(record), name_of_(std::move(name_of)) {}

    std::uint8_t index(AgentId agent) {
        const auto found = std::find(agents_.begin(), agents_.end(), agent);
        if (found != agents_.end()) return static_cast<std::uint8_t>(found - agents_.begin());
        agents_.push_back(agent);
        record_.witnesses.push_back(name_of_(agent));
        return static_cast<std::uint8_t>(agents_.size() - 1);
    }

private:
    EvidenceRecord& record_;
    NameOf name_of_;
    std::vector<AgentId> agents_;
};

struct Timed {
    Instant at;
    std::uint8_t witness;
    TimelineEvent event;
};

}  // namespace

EvidenceRecord Agreement::evidence(const Case& item, const VerdictRecord& verdict,
                                   const Change& change) const {
    EvidenceRecord record;
    record.check = verdict.check;
    record.era = verdict.era;
    record.epoch = verdict.epoch;
    record.sub = verdict.sub;
    record.rule = change.rule;
    record.panel = static_cast<std::uint8_t>(item.size.seats);
    record.quorum = static_cast<std::uint8_t>(item.size.quorum);
    Cast agents(record, [this](AgentId agent) {
        return EvidenceRecord::Witness{name_of(agent), std::string(zone_of(agent))};
    });
    const Instant begins = std::min(change.turns() ? change.begins : change.oldest, now_);
    record.begins_at = wall_ - (now_ - begins);
    std::vector<Timed> moments;

    CountRules rules = bench(item).rules;
    // Of zones, what a witness said last holds until it says otherwise: see judge_zones().
    if (change.rule == Rule::degrade || change.rule == Rule::restore) rules.any_age = true;
    const Count counted = count(item.tally, item.jury(), rules, now_);
    const auto add = [&](const Tally::Held& held) {
        const VoteRecord& vote = held.vote;
        const std::uint8_t witness = agents.index(vote.agent);
        record.votes.push_back({witness, vote.vote, vote.failure, vote.message, now_ - held.began});
        if (held.began < begins) return;  // It belongs to what was before.
        const bool first = held.began <= begins && vote.vote == Vote::fail;
        moments.push_back(
            {held.began, witness, first ? TimelineEvent::first_failure : TimelineEvent::asked});
        moments.push_back(
            {held.cast, witness,
             vote.vote == Vote::fail ? TimelineEvent::voted_fail : TimelineEvent::voted_ok});
    };
    for (const Tally::Held* held : counted.fails) add(*held);
    for (const Tally::Held* held : counted.oks) add(*held);
    for (const Count::Discount& discount : counted.discounted) {
        if (record.discounted.size() + record.votes.size() >= evidence_witnesses_max) break;
        record.discounted.push_back({agents.index(discount.agent), discount.reason});
    }
    for (const Case::Suspected& suspected : item.suspicions) {
        if (suspected.at < begins) continue;
        moments.push_back({suspected.at, agents.index(suspected.agent), TimelineEvent::suspected});
    }
    const std::uint8_t us = agents.index(self_);
    if (const auto& call = roll_call_.last_passed(); call.has_value()) {
        record.roll_call = {static_cast<std::uint32_t>(call->asked),
                            static_cast<std::uint32_t>(call->answered),
                            static_cast<std::uint32_t>(call->needed)};
        moments.push_back({call->began, us, TimelineEvent::roll_call_begun});
        moments.push_back({call->ended, us, TimelineEvent::roll_call_passed});
    }
    moments.push_back({now_, us, TimelineEvent::proposed});
    std::stable_sort(moments.begin(), moments.end(),
                     [](const Timed& a, const Timed& b) { return a.at < b.at; });
    for (const Timed& moment : moments) {
        if (record.timeline.size() == timeline_max) break;
        record.timeline.push_back(
            {std::max(moment.at - begins, Duration::zero()), moment.witness, moment.event});
    }
    return record;
}

}  // namespace picket::gossip
