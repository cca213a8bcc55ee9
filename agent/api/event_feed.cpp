#include "agent/api/event_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/api/documents.h"
#include "agent/base/assert.h"

namespace picket::api {

// The opening comment makes the answer's header leave at once, so that a client
// knows from when on it misses nothing.
EventFeed::EventFeed(std::size_t events_max)
    : events_max_(events_max), current_(": events of picket\n\n") {
    PICKET_ASSERT(events_max > 0);
}

bool EventFeed::push(const Event& event) {
    const bool full = queue_.size() == events_max_;
    if (full) {
        queue_.pop_front();
        ++dropped_;
    }
    // A document ends with a line feed, the event with an empty line.
    queue_.push_back(
        fmt::format("event: {}\ndata: {}\n", to_text(event.type), event_document(event)));
    return !full;
}

void EventFeed::keep_alive() {
    if (empty()) queue_.emplace_back(": still here\n\n");
}

void EventFeed::next() {
    read_ = 0;
    current_.clear();
    if (dropped_ > 0) {
        current_ = fmt::format(": {} events lost, this reader is too slow\n\n",
                               std::exchange(dropped_, 0));
    } else if (!queue_.empty()) {
        current_ = std::move(queue_.front());
        queue_.pop_front();
    }
}

std::size_t EventFeed::read(char* out, std::size_t bytes_max) {
    std::size_t written = 0;
    while (written < bytes_max && !empty()) {
        if (read_ == current_.size()) next();
        const std::size_t copied = current_.copy(out + written, bytes_max - written, read_);
        read_ += copied;
        written += copied;
    }
    return written;
}

}  // namespace picket::api
