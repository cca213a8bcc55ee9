#include "gossip/agreement/roll_call.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/digest.h"

namespace picket::gossip {
namespace {

// Of the members the first by this decides a tie.
std::pair<std::uint64_t, std::string_view> place(std::string_view name) {
    return {short_digest("tie", name), name};
}

}  // namespace

RollCall::RollCall(std::string self, std::uint64_t seed) : self_(std::move(self)), random_(seed) {
    reference_.push_back(self_);
}

void RollCall::set_counted(std::string_view name, bool counts) {
    if (name == self_) return;
    const auto at = std::ranges::lower_bound(reference_, name);
    const bool counted = at != reference_.end() && *at == name;
    if (counted == counts) return;
    if (counts) {
        reference_.emplace(at, name);
        if (tiebreaker_ && place(name) < place(*tiebreaker_)) tiebreaker_ = name;
    } else {
        if (tiebreaker_ == name) tiebreaker_.reset();
        reference_.erase(at);
    }
}

// A digest for each member: of a large mesh too dear to be made for each call.
const std::string& RollCall::tiebreaker() {
    if (!tiebreaker_) tiebreaker_ = *std::ranges::min_element(reference_, {}, place);
    return *tiebreaker_;
}

void RollCall::need(Instant now, Instant since) {
    PICKET_ASSERT(since <= now);
    if (passed_since(since) || pending_since(since)) return;
    due_ = std::max(now, not_before_);
    if (due_ <= now && !call_.has_value()) begin(now);
}

bool RollCall::pending_since(Instant since) const {
    return (call_.has_value() && call_->began >= since) || due_ != never;
}

void RollCall::begin(Instant now) {
    PICKET_ASSERT(!call_.has_value());
    due_ = never;
    not_before_ = now + apart;
    Call call;
    call.id = ++calls_;
    call.began = now;
    call.reference = reference_.size();
    call.first = tiebreaker();
    call.tie_is_ours = call.first == self_;
    std::vector<const std::string*> others;
    for (const std::string& name : reference_) {
        if (name != self_) others.push_back(&name);
    }
    call.sampled = reference_.size() > full_max;
    if (call.sampled) {
        // We are one of those asked, and have answered.
        for (std::size_t i = 0; i + 1 < full_max; ++i) {
            std::swap(others[i], others[i + random_.below(others.size() - i)]);
        }
        others.resize(full_max - 1);
    }
    for (const std::string* name : others) call.answered.emplace(*name, false);
    call_ = std::move(call);
    ask(now);
    conclude(now, circumstances_.waiting);
}

// In the order of the reference, so that one seed gives one history.
void RollCall::ask(Instant now) {
    ++call_->tries_made;
    call_->next_try =
        call_->tries_made < tries ? call_->began + call_->tries_made * try_gap : never;
    for (const std::string& name : reference_) {
        const auto found = call_->answered.find(name);
        if (found == call_->answered.end() || found->second) continue;
        questions_.push_back({name, call_->id, call_->began + length - now});
    }
}

void RollCall::on_answer(Instant now, std::uint64_t call, std::string_view name) {
    if (!call_.has_value() || call_->id != call) return;
    const auto found = call_->answered.find(std::string(name));
    if (found == call_->answered.end() || found->second) return;
    found->second = true;
    ++call_->answers;
    if (name == call_->first) call_->tie_is_ours = true;
    conclude(now, false);
}

void RollCall::on_tick(Instant now) {
    if (call_.has_value() && now >= call_->began + length) conclude(now, true);
    if (call_.has_value() && now >= call_->next_try) ask(now);
    if (!call_.has_value() && now >= due_) begin(now);
}

bool RollCall::enough(RollCallGround& ground) const {
    const std::size_t here = call_->answers + 1;
    ground = RollCallGround::majority;
    if (call_->sampled) return here >= sample_needed;
    if (call_->reference == 1) {
        ground = RollCallGround::alone;
        return true;
    }
    if (2 * here > call_->reference) return true;
    if (call_->reference == 2) {
        ground = RollCallGround::survivor;
        return circumstances_.peer_dead && circumstances_.connected;
    }
    if (2 * here < call_->reference) return false;
    ground = RollCallGround::tie;
    return call_->tie_is_ours;
}

void RollCall::conclude(Instant now, bool over) {
    if (circumstances_.waiting) return finish(now, false, RollCallGround::waiting);
    RollCallGround ground{};
    const bool passed = enough(ground);
    if (passed || over) finish(now, passed, ground);
}

void RollCall::finish(Instant now, bool passed, RollCallGround ground) {
    RollCallResult result;
    result.began = call_->began;
    result.ended = now;
    result.passed = passed;
    result.ground = ground;
    result.asked = call_->answered.size() + 1;
    result.answered = call_->answers + 1;
    result.needed = call_->sampled ? sample_needed : call_->reference / 2 + 1;
    if (passed && ground == RollCallGround::tie) result.needed = call_->reference / 2;
    for (const auto& [name, answered] : call_->answered) {
        if (!answered) result.missing.push_back(name);
    }
    std::sort(result.missing.begin(), result.missing.end());
    if (!passed && call_->sampled) {
        not_before_ = now + sampled_final;
        if (due_ != never) due_ = std::max(due_, not_before_);
    }
    if (passed) {
        passed_began_ = std::max(passed_began_, call_->began);
        last_passed_ = result;
    }
    last_ = result;
    results_.push_back(std::move(result));
    call_.reset();
    questions_.clear();
}

std::optional<RollCall::Question> RollCall::poll_question() {
    if (questions_.empty()) return std::nullopt;
    Question question = std::move(questions_.front());
    questions_.pop_front();
    return question;
}

std::optional<RollCallResult> RollCall::poll_result() {
    if (results_.empty()) return std::nullopt;
    RollCallResult result = std::move(results_.front());
    results_.pop_front();
    return result;
}

Instant RollCall::next_wakeup() const {
    if (!results_.empty()) return results_.front().ended;
    if (!call_.has_value()) return due_;
    return std::min(call_->began + length, call_->next_try);
}

}  // namespace picket::gossip
