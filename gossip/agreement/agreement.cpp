#include "gossip/agreement/agreement.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/agreement/agreement_case.h"

namespace picket::gossip {
namespace {

constexpr Duration heartbeat_idle = std::chrono::seconds(1);
constexpr Duration heartbeat_asking = std::chrono::milliseconds(200);
// What came while we stood still is read within so long.
constexpr Duration queues_last = std::chrono::seconds(1);

}  // namespace

Agreement::Agreement(Options options, std::uint64_t seed, Instant now)
    : options_(std::move(options)),
      self_(agent_id(options_.name)),
      zone_(zone_id(options_.zone)),
      random_(seed),
      now_(now),
      roll_call_(options_.name, random_.next()),
      refreshed_at_(now),
      heartbeat_at_(now + heartbeat_idle),
      notice_revision_(options_.boot) {
    PICKET_ASSERT(!options_.name.empty());
}

Agreement::~Agreement() = default;

Agreement::Case* Agreement::find(CheckKey key) {
    const auto found = cases_.find(key);
    return found == cases_.end() ? nullptr : found->second.get();
}

const Agreement::Case* Agreement::find(CheckKey key) const {
    const auto found = cases_.find(key);
    return found == cases_.end() ? nullptr : found->second.get();
}

// Looked at no later than `at`.
void Agreement::wake(Case& item, Instant at) {
    if (at >= item.due) return;
    due_.erase({item.due, item.check.key});
    item.due = at;
    due_.emplace(at, item.check.key);
}

void Agreement::event(AgreementEvent::Kind kind, CheckKey check, std::string message) {
    events_.push_back({kind, check, std::move(message)});
}

// Time passes also while nothing does: a late heartbeat tells that we stood still, before
// whatever came in meanwhile is judged.
void Agreement::awake(Instant now) {
    PICKET_ASSERT(now >= now_);
    now_ = now;
    if (now < heartbeat_at_) return;
    fitness_.on_wakeup(now, heartbeat_at_);
    if (now - heartbeat_at_ >= Fitness::stall_min) {
        waited_ = now - heartbeat_at_;
        waited_until_ = now + queues_last;
    }
    heartbeat_at_ = now + (open_.empty() ? heartbeat_idle : heartbeat_asking);
}

// A message tells its age as of when it was sent. What lay in our queues while we stood still
// is older by that, and must not pass for news.
Duration Agreement::age_of(Duration told) const {
    return now_ < waited_until_ ? told + waited_ : told;
}

void Agreement::set_counted(Instant now, std::string_view name, bool counts) {
    awake(now);
    const AgentId agent = agent_id(name);
    if (agent == self_) return;
    const CheckKey host = check_key("host/" + std::string(name));
    if (counts) {
        counted_.insert(agent);
        hosts_.emplace(host, name);
    } else {
        counted_.erase(agent);
        forget_host(host, agent);
    }
    note_missing(agent);
    roll_call_.set_counted(name, counts);
    standing_at_ = std::min(standing_at_, now);
}

void Agreement::set_standing(Instant now, const Standing& standing) {
    awake(now);
    if (standing == standing_) return;
    const bool first = standing.settled && !standing_.settled;
    const bool seats =
        standing.draining != standing_.draining || standing.arriving != standing_.arriving;
    standing_ = standing;
    fitness_.set_settled(standing.settled);
    fitness_.set_health_score(standing.health_score);
    fitness_.set_gateway(standing.gateway);
    fitness_.set_resolver(standing.resolver);
    roll_call_.set_circumstances(roll_call_circumstances());
    if (first) roll_call_.need(now, now);
    if (standing.guest) standing_at_ = std::min(standing_at_, now);
    if (seats) moves(self_);
}

void Agreement::on_check(Instant now, MeshCheck check) {
    awake(now);
    PICKET_ASSERT(check.interval.count() > 0 && check.timeout.count() > 0);
    Case* item = find(check.key);
    if (item != nullptr && item->check == check) return;
    if (item == nullptr) {
        if (cases_.size() >= checks_max) return disregard(Disregarded::unknown_check);
        const CheckKey key = check.key;
        item = cases_.emplace(key, std::make_unique<Case>(std::move(check))).first->second.get();
    } else {
        // Another definition makes another question; what was asked is no answer to it.
        if (item->check.fingerprint != check.fingerprint || !check.ours) item->inquiry.reset();
        item->check = std::move(check);
    }
    refresh_panel(*item);
    wake(*item, now);
}

void Agreement::on_check_gone(Instant now, CheckKey key) {
    awake(now);
    remove_case(key);
}

void Agreement::remove_case(CheckKey key) {
    const auto found = cases_.find(key);
    if (found == cases_.end()) return;
    const Case& item = *found->second;
    if (item.seat.has_value()) count_seat(item, false);
    due_.erase({item.due, key});
    open_.erase(key);
    cases_.erase(found);
}

void Agreement::on_verdict(Instant now, const VerdictRecord& verdict) {
    awake(now);
    Case* item = case_for(verdict.check);
    if (item == nullptr) return;  // Of a check that we know nothing of yet: see on_check().
    adopt(*item, verdict);
    wake(*item, now);
}

void Agreement::on_slot(Instant now, CheckKey key) {
    awake(now);
    Case* item = find(key);
    if (item == nullptr || !item->inquiry.has_value() || !item->seat.has_value()) return;
    item->slotted_at = now;
    item->overdue_at = never;
    item->inquiry->on_slot();
    wake(*item, now);
}

bool Agreement::on_started(Instant now, CheckKey key, AttemptId id) {
    awake(now);
    Case* item = find(key);
    if (item == nullptr || !item->inquiry.has_value()) return false;
    const bool wanted = item->inquiry->on_started(now, id);
    wake(*item, item->inquiry->next_wakeup());
    return wanted;
}

void Agreement::on_answer(Instant now, CheckKey key, AttemptId id, Answer answer) {
    awake(now);
    Case* item = find(key);
    if (item == nullptr || !item->inquiry.has_value()) return;
    const auto began = item->inquiry->began(id);
    if (!began.has_value()) return;
    item->inquiry->on_answer(now, id, std::move(answer), fitness_.stalled(*began, now));
    wake(*item, now);
}

void Agreement::on_roll_call_answer(Instant now, std::uint64_t call, std::string_view name) {
    awake(now);
    roll_call_.on_answer(now, call, name);
}

void Agreement::on_tick(Instant now, WallTime wall) {
    awake(now);
    wall_ = wall;
    if (now >= std::min(panels_at_, seats_at_)) refresh_panels();
    run_standing();
    run_roll_call();
    while (!due_.empty() && due_.begin()->first <= now) {
        Case& item = *find(due_.begin()->second);
        due_.erase(due_.begin());
        item.due = never;
        run(item);
        run_roll_call();  // What it needed may have been decided at once.
    }
}

void Agreement::run(Case& item) {
    run_convening(item);
    run_inquiry(item);
    judge_case(item);
    run_repeats(item);
    const bool waits = item.scribe.busy() || (item.inquiry.has_value() && item.inquiry->asking());
    if (waits) {
        open_.insert(item.check.key);
        heartbeat_at_ = std::min(heartbeat_at_, now_ + heartbeat_asking);
    } else {
        open_.erase(item.check.key);
    }
    if (!item.host.empty()) close_host_at_rest(item, waits);
}

// A call that ended may be what others wait for.
void Agreement::run_roll_call() {
    roll_call_.set_circumstances(roll_call_circumstances());
    roll_call_.on_tick(now_);
    while (const auto result = roll_call_.poll_result()) {
        for (const CheckKey key : open_) wake(*find(key), now_);
        if (result->passed) {
            passed_once_ = true;
            quorum_lost_at_.reset();
        } else {
            if (quorum()) {
                quorum_lost_at_ = now_;
                quorum_lost_wall_ = wall_;
            }
            // Made again, whoever is missing: it may have been a moment's loss.
            standing_at_ = std::min(standing_at_, now_ + standing_roll_call);
        }
        event(AgreementEvent::Kind::roll_call);
        tell_quorum();
    }
}

RollCall::Circumstances Agreement::roll_call_circumstances() const {
    RollCall::Circumstances circumstances;
    const std::vector<std::string>& reference = roll_call_.reference();
    // One that has met somebody, and does not know yet who counts, is not alone.
    circumstances.waiting = standing_.waiting || (!standing_.settled && reference.size() < 2);
    if (reference.size() != 2) return circumstances;
    const std::string& other = reference[reference[0] == options_.name ? 1 : 0];
    const auto found = peers_.find(agent_id(other));
    const bool met = found != peers_.end();
    circumstances.peer_dead = !met || found->second.peer.liveness == Liveness::failed;
    const Instant since = met ? found->second.failed_at : long_ago;
    circumstances.connected = fitness_.gateway_answers() && something_answers(since);
    return circumstances;
}

// Of the checks that were well when the other agent went, one that does not fail now has
// answered since, and lately. What answered before that may have been cut off with it. Where
// there is but one such check, there is nothing to compare it with.
bool Agreement::something_answers(Instant since) const {
    std::size_t were_well = 0;
    for (const auto& [key, item] : cases_) {
        if (!item->inquiry.has_value() || !item->host.empty()) continue;
        if (item->outage() && item->opened_at < since) continue;
        ++were_well;
        if (item->outage() || item->inquiry->accusing()) continue;
        const bool lately = now_ - item->passed_at <= 2 * item->check.interval;
        if (item->passed_at >= since && lately) return true;
    }
    return were_well <= 1;
}

// While somebody of the reference is missing a call is made every so often: it tells people
// whether there is a quorum, and lets those that are gone for good be forgotten. So it is
// while we do not count: one that passes writes us in.
void Agreement::run_standing() {
    const bool fit = !fitness_.unfit_reason(now_).has_value();
    if (fit == unfit_since_.has_value()) {
        const bool sat = eligible(self_);
        unfit_since_ = fit ? std::nullopt : std::optional(now_);
        if (!fit) seats_at_ = std::min(seats_at_, now_ + unfit_keeps_seat);
        if (eligible(self_) != sat) moves(self_);
        event(AgreementEvent::Kind::fitness, {}, fitness_.unfit_reason(now_).value_or(""));
    }
    if (now_ >= standing_at_) {
        const bool all_there = missing_.empty() && quorum() && passed_once_ && !standing_.guest;
        const bool needed = standing_.settled && !all_there;
        standing_at_ = needed ? now_ + standing_roll_call : never;
        if (needed) roll_call_.need(now_, now_);
    }
    tell_quorum();
}

void Agreement::tell_quorum() {
    if (quorum()) {
        if (no_quorum_text_.empty()) return;
        no_quorum_text_.clear();
        event(AgreementEvent::Kind::quorum, {}, "the roll call passes again");
        publish_notice(true);
        for (const auto& [key, item] : cases_) {
            if (item->shadow_told) {
                event(AgreementEvent::Kind::shadow_outage, key,
                      "uncorroborated, partition: over; the majority's verdict holds");
            }
            item->shadow_since.reset();
            item->shadow_told = false;
        }
        return;
    }
    if (!no_quorum_text_.empty() || now_ < *quorum_lost_at_ + notice_after) return;
    const auto& last = roll_call_.last();
    PICKET_ASSERT(last.has_value());
    if (last->ground == RollCallGround::waiting) {
        no_quorum_text_ = "waiting for the mesh: no member of it has been reached";
        return event(AgreementEvent::Kind::no_quorum, {}, no_quorum_text_);
    }
    no_quorum_text_ = gossip::no_quorum_text(no_quorum(*last));
    event(AgreementEvent::Kind::no_quorum, {}, no_quorum_text_);
    publish_notice(false);
}

// Zones as membership tells them: of who was never met in this run none is known.
NoQuorum Agreement::no_quorum(const RollCallResult& call) const {
    NoQuorum lost;
    lost.answered = call.answered;
    lost.known = call.asked;
    lost.needed = call.needed;
    lost.since = quorum_lost_wall_;
    std::set<std::string> answering{options_.zone};
    for (const std::string& name : roll_call_.reference()) {
        std::string zone(zone_of(agent_id(name)));
        if (std::binary_search(call.missing.begin(), call.missing.end(), name)) {
            lost.missing.push_back({name, std::move(zone)});
        } else {
            answering.insert(std::move(zone));
        }
    }
    lost.zones_answering.assign(answering.begin(), answering.end());
    return lost;
}

void Agreement::publish_notice(bool over) {
    const auto& last = roll_call_.last();
    if (!last.has_value()) return;
    NoticeRecord notice;
    if (!over) {
        notice_side_ = self_;
        const auto& missing = last->missing;
        for (const std::string& name : roll_call_.reference()) {
            if (std::binary_search(missing.begin(), missing.end(), name)) continue;
            notice_side_ = std::min(notice_side_, agent_id(name));
        }
    }
    notice.side = notice_side_;
    notice.revision = ++notice_revision_;
    notice.over = over;
    notice.known = static_cast<std::uint32_t>(last->asked);
    notice.answering = static_cast<std::uint32_t>(last->answered);
    notice.needed = static_cast<std::uint32_t>(last->needed);
    notice.since = quorum_lost_wall_;
    notice.at = wall_;
    std::set<std::string, std::less<>> zones;
    if (!over) {
        notice.missing = last->missing;
        for (const std::string& name : notice.missing) zones.emplace(zone_of(agent_id(name)));
    }
    notice.zones.assign(zones.begin(), zones.end());
    notice.missing.resize(std::min(notice.missing.size(), notice_names_max));
    notice.zones.resize(std::min(notice.zones.size(), panel_max));
    notices_.push_back(std::move(notice));
}

Instant Agreement::next_wakeup() const {
    Instant at = std::min({panels_at_, seats_at_, standing_at_, heartbeat_at_});
    at = std::min(at, roll_call_.next_wakeup());
    if (!due_.empty()) at = std::min(at, due_.begin()->first);
    if (quorum_lost_at_.has_value() && no_quorum_text_.empty()) {
        at = std::min(at, *quorum_lost_at_ + notice_after);
    }
    return at;
}

}  // namespace picket::gossip
