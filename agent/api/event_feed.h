// EventFeed: what one subscriber to the events has still to read.
//
// Holds server-sent events, at most `events_max` of them; when there is no room
// the oldest is dropped and counted, and the reader is told how many it missed
// before it reads on. Pure.

#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "agent/api/snapshot.h"

namespace picket::api {

class EventFeed {
public:
    explicit EventFeed(std::size_t events_max);

    // Returns false where an older event was dropped for it.
    bool push(const Event& event);

    // A comment, unless something is waiting anyway.
    void keep_alive();

    bool empty() const { return current_.size() == read_ && queue_.empty() && dropped_ == 0; }

    // Copies at most `bytes_max` bytes of the stream to `out`.
    std::size_t read(char* out, std::size_t bytes_max);

private:
    void next();

    std::size_t events_max_;
    std::deque<std::string> queue_;
    std::uint64_t dropped_ = 0;  // Since the reader was told last.
    std::string current_;
    std::size_t read_ = 0;
};

}  // namespace picket::api
