#include "agent/api/record_views.h"

#include <doctest/doctest.h>

namespace picket::api {
namespace {

using namespace std::chrono_literals;

TEST_CASE("a vote is shown with the time it was cast, and without a class that is unknown here") {
    constexpr WallTime now = WallTime(1'795'402'800s);
    gossip::VoteRecord vote;
    vote.vote = gossip::Vote::fail;
    vote.failure = static_cast<gossip::FailureCode>(checks::FailureClass::tls);
    vote.message = "handshake failed";
    vote.age = 1500ms;
    const VoteView view = vote_view(vote, "a2", "z2", now);
    CHECK(view.agent == "a2");
    CHECK(view.zone == "z2");
    CHECK(view.vote == "fail");
    CHECK(view.failure_class == checks::FailureClass::tls);
    CHECK(view.message == "handshake failed");
    CHECK(view.at == now - 1500ms);
    // Any number may come: a newer version's, or a liar's.
    for (const unsigned unknown : {13U, 200U, 255U}) {
        vote.failure = static_cast<gossip::FailureCode>(unknown);
        CHECK(vote_view(vote, "a2", "z2", now).failure_class == checks::FailureClass::none);
    }
}

}  // namespace
}  // namespace picket::api
