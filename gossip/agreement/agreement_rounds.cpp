// Agreement: asking and voting.

#include <algorithm>
#include <utility>

#include "agent/base/text.h"
#include "gossip/agreement/agreement_case.h"

namespace picket::gossip {
namespace {

// A vote may get lost: what changes something is said again while it may still matter.
constexpr Duration said_again_first = std::chrono::milliseconds(200);
constexpr Duration said_again_last = std::chrono::seconds(1);

}  // namespace

// Of a witness that we accept, on the definition that we hold to be active.
bool Agreement::plausible(const Case& item, AgentId agent, Fingerprint fingerprint,
                          std::uint32_t era) {
    if (!peers_.contains(agent)) return disregard(Disregarded::unknown_agent), false;
    if (era != item.era()) return disregard(Disregarded::wrong_era), false;
    if (fingerprint != item.check.fingerprint) {
        return disregard(Disregarded::wrong_definition), false;
    }
    if (std::find(item.ranks.begin(), item.ranks.end(), agent) == item.ranks.end()) {
        return disregard(Disregarded::not_a_witness), false;
    }
    return true;
}

bool Agreement::current(const Case& item, std::uint32_t epoch) {
    if (epoch > item.epoch() + epoch_step_max) {
        return disregard(Disregarded::absurd_epoch), false;
    }
    if (epoch >= item.epoch() || options_.ablations.votes_for_ever) return true;
    return disregard(Disregarded::old_epoch), false;
}

void Agreement::on_vote(Instant now, VoteRecord vote) {
    awake(now);
    vote.age = age_of(vote.age);
    Case* item = case_for(vote.check);
    if (item == nullptr) return disregard(Disregarded::unknown_check);
    if (!plausible(*item, vote.agent, vote.fingerprint, vote.era)) return;
    if (!current(*item, vote.epoch)) return;
    if (!item->tally.put(now, vote)) return disregard(Disregarded::replayed);
    wake(*item, now);

    note_contradiction(*item, vote);
    // Its suspicion may have got lost.
    const Vote news = item->outage() ? Vote::ok : Vote::fail;
    if (vote.vote != news || vote.round == 0 || vote.epoch != item->epoch()) return;
    if (!item->inquiry.has_value() || !item->juror) return;
    const auto direction = news == Vote::fail ? SuspicionRecord::Direction::failing
                                              : SuspicionRecord::Direction::recovering;
    item->round_at = now;
    item->inquiry->on_suspicion(now, direction, vote.round, now - vote.age);
}

void Agreement::on_suspicion(Instant now, const SuspicionRecord& suspicion) {
    awake(now);
    Case* item = case_for(suspicion.check);
    if (item == nullptr) return disregard(Disregarded::unknown_check);
    if (!plausible(*item, suspicion.agent, suspicion.fingerprint, suspicion.era)) return;
    if (!current(*item, suspicion.epoch)) return;
    if (suspicion.epoch != item->epoch() || suspicion.round == 0) return;
    if (!item->latest_of(suspicion.agent, {suspicion.boot, suspicion.seq})) {
        return disregard(Disregarded::replayed);
    }
    item->suspicions.push_back({suspicion.agent, now});
    if (item->suspicions.size() > Case::suspicions_max) item->suspicions.pop_front();
    if (!item->inquiry.has_value() || !item->juror) return;
    item->round_at = now;
    item->inquiry->on_suspicion(now, suspicion.direction, suspicion.round,
                                now - age_of(suspicion.age));
    wake(*item, now);
}

void Agreement::tell_panel(const Case& item, const Record& record) {
    const std::size_t seats = std::min(item.size.seats, item.ranks.size());
    for (std::size_t rank = 0; rank < seats; ++rank) {
        if (item.ranks[rank] != self_) dispatches_.push_back({name_of(item.ranks[rank]), record});
    }
}

void Agreement::run_inquiry(Case& item) {
    if (!item.inquiry.has_value()) return;
    Inquiry& inquiry = *item.inquiry;
    if (now_ >= item.overdue_at) {
        item.slotted_at = now_;
        item.overdue_at = never;
        inquiry.on_slot();
    }
    wake(item, item.overdue_at);
    Inquiry::Circumstances circumstances;
    if (const auto since = inquiry.roll_call_needed()) {
        roll_call_.need(now_, *since);
        run_roll_call();
        circumstances.roll_call_asked = true;
        circumstances.roll_call_passed = roll_call_.passed_since(*since) || ablated();
        circumstances.roll_call_pending = roll_call_.pending_since(*since);
        circumstances.unfit = fitness_.unfit_reason(now_);
        circumstances.unfit_for_names = fitness_.unfit_reason(now_, true);
        circumstances.cut_off = cut_off_text();
    }
    inquiry.on_tick(now_, circumstances);
    while (const auto id = inquiry.poll_attempt(now_)) {
        attempts_.push_back({item.check.key, *id, item.host});
    }
    while (const auto suspicion = inquiry.poll_suspicion()) {
        item.round_at = now_;
        item.suspicions.push_back({self_, now_});
        if (item.suspicions.size() > Case::suspicions_max) item.suspicions.pop_front();
        if (suspicion->direction == SuspicionRecord::Direction::failing) {
            item.suspicion = Case::OwnSuspicion{.at = now_};
            if (item.host.empty()) {
                fitness_.on_turned_failing(now_, item.check.key, item.check.interval);
            }
        }
        SuspicionRecord record;
        record.agent = self_;
        record.check = item.check.key;
        record.boot = options_.boot;
        record.seq = ++vote_seq_;
        record.fingerprint = item.check.fingerprint;
        record.era = item.era();
        record.epoch = item.epoch();
        record.direction = suspicion->direction;
        record.round = suspicion->round;
        record.age = now_ - suspicion->began;
        tell_panel(item, record);
    }
    while (const auto made = inquiry.poll_cast()) cast(item, *made);
    // A roll call may have become necessary by what has just been told.
    if (const auto since = inquiry.roll_call_needed()) {
        roll_call_.need(now_, *since);
        if (!circumstances.roll_call_asked) wake(item, now_);
    }
    wake(item, inquiry.next_wakeup());
}

bool Agreement::ablated() const {
    if (options_.ablations.no_roll_call) return true;
    const auto& passed = roll_call_.last_passed();
    return options_.ablations.roll_call_at_any_time && passed.has_value() &&
           now_ - passed->began < std::chrono::seconds(60);
}

std::string Agreement::cut_off_text() const {
    const auto& last = roll_call_.last();
    if (!last.has_value()) return "cut off: no roll call has ended";
    if (last->ground == RollCallGround::waiting) return "waiting for the mesh";
    return "cut off: " + std::to_string(last->answered) + " of " + std::to_string(last->asked) +
           " answered";
}

void Agreement::cast(Case& item, const Inquiry::Cast& cast) {
    const Ballot& ballot = cast.ballot;
    if (ballot.vote == Vote::ok) item.passed_at = std::max(item.passed_at, ballot.began);
    if (!cast.again) note_shadow(item, ballot);
    // A guest has no vote yet. Why it abstains it keeps, for whoever asks it.
    if (!passed_once_ && ballot.vote != Vote::abstain) return;
    VoteRecord vote;
    vote.agent = self_;
    vote.check = item.check.key;
    vote.boot = options_.boot;
    vote.seq = ++vote_seq_;
    vote.fingerprint = item.check.fingerprint;
    vote.era = item.era();
    vote.epoch = ballot.epoch;
    vote.vote = ballot.vote;
    vote.failure = ballot.failure;
    vote.message = cut_text(ballot.message, message_bytes_max);
    vote.streak = ballot.streak;
    vote.age = now_ - ballot.began;
    vote.round = ballot.round;
    static_cast<void>(item.tally.put(now_, vote));
    note_own_vote(item, vote);
    if (!passed_once_) return;
    // Until something was judged, nobody knows what anybody said.
    if (!cast.tell && item.held.has_value()) return;
    tell_panel(item, vote);
    const bool news = ballot.vote == (item.outage() ? Vote::ok : Vote::fail);
    item.told.reset();
    if (!news) return;
    item.told = Case::Told{
        std::move(vote), ballot.began, {now_ + said_again_last, now_ + said_again_first}};
    wake(item, now_ + said_again_first);
}

// The same vote, as it was cast: only its age has grown.
void Agreement::run_repeats(Case& item) {
    if (!item.told.has_value()) return;
    Case::Told& told = *item.told;
    if (told.vote.epoch != item.epoch()) return item.told.reset();
    while (!told.again.empty() && told.again.back() <= now_) {
        told.again.pop_back();
        told.vote.age = now_ - told.began;
        tell_panel(item, told.vote);
    }
    if (told.again.empty()) return item.told.reset();
    wake(item, told.again.back());
}

// Somebody has to look again while an outage is held, and nobody sees a change: its scope
// may have become another. And a host has no schedule but ours.
void Agreement::run_convening(Case& item) {
    if (!item.inquiry.has_value() || !item.seat.has_value()) return;
    if (!item.host.empty()) run_host_schedule(item);
    if (!item.outage() || item.seat->rank != 0) return;
    const Duration every = std::max(item.check.interval, convene_after);
    const Instant at = std::max(item.round_at, item.changed_at) + every;
    if (now_ >= at) {
        item.round_at = now_;
        item.inquiry->convene(now_);
    }
    wake(item, std::max(item.round_at, item.changed_at) + every);
}

void Agreement::run_host_schedule(Case& item) {
    if (!host_suspected(item) && !item.outage()) {
        item.slot_at = never;
        return;
    }
    if (item.slot_at == never) item.slot_at = now_ + item.seat->offset;
    if (now_ >= item.slot_at) {
        item.slot_at = now_ + item.check.interval;
        item.inquiry->on_slot();
    }
    wake(item, item.slot_at);
}

// ---- What our votes say of ourselves

void Agreement::note_own_vote(Case& item, const VoteRecord& vote) {
    if (vote.vote != Vote::fail || item.outage()) return item.suspicion.reset();
    if (!item.suspicion.has_value()) item.suspicion = Case::OwnSuspicion{.at = now_};
    item.suspicion->accused = true;
    note_overruled(item);
}

// A fit witness of our own zone says OK where we suspect. Asked by our suspicion, it may say so
// before we accuse.
void Agreement::note_contradiction(Case& item, const VoteRecord& vote) {
    if (!item.suspicion.has_value() || vote.vote != Vote::ok || item.outage()) return;
    const Instant since = item.suspicion->at;
    if (now_ - since > item.valid_for()) return;
    if (zone_of(vote.agent) != options_.zone || unfit_since(vote.agent)) return;
    // It must have looked when we did.
    if (now_ - vote.age + item.valid_for() < since) return;
    item.suspicion->contradicted = true;
    note_overruled(item);
}

// Of a host's liveness nothing is concluded about us.
void Agreement::note_overruled(Case& item) {
    if (!item.suspicion->accused || !item.suspicion->contradicted) return;
    item.suspicion.reset();
    if (item.host.empty()) fitness_.on_overruled(now_, item.check.key);
}

// Cut off we change nothing, but we remember what we see, unless a quorum of the witnesses that
// are left on this side sees the opposite.
void Agreement::note_shadow(Case& item, const Ballot& ballot) {
    const bool seen_down = ballot.vote == Vote::abstain && ballot.failed && !quorum();
    if (!seen_down && ballot.vote == Vote::abstain && !quorum()) return;  // It could not ask.
    const auto contradicted = [&] {
        CountRules rules = bench(item).rules;
        rules.valid_for += item.check.interval;  // One without a token repeats its last vote.
        const Count counted = count(item.tally, item.jury(), rules, now_);
        const auto others = std::ranges::count_if(
            counted.oks, [&](const Tally::Held* held) { return held->vote.agent != self_; });
        return static_cast<std::size_t>(others) >= item.size.quorum;
    };
    if (!seen_down || contradicted()) {
        if (item.shadow_told) {
            event(AgreementEvent::Kind::shadow_outage, item.check.key,
                  "uncorroborated, partition: seen down from here no more");
        }
        item.shadow_since.reset();
        item.shadow_told = false;
        return;
    }
    if (!item.shadow_since.has_value()) item.shadow_since = now_;
    // It may be a moment's trouble until the notice stands.
    if (item.shadow_told || no_quorum_text_.empty()) return;
    const bool ours = !item.check.target_zone.empty() && item.check.target_zone == options_.zone;
    const bool tell = item.check.on_partition == PartitionPolicy::page ||
                      (item.check.on_partition == PartitionPolicy::local && ours &&
                       now_ - *item.shadow_since >= shadow_told_after);
    if (!tell) return;
    item.shadow_told = true;
    event(AgreementEvent::Kind::shadow_outage, item.check.key,
          "uncorroborated, partition: down as seen from here; " + ballot.message);
}

}  // namespace picket::gossip
