// Recorder: gets what must survive onto the disk, and never makes a probe wait.
//
// Rows and facts go into the HistoryWriter's queue; whenever a batch is due and
// the worker is free, the store and the batch are moved to the worker and come
// back. A store that cannot be opened is tried again, a second later and then each
// time twice as late up to `reopen_pause_max`; meanwhile the queue fills, drops its
// oldest rows and counts them.
//
// Everything runs on the loop but the store's own work.

#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/io/timer.h"
#include "agent/io/worker.h"
#include "storage/history_writer.h"
#include "storage/store.h"

namespace picket {

class Recorder {
public:
    struct Options {
        std::string state_dir;
        storage::RetentionLimits retention;
        std::size_t rows_waiting_max = storage::HistoryWriter::Options{}.rows_max;
    };

    static constexpr Duration reopen_pause_min = std::chrono::seconds(1);
    static constexpr Duration reopen_pause_max = std::chrono::seconds(30);
    static constexpr Duration retention_interval = std::chrono::minutes(10);
    static constexpr Duration retention_pause = std::chrono::milliseconds(100);

    // `on_opened` is called when a store could be opened later than at the start,
    // with what it holds. `on_begun_anew` is called when history had to begin in a
    // fresh file: what must not be forgotten is to be recorded once more.
    Recorder(io::Loop& loop, Options options, std::function<void(storage::Loaded)> on_opened,
             std::function<void()> on_begun_anew);

    // Opens the store, waiting for the disk: at the start there is nothing else to
    // do. Where it cannot be opened the agent goes on without; problems() says why.
    // Fails only where another agent holds the state directory.
    Result<storage::Loaded> open();

    // Writes `fact` before it returns, waiting for the disk as open() does, and only
    // right after it. Without a store the fact waits like any other.
    void record_at_start(storage::AgentFact fact);

    void record(storage::HistoryRow row);
    void record(storage::Fact fact);

    // Records a fact that is acted on only once no loss of power can take it back, and
    // has it written at once. Calls `done` exactly once, later, never from within:
    // with success when it is on disk, and all facts recorded before it; or with the
    // reason why it is not: the disk does not take it now (it is kept and tried
    // again), nothing can be recorded, or too much waited. An agent that ends first
    // drops `done`.
    void record_durably(storage::Fact fact, std::function<void(const Status&)> done);

    // Calls `done` when what was recorded so far is on disk, as far as it can be:
    // for a reader that must see what was just told. Later, or at once, from within.
    void settle(std::function<void()> done);

    // Writes all that waits, then calls `done`; at once, from within, where there is
    // nothing to write or no store to write to. Nothing may be recorded afterwards.
    void finish(std::function<void()> done);

    // For `status`: one line each. That of a disk that takes nothing says what waits for it,
    // and what is lost.
    std::vector<std::string> problems() const;
    const storage::HistoryWriter& writer() const { return writer_; }
    std::string database_path() const;

private:
    void turn();
    void arm();
    void write(storage::Batch batch);
    void prune();
    void reopen();
    void reopen_later();
    void adopt(storage::Store::Opened opened);
    void call_settled();
    void call_durable();
    // Why a fact cannot be written now; absent while one can.
    std::optional<Error> refusal() const;
    void end_if_finished();

    struct Awaited {
        storage::HistoryWriter::FactNumber number;
        std::function<void(const Status&)> done;
    };

    Options options_;
    std::deque<Awaited> awaited_;  // By number.
    std::function<void(storage::Loaded)> on_opened_;
    std::function<void()> on_begun_anew_;
    std::function<void()> on_finished_;
    std::vector<std::function<void()>> settling_;
    storage::HistoryWriter writer_;
    std::optional<storage::Store>
        store_;  // Absent while the worker has it, or none could be opened.
    Instant reopen_at_ = never;
    Duration reopen_pause_ = reopen_pause_min;
    Instant prune_at_ = never;
    std::string open_problem_;   // Why there is no store.
    std::string write_problem_;  // Why the last batch was not written.
    std::string anew_problem_;   // That history began anew; stays until the agent ends.
    io::Timer timer_;
    io::Worker worker_;
};

}  // namespace picket
