#include "agent/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/log.h"
#include "agent/io/clock.h"

namespace picket {
namespace {

using storage::Store;

// What comes back from the worker: the store that went there, and its answer.
template <typename Answer>
struct Returned {
    Store store;
    Result<Answer> answer;
};

}  // namespace

Recorder::Recorder(io::Loop& loop, Options options, std::function<void(storage::Loaded)> on_opened,
                   std::function<void()> on_begun_anew)
    : options_(std::move(options)),
      on_opened_(std::move(on_opened)),
      on_begun_anew_(std::move(on_begun_anew)),
      writer_({.rows_max = options_.rows_waiting_max}),
      timer_(loop, [this] { turn(); }),
      worker_(loop) {}

std::string Recorder::database_path() const {
    return options_.state_dir + "/picket.db";
}

Result<storage::Loaded> Recorder::open() {
    auto opened = Store::open(options_.state_dir, io::wall_now());
    if (!opened) {
        if (opened.error().code() == Code::exhausted) return tl::make_unexpected(opened.error());
        open_problem_ = opened.error().message();
        log_error(open_problem_ + "; nothing is recorded until that is mended");
        reopen_later();
        arm();
        return storage::Loaded{};
    }
    storage::Loaded loaded = std::move(opened->loaded);
    adopt(std::move(*opened));
    return loaded;
}

void Recorder::record_at_start(storage::AgentFact fact) {
    PICKET_ASSERT(!worker_.busy());
    if (store_) {
        storage::Batch batch;
        batch.facts.emplace_back(fact);
        if (const auto written = store_->write(batch, io::wall_now())) {
            if (!written->problem.empty()) anew_problem_ = written->problem;
            return;
        }
        // What is wrong shows when it is written again, with all else.
    }
    record(std::move(fact));
}

void Recorder::record(storage::HistoryRow row) {
    writer_.append(io::monotonic_now(), std::move(row));
    arm();
}

void Recorder::record(storage::Fact fact) {
    writer_.append(io::monotonic_now(), std::move(fact));
    arm();
}

void Recorder::record_durably(storage::Fact fact, std::function<void(const Status&)> done) {
    const Instant now = io::monotonic_now();
    awaited_.push_back({writer_.append(now, std::move(fact)), std::move(done)});
    writer_.hurry(now);
    arm();
}

void Recorder::settle(std::function<void()> done) {
    settling_.push_back(std::move(done));
    writer_.flush(io::monotonic_now());
    turn();
}

void Recorder::finish(std::function<void()> done) {
    PICKET_ASSERT(!on_finished_);
    on_finished_ = std::move(done);
    reopen_at_ = never;
    prune_at_ = never;
    writer_.flush(io::monotonic_now());
    turn();
}

std::vector<std::string> Recorder::problems() const {
    std::vector<std::string> problems;
    for (const std::string* problem : {&open_problem_, &write_problem_}) {
        if (problem->empty()) continue;
        problems.push_back(fmt::format("{}; {} outcomes wait in memory, {} were dropped", *problem,
                                       writer_.rows_waiting(), writer_.rows_dropped()));
    }
    if (!anew_problem_.empty()) problems.push_back(anew_problem_);
    return problems;
}

void Recorder::turn() {
    const Instant now = io::monotonic_now();
    if (!worker_.busy()) {
        if (store_) {
            if (auto batch = writer_.poll_batch(now)) {
                write(*std::move(batch));
            } else if (now >= prune_at_) {
                prune();
            }
        } else if (now >= reopen_at_) {
            reopen();
        }
    }
    if (!worker_.busy()) call_settled();
    call_durable();
    end_if_finished();
    arm();
}

void Recorder::arm() {
    if (worker_.busy()) return timer_.clear();  // Its end turns again.
    if (!awaited_.empty() && refusal()) return timer_.set(io::monotonic_now());
    if (!store_) return timer_.set(reopen_at_);
    timer_.set(std::min(writer_.next_wakeup(), prune_at_));
}

void Recorder::write(storage::Batch batch) {
    worker_.submit(
        [store = *std::exchange(store_, std::nullopt), batch = std::move(batch),
         wall = io::wall_now()]() mutable {
            auto written = store.write(batch, wall);
            return Returned<Store::Written>{std::move(store), std::move(written)};
        },
        [this](Returned<Store::Written> returned) {
            store_ = std::move(returned.store);
            const Instant now = io::monotonic_now();
            const bool ok = returned.answer.has_value();
            std::string problem = ok ? "" : returned.answer.error().message();
            if (problem != write_problem_) {
                ok ? log_info("history is written again") : log_error(problem);
                write_problem_ = std::move(problem);
            }
            writer_.on_written(now, ok ? Status{} : tl::make_unexpected(returned.answer.error()));
            if (ok && !returned.answer->problem.empty()) {
                anew_problem_ = returned.answer->problem;
                log_error(anew_problem_);
                on_begun_anew_();
            }
            // A finishing agent tries once: a full disk must not keep it alive.
            if (!ok && on_finished_) store_.reset();
            if (!ok) call_settled();
            turn();
        });
}

void Recorder::prune() {
    worker_.submit(
        [store = *std::exchange(store_, std::nullopt), limits = options_.retention,
         wall = io::wall_now()]() mutable {
            auto pruned = store.prune(wall, limits);
            return Returned<storage::Pruned>{std::move(store), std::move(pruned)};
        },
        [this](Returned<storage::Pruned> returned) {
            store_ = std::move(returned.store);
            const bool more = returned.answer.has_value() && returned.answer->more;
            prune_at_ = io::monotonic_now() + (more ? retention_pause : retention_interval);
            turn();
        });
}

void Recorder::reopen() {
    worker_.submit([state_dir = options_.state_dir,
                    wall = io::wall_now()] { return Store::open(state_dir, wall); },
                   [this](Result<Store::Opened> opened) {
                       if (opened) {
                           storage::Loaded loaded = std::move(opened->loaded);
                           adopt(std::move(*opened));
                           log_info("history is recorded from now on");
                           on_opened_(std::move(loaded));
                       } else {
                           open_problem_ = opened.error().message();
                           reopen_later();
                       }
                       turn();
                   });
}

void Recorder::reopen_later() {
    reopen_at_ = io::monotonic_now() + reopen_pause_;
    reopen_pause_ = std::min(2 * reopen_pause_, reopen_pause_max);
}

void Recorder::adopt(Store::Opened opened) {
    store_ = std::move(opened.store);
    open_problem_.clear();
    reopen_at_ = never;
    reopen_pause_ = reopen_pause_min;
    prune_at_ = io::monotonic_now() + retention_interval;
    if (!opened.problem.empty()) {
        anew_problem_ = std::move(opened.problem);
        log_error(anew_problem_);
    }
    arm();
}

void Recorder::call_settled() {
    for (const auto& done : std::exchange(settling_, {})) done();
}

std::optional<Error> Recorder::refusal() const {
    if (worker_.busy()) return std::nullopt;
    if (!store_) return Error(Code::io, open_problem_);
    // The disk has its pause before the next try, but nobody waits for that.
    if (!write_problem_.empty()) return Error(Code::io, write_problem_);
    return std::nullopt;
}

void Recorder::call_durable() {
    const std::optional<Error> refused = refusal();
    std::deque<Awaited> still_awaited;
    for (Awaited& each : std::exchange(awaited_, {})) {
        if (each.number <= writer_.facts_written()) {
            each.done({});
        } else if (writer_.fact_lost(each.number)) {
            each.done(failure(Code::exhausted, "too many facts wait to be written"));
        } else if (refused) {
            each.done(tl::make_unexpected(*refused));
        } else {
            still_awaited.push_back(std::move(each));
        }
    }
    // What `done` recorded came later.
    awaited_.insert(awaited_.begin(), std::make_move_iterator(still_awaited.begin()),
                    std::make_move_iterator(still_awaited.end()));
}

void Recorder::end_if_finished() {
    if (!on_finished_ || worker_.busy()) return;
    if (store_ && !writer_.idle()) return;
    // The store's lock and file are let go before anybody is told.
    store_.reset();
    if (auto done = std::exchange(on_finished_, nullptr)) done();
}

}  // namespace picket
