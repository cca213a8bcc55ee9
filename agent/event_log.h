// EventLog: the newest events, and those who follow them.
//
// Kept in memory: `picket events` shows what just happened; what must survive is
// in the database. A follower hears of each event once, in order, on the loop.

#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "agent/api/backend.h"

namespace picket {

class EventLog {
public:
    using Follower = std::function<void(const api::Event&)>;

    void add(api::Event event);

    // Oldest first, at most api::events_kept_max.
    std::vector<api::Event> events() const { return {events_.begin(), events_.end()}; }

    // Until the subscription is destroyed; it must not outlive the log. A follower
    // may end its own subscription while it is called, and no other's.
    std::unique_ptr<api::Subscription> follow(Follower follower);

private:
    class Following;

    std::deque<api::Event> events_;
    std::list<Follower> followers_;
};

}  // namespace picket
