#include "agent/event_log.h"

#include <utility>

namespace picket {

class EventLog::Following : public api::Subscription {
public:
    Following(EventLog& log, std::list<Follower>::iterator at) : log_(log), at_(at) {}
    ~Following() override { log_.followers_.erase(at_); }
    Following(const Following&) = delete;
    Following& operator=(const Following&) = delete;

private:
    EventLog& log_;
    std::list<Follower>::iterator at_;
};

void EventLog::add(api::Event event) {
    events_.push_back(std::move(event));
    if (events_.size() > api::events_kept_max) events_.pop_front();
    for (auto next = followers_.begin(); next != followers_.end();) {
        // A copy: the follower may end its subscription, and with it itself.
        const Follower follower = *next++;
        follower(events_.back());
    }
}

std::unique_ptr<api::Subscription> EventLog::follow(Follower follower) {
    followers_.push_back(std::move(follower));
    return std::make_unique<Following>(*this, std::prev(followers_.end()));
}

}  // namespace picket
