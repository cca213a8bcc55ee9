#include "checks/probes/child_run.h"

#include <utility>

#include "agent/base/assert.h"

namespace picket::checks {

ChildRun::ChildRun(io::Loop& loop, io::ChildProcess::Options options)
    : options_(std::move(options)), loop_(loop), timer_(loop, [this] { on_timer(); }) {}

void ChildRun::start(Instant now, Instant deadline, OnEnd on_end) {
    PICKET_ASSERT(!on_end_);
    on_end_ = std::move(on_end);
    timer_.set(deadline);
    // Where the run before was given up, its process may still be dying: what it
    // leaves begins this one.
    if (!child_) launch();
    if (answer_) timer_.set(now);
}

void ChildRun::cancel() {
    on_end_ = nullptr;
    answer_.reset();
    timer_.clear();
    child_.reset();
    given_up_ = false;
}

void ChildRun::launch() {
    auto child = io::ChildProcess::spawn(loop_, options_,
                                         [this](io::ChildExit exit) { on_exit(std::move(exit)); });
    if (child) {
        child_ = *std::move(child);
    } else {
        answer_ = NotStarted{child.error().message()};
    }
}

void ChildRun::on_timer() {
    if (answer_) return finish(*std::exchange(answer_, std::nullopt));
    if (given_up_) return finish(Stuck{child_->pid()});
    // It dies in its own time; the answer does not wait for that.
    child_->terminate();
    given_up_ = true;
    finish(TimedOut{});
}

void ChildRun::on_exit(io::ChildExit exit) {
    const auto ended = std::move(child_);
    if (!std::exchange(given_up_, false)) {
        timer_.clear();
        return finish(std::move(exit));
    }
    if (!on_end_) return;
    launch();
    if (answer_) timer_.set(Instant{});
}

void ChildRun::finish(End end) {
    std::exchange(on_end_, nullptr)(std::move(end));
}

}  // namespace picket::checks
