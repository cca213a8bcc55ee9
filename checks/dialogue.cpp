#include "checks/dialogue.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"

namespace picket::checks {

Dialogue::Next Dialogue::next() {
    if (!output_.empty()) return Next::send;
    while (at_ < script_->size()) {
        const ScriptStep& step = (*script_)[at_];
        switch (stage_) {
            case Stage::send: {
                auto sent = step.verbatim ? Result<std::string>(step.send)
                                          : interpolate(step.send, captures_);
                if (!sent.has_value()) {
                    error_ = sent.error().message();
                    return Next::failed;
                }
                stage_ = Stage::expect;
                changed_ = true;
                output_ = *std::move(sent);
                if (!output_.empty()) return Next::send;
                break;
            }
            case Stage::expect:
                if (step.expect.has_value() && !found()) return Next::wait;
                stage_ = Stage::secure;
                break;
            case Stage::secure:
                if (step.starttls) return Next::secure;
                stage_ = Stage::send;
                ++at_;
                break;
        }
    }
    return Next::done;
}

std::string Dialogue::take_output() {
    return std::exchange(output_, {});
}

void Dialogue::on_bytes(std::string_view bytes) {
    heard_ += bytes.substr(0, dialogue_bytes_max - std::min(heard_.size(), dialogue_bytes_max));
    changed_ = true;
}

void Dialogue::on_secured() {
    PICKET_ASSERT(at_ < script_->size() && stage_ == Stage::secure);
    heard_.clear();
    stage_ = Stage::send;
    ++at_;
}

const CapturingPattern* Dialogue::expected() const {
    if (at_ >= script_->size() || !(*script_)[at_].expect.has_value()) return nullptr;
    return &*(*script_)[at_].expect;
}

bool Dialogue::found() {
    if (!std::exchange(changed_, false)) return false;
    auto match = expected()->search(heard_);
    if (!match.has_value()) return false;
    last_answer_ = heard_;
    heard_.erase(0, match->end);
    std::ranges::move(match->captures, std::back_inserter(captures_));
    return true;
}

}  // namespace picket::checks
