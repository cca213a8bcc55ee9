// HistoryWriter: gathers outcomes and facts, and says when a batch is to be written.
//
// A commit costs the disk, so rows wait until there are `batch_rows` of them or the
// oldest is `batch_age` old. With one batch under way at a time, a killed agent
// loses at most what came in during the last batch_age and the commit before it.
//
// The disk is slower than the network, and its worst second must not delay a probe:
// when `rows_max` outcomes wait, the oldest are dropped and counted. Facts (verdicts,
// outages) wait in a queue of their own, go first, and no flood of outcomes costs
// one; at `facts_max` the oldest are dropped and counted.
//
// A state machine without I/O: take a batch with poll_batch(), have it written, and
// report with on_written(). A batch that failed is kept whole, and is due again
// batch_age later together with what has come in since.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "storage/records.h"

namespace picket::storage {

class HistoryWriter {
public:
    struct Options {
        std::size_t batch_rows = 256;  // Of each kind.
        Duration batch_age = std::chrono::milliseconds(500);
        std::size_t rows_max = 65'536;  // More than batch_rows, as is facts_max.
        std::size_t facts_max = 65'536;
    };

    HistoryWriter() : HistoryWriter(Options{}) {}
    explicit HistoryWriter(Options options);

    // Facts are numbered as they come, from 1.
    using FactNumber = std::uint64_t;

    void append(Instant now, HistoryRow row);
    FactNumber append(Instant now, Fact fact);

    // Makes the facts that wait due now, without waiting for batch_age: somebody acts
    // on them once they are stored. Not before a failed write is due again.
    void hurry(Instant now);

    // All up to this one were taken into batches, or written.
    FactNumber facts_taken() const { return facts_taken_; }
    FactNumber facts_written() const { return facts_written_; }
    // It was dropped, and will not be written.
    bool fact_lost(FactNumber number) const {
        return number > facts_taken_ && number <= facts_lost_;
    }

    // Makes all that waits due now, in as many batches as it takes: for a clean stop.
    void flush(Instant now);

    // The batch that is due, if one is; nothing while another is being written.
    std::optional<Batch> poll_batch(Instant now);

    // The batch that was taken last was written, or was not.
    void on_written(Instant now, const Status& written);

    // `never` while nothing waits or a batch is being written.
    Instant next_wakeup() const;

    // Nothing waits and nothing is being written.
    bool idle() const { return rows_waiting() == 0 && facts_waiting() == 0; }

    // Waiting, or being written.
    std::size_t rows_waiting() const { return rows_.size() + writing_.outcomes.size(); }
    std::size_t facts_waiting() const { return facts_.size() + writing_.facts.size(); }

    std::uint64_t rows_dropped() const { return rows_dropped_; }
    std::uint64_t facts_dropped() const { return facts_dropped_; }
    std::uint64_t rows_written() const { return rows_written_; }
    std::uint64_t batches_failed() const { return batches_failed_; }

private:
    void note_arrival(Instant now, std::size_t waiting);

    Options options_;
    std::deque<HistoryRow> rows_;
    std::deque<Fact> facts_;
    Batch writing_;
    bool written_awaited_ = false;
    bool flushing_ = false;
    Instant due_ = never;
    Instant retry_at_ = Instant::min();  // After a failure nothing is due before.
    FactNumber facts_appended_ = 0;
    FactNumber facts_taken_ = 0;
    FactNumber facts_written_ = 0;
    FactNumber facts_lost_ = 0;  // The last one dropped.
    std::uint64_t rows_dropped_ = 0;
    std::uint64_t facts_dropped_ = 0;
    std::uint64_t rows_written_ = 0;
    std::uint64_t batches_failed_ = 0;
};

}  // namespace picket::storage
