#include "storage/history_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "agent/base/assert.h"

namespace picket::storage {

namespace {

template <typename T>
std::vector<T> take_front(std::deque<T>& queue, std::size_t count_max) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue.size(), count_max));
    const auto end = std::next(queue.begin(), count);
    std::vector<T> front(std::make_move_iterator(queue.begin()), std::make_move_iterator(end));
    queue.erase(queue.begin(), end);
    return front;
}

template <typename T>
void put_front(std::deque<T>& queue, std::vector<T>& front) {
    queue.insert(queue.begin(), std::make_move_iterator(front.begin()),
                 std::make_move_iterator(front.end()));
    front.clear();
}

}  // namespace

HistoryWriter::HistoryWriter(Options options) : options_(options) {
    PICKET_ASSERT(options_.batch_rows > 0);
    // What is being written is not dropped, so there must be more to choose from.
    PICKET_ASSERT(options_.batch_rows < options_.rows_max);
    PICKET_ASSERT(options_.batch_rows < options_.facts_max);
}

void HistoryWriter::append(Instant now, HistoryRow row) {
    if (rows_waiting() == options_.rows_max) {
        rows_.pop_front();
        ++rows_dropped_;
    }
    rows_.push_back(std::move(row));
    note_arrival(now, rows_.size());
}

HistoryWriter::FactNumber HistoryWriter::append(Instant now, Fact fact) {
    if (facts_waiting() == options_.facts_max) {
        facts_lost_ = facts_appended_ - facts_.size() + 1;
        facts_.pop_front();
        ++facts_dropped_;
    }
    facts_.push_back(std::move(fact));
    ++facts_appended_;
    note_arrival(now, facts_.size());
    return facts_appended_;
}

void HistoryWriter::hurry(Instant now) {
    if (!facts_.empty()) due_ = std::max(std::min(due_, now), retry_at_);
}

void HistoryWriter::note_arrival(Instant now, std::size_t waiting) {
    if (due_ == never) due_ = now + options_.batch_age;
    if (waiting >= options_.batch_rows || flushing_) due_ = std::min(due_, now);
    due_ = std::max(due_, retry_at_);
}

void HistoryWriter::flush(Instant now) {
    flushing_ = true;
    retry_at_ = Instant::min();
    if (!rows_.empty() || !facts_.empty()) due_ = now;
}

std::optional<Batch> HistoryWriter::poll_batch(Instant now) {
    if (written_awaited_ || now < due_) return std::nullopt;
    PICKET_ASSERT(!rows_.empty() || !facts_.empty());
    writing_.facts = take_front(facts_, options_.batch_rows);
    writing_.outcomes = take_front(rows_, options_.batch_rows);
    facts_taken_ = facts_appended_ - facts_.size();
    written_awaited_ = true;

    // What stays behind is older than what comes next, and has waited long enough.
    due_ = rows_.empty() && facts_.empty() ? never : now;
    return writing_;
}

void HistoryWriter::on_written(Instant now, const Status& written) {
    PICKET_ASSERT(written_awaited_);
    written_awaited_ = false;
    if (written) {
        rows_written_ += writing_.outcomes.size();
        facts_written_ = facts_taken_;
        writing_ = {};
        return;
    }
    ++batches_failed_;
    facts_taken_ -= writing_.facts.size();
    put_front(facts_, writing_.facts);
    put_front(rows_, writing_.outcomes);
    retry_at_ = now + options_.batch_age;
    due_ = retry_at_;
}

Instant HistoryWriter::next_wakeup() const {
    return written_awaited_ ? never : due_;
}

}  // namespace picket::storage
