#include "agent/event_log.h"

#include <doctest/doctest.h>

#include <string>

namespace picket {
namespace {

api::Event event(std::string message) {
    api::Event result;
    result.message = std::move(message);
    return result;
}

TEST_CASE("the newest events are kept, the oldest go first") {
    EventLog log;
    for (std::size_t i = 0; i < api::events_kept_max + 3; ++i) log.add(event(std::to_string(i)));
    CHECK(log.events().size() == api::events_kept_max);
    CHECK(log.events().front().message == "3");
}

TEST_CASE("a follower hears what comes until it lets go, even from within") {
    EventLog log;
    log.add(event("before"));
    std::string heard;
    std::unique_ptr<api::Subscription> following;
    following = log.follow([&](const api::Event& heard_event) {
        heard += heard_event.message;
        if (heard_event.message == "b") following.reset();
    });
    auto other = log.follow([&](const api::Event&) { heard += "."; });
    for (const char* message : {"a", "b", "c"}) log.add(event(message));
    CHECK(heard == "a.b..");
}

}  // namespace
}  // namespace picket
