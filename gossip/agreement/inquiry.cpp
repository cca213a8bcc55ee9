#include "gossip/agreement/inquiry.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/agreement/fitness.h"
#include "gossip/agreement/long_ago.h"

namespace picket::gossip {
namespace {

// Whoever asks for us keeps the timeout. An attempt that has not ended so long after it
// will not end: its definition was taken away, or its host is not known any more.
constexpr Duration lost_after = std::chrono::seconds(5);

}  // namespace

Inquiry::Inquiry(const Settings& settings, std::uint64_t seed)
    : settings_(settings), random_(seed) {
    PICKET_ASSERT(settings_.attempts >= 2 && settings_.timeout.count() > 0);
}

void Inquiry::on_epoch(std::uint32_t epoch, Instant recoverable_at) {
    epoch_ = epoch;
    outage_ = epoch % 2 == 1;
    recoverable_at_ = recoverable_at;
    recheck_at_ = never;
    rounds_ = 0;
    suspicions_.clear();
    casts_.clear();
    drop_asking();
}

void Inquiry::drop_asking() {
    asking_.reset();
    std::erase_if(in_flight_, [](const InFlight& attempt) { return attempt.waits(); });
    for (InFlight& attempt : in_flight_) attempt.counts = false;
}

void Inquiry::begin(Instant at, bool scheduled, std::uint32_t round) {
    PICKET_ASSERT(!asking_.has_value());
    recheck_at_ = never;
    asking_ = Asking{};
    asking_->scheduled = scheduled;
    asking_->awaited = round != 0;
    asking_->round = round;
    asking_->next_at = at;
}

void Inquiry::on_slot() {
    if (!asking_.has_value()) begin(long_ago, true, 0);
}

std::optional<Instant> Inquiry::began(AttemptId id) const {
    for (const InFlight& attempt : in_flight_) {
        if (attempt.id == id) return attempt.waits() ? attempt.asked_for : attempt.began;
    }
    return std::nullopt;
}

bool Inquiry::look(Instant now) {
    if (asking_.has_value()) return true;
    if (!budget_.take(now)) return false;
    begin(now, false, 0);
    return true;
}

void Inquiry::convene(Instant now) {
    if (asking_.has_value() || !budget_.take(now)) return;
    const std::uint32_t round = static_cast<std::uint32_t>(random_.next()) | 1;
    begin(now, false, round);
    answered_round_ = round;
    suspicions_.push_back(
        {outage_ ? SuspicionRecord::Direction::recovering : SuspicionRecord::Direction::failing,
         round, now});
}

void Inquiry::on_suspicion(Instant now, SuspicionRecord::Direction direction, std::uint32_t round,
                           Instant since) {
    if (round == answered_round_) return;
    answered_round_ = round;
    if (asking_.has_value()) {
        asking_->awaited = true;
        if (asking_->round == 0) asking_->round = round;
        return;
    }
    const Vote suspected = direction == SuspicionRecord::Direction::failing ? Vote::fail : Vote::ok;
    // We know already, or have looked since.
    const bool known = last_.has_value() && last_->epoch == epoch_ &&
                       (last_->began >= since ||
                        (last_->vote == suspected && now - last_->began < settings_.timeout));
    if (known || !budget_.take(now)) return repeat(now);
    begin(now + Duration(random_.below(static_cast<std::uint64_t>(jitter.count()))), false, round);
}

void Inquiry::repeat(Instant now) {
    if (!last_.has_value() || last_->epoch != epoch_) return;
    if (now - last_->began > settings_.interval) return;
    casts_.push_back({*last_, true, true});
}

std::optional<AttemptId> Inquiry::poll_attempt(Instant now) {
    if (!asking_.has_value() || now < asking_->next_at) return std::nullopt;
    if (in_flight_.size() >= static_cast<std::size_t>(attempts())) return std::nullopt;
    if (held_back()) return std::nullopt;
    ++asking_->asked_for;
    const bool more = asking_->suspected && asking_->asked_for < attempts();
    asking_->next_at = more ? asking_->began + asking_->asked_for * gap : never;
    in_flight_.push_back({.id = next_id_, .asked_for = now});
    return next_id_++;
}

bool Inquiry::on_started(Instant now, AttemptId id) {
    const auto found = std::ranges::find(in_flight_, id, &InFlight::id);
    if (found == in_flight_.end()) return false;
    found->began = now;
    if (asking_->began == never) asking_->began = now;
    asking_->last_proven = asking_->proven;
    return true;
}

void Inquiry::on_answer(Instant now, AttemptId id, Answer answer, Duration stalled) {
    const auto found = std::ranges::find(in_flight_, id, &InFlight::id);
    if (found == in_flight_.end()) return;
    if (found->waits()) on_started(now, id);  // It could not even be started.
    const bool counts = found->counts;
    in_flight_.erase(found);
    if (answer.finding == Answer::Finding::passed) soft_timeout_.learn(answer.latency);
    if (!counts || !asking_.has_value()) return;

    if (answer.finding == Answer::Finding::failed && answer.out_of_time &&
        stalled >= Fitness::stall_min) {
        answer.finding = Answer::Finding::errored;
        answer.message = fmt::format("this agent stood still for {}", format_duration(stalled));
    }
    if (answer.finding == Answer::Finding::errored) {
        rounds_ = 0;
        return conclude(now, Vote::abstain, answer.failure, std::move(answer.message), false);
    }
    const Vote said = answer.finding == Answer::Finding::passed ? Vote::ok : Vote::fail;
    if (said == news()) return on_news(now, answer);

    rounds_ = 0;
    asking_->answer = std::move(answer);
    // What confirms the verdict counts at once; a failure still needs its proof, unless
    // nobody is told.
    const bool same = last_.has_value() && last_->vote == said && last_->epoch == epoch_;
    if (said == Vote::fail && same && !asking_->awaited) return drop_asking();
    if (said == Vote::fail) {
        asking_->accusing_since = now;
        asking_->next_at = never;
        return;
    }
    conclude(now, Vote::ok, 0, {}, false);
}

// This answer would change the verdict if it repeats itself.
void Inquiry::on_news(Instant now, const Answer& answer) {
    Asking& asking = *asking_;
    asking.answer = answer;
    ++asking.ended;
    if (outage_ && now < recoverable_at_ && !asking.awaited) {
        recheck_at_ = recoverable_at_;
        return drop_asking();
    }
    if (!asking.suspected) suspect(now);
    if (asking.ended < attempts()) return;
    settle(now);
}

// Enough attempts in a row say the same.
void Inquiry::settle(Instant now) {
    const std::uint32_t needed = outage_ ? settings_.recover_after : settings_.fail_after;
    rounds_ = std::min(rounds_ + 1, needed);
    if (rounds_ < needed) {
        const bool awaited = asking_->awaited;
        drop_asking();
        if (awaited) repeat(now);
        return;
    }
    if (news() == Vote::ok) return conclude(now, Vote::ok, 0, {}, false);
    asking_->accusing_since = now;
}

void Inquiry::suspect(Instant now) {
    asking_->suspected = true;
    asking_->suspected_at = now;
    if (asking_->asked_for < attempts()) {
        asking_->next_at = asking_->began + asking_->asked_for * gap;
    }
    const std::uint32_t needed = outage_ ? settings_.recover_after : settings_.fail_after;
    if (rounds_ + 1 < needed) return;  // It will not be a vote yet.
    // A witness that said so before has nothing new to say, unless that was too early to close
    // the outage.
    const bool said = last_.has_value() && last_->vote == Vote::ok && last_->epoch == epoch_ &&
                      last_->began >= recoverable_at_;
    if (outage_ && said && !asking_->awaited) return;
    if (asking_->round == 0) asking_->round = static_cast<std::uint32_t>(random_.next()) | 1;
    answered_round_ = asking_->round;
    suspicions_.push_back(
        {outage_ ? SuspicionRecord::Direction::recovering : SuspicionRecord::Direction::failing,
         asking_->round, asking_->began});
}

void Inquiry::conclude(Instant now, Vote vote, FailureCode failure, std::string message,
                       bool failed) {
    const Asking& asking = *asking_;
    const bool same = last_.has_value() && last_->vote == vote;
    Ballot ballot;
    ballot.vote = vote;
    ballot.failure = failure;
    ballot.message = std::move(message);
    ballot.began = asking.began;
    ballot.epoch = epoch_;
    ballot.streak = same ? last_->streak + 1 : 1;
    ballot.round = asking.round;
    ballot.failed = failed;
    const bool told = same && last_->epoch == epoch_;
    const bool again = vote == Vote::abstain && now - told_at_ >= abstains_again_after;
    const bool tell = !told || again || asking.awaited || (vote == Vote::fail && !outage_);
    if (tell) told_at_ = now;
    last_ = ballot;
    casts_.push_back({std::move(ballot), false, tell});
    drop_asking();
}

void Inquiry::on_tick(Instant now, const Circumstances& circumstances) {
    if (now >= recheck_at_ && !asking_.has_value()) {
        recheck_at_ = never;
        static_cast<void>(look(now));
    }
    give_up_lost(now);
    if (!asking_.has_value()) return;
    on_resized(now);
    if (!asking_.has_value()) return;
    if (now >= suspicious_at()) suspect(now);
    if (circumstances.roll_call_asked) {
        const Instant patient_until = asking_->suspected_at.value_or(now) + roll_call_patience;
        if (circumstances.roll_call_passed) asking_->proven = true;
        if (!circumstances.roll_call_pending || now >= patient_until) asking_->unproven = true;
    }
    if (!asking_->accusing_since.has_value()) return;
    const Answer& answer = asking_->answer;
    const bool passed =
        outage_ || !settings_.proof_between ? asking_->proven : asking_->last_proven;
    const auto& unfit = answer.by_name ? circumstances.unfit_for_names : circumstances.unfit;
    if (unfit.has_value()) {
        return conclude(now, Vote::abstain, answer.failure, "not fit: " + *unfit, true);
    }
    if (passed) {
        return conclude(now, Vote::fail, answer.failure, answer.message, true);
    }
    const bool may_pass = outage_ || !settings_.proof_between;
    if (may_pass && !asking_->unproven && now < *asking_->accusing_since + roll_call_patience) {
        return;
    }
    conclude(now, Vote::abstain, answer.failure, circumstances.cut_off, true);
}

Instant Inquiry::given_up_at(const InFlight& attempt) const {
    if (attempt.waits()) return attempt.asked_for + held_back_max;
    return attempt.began + settings_.timeout + lost_after;
}

void Inquiry::give_up_lost(Instant now) {
    const auto lost = std::ranges::find_if(
        in_flight_, [&](const InFlight& attempt) { return now >= given_up_at(attempt); });
    if (lost == in_flight_.end()) return;
    std::string why = lost->waits() ? fmt::format("waited {} to ask: too many probes at once",
                                                  format_duration(held_back_max))
                                    : "the attempt never ended";
    on_answer(now, lost->id, {.message = std::move(why)}, Duration::zero());
}

Instant Inquiry::suspicious_at() const {
    Instant at = never;
    if (outage_ || !asking_.has_value() || asking_->suspected) return at;
    for (const InFlight& attempt : in_flight_) {
        if (!attempt.counts || attempt.waits()) continue;
        at = std::min(at, attempt.began + soft_timeout_.value(settings_.timeout));
    }
    return at;
}

// A panel may become one of one, or one of more, while a vote is being made: then it takes
// more attempts than it did when the last of them was started, or fewer.
void Inquiry::on_resized(Instant now) {
    Asking& asking = *asking_;
    if (!asking.suspected || asking.accusing_since.has_value()) return;
    if (asking.ended >= attempts()) return settle(now);
    if (asking.asked_for < attempts() && asking.next_at == never) {
        asking.next_at = asking.began + asking.asked_for * gap;
    }
}

bool Inquiry::held_back() const {
    if (outage_ || !settings_.proof_between || asking_->asked_for != attempts() - 1) return false;
    return !asking_->proven && !asking_->unproven;
}

std::optional<Inquiry::Suspicion> Inquiry::poll_suspicion() {
    if (suspicions_.empty()) return std::nullopt;
    const Suspicion suspicion = suspicions_.front();
    suspicions_.pop_front();
    return suspicion;
}

std::optional<Inquiry::Cast> Inquiry::poll_cast() {
    if (casts_.empty()) return std::nullopt;
    Cast cast = std::move(casts_.front());
    casts_.pop_front();
    return cast;
}

std::optional<Instant> Inquiry::roll_call_needed() const {
    if (!asking_.has_value()) return std::nullopt;
    const bool accusing = asking_->accusing_since.has_value() || (asking_->suspected && !outage_);
    return accusing ? std::optional(asking_->began) : std::nullopt;
}

Instant Inquiry::next_wakeup() const {
    Instant at = recheck_at_;
    for (const InFlight& attempt : in_flight_) at = std::min(at, given_up_at(attempt));
    if (!asking_.has_value()) return at;
    if (in_flight_.size() < static_cast<std::size_t>(attempts())) {
        const Instant gives_up = asking_->suspected_at.value_or(never);
        at = std::min(at, !held_back()        ? asking_->next_at
                          : gives_up == never ? never
                                              : gives_up + roll_call_patience);
    }
    at = std::min(at, suspicious_at());
    if (asking_->accusing_since.has_value()) {
        at = std::min(at, *asking_->accusing_since + roll_call_patience);
    }
    return at;
}

}  // namespace picket::gossip
