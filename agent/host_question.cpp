#include "agent/host_question.h"

#include <utility>

#include "agent/io/clock.h"
#include "checks/outcome.h"

namespace picket {

gossip::Answer host_answer(const gossip::Pong& agent, io::Echo::Finding host) {
    gossip::Answer answer;
    answer.latency = agent.round_trip;
    if (agent.answered) {
        answer.finding = gossip::Answer::Finding::passed;
        return answer;
    }
    answer.finding = gossip::Answer::Finding::failed;
    answer.failure = static_cast<gossip::FailureCode>(checks::FailureClass::timeout);
    switch (host) {
        case io::Echo::Finding::answered:
            answer.message = "its agent does not answer, but the host answers pings";
            break;
        case io::Echo::Finding::silent:
            answer.message = "neither its agent answers, nor the host to pings";
            break;
        case io::Echo::Finding::impossible:
            answer.message = "its agent does not answer";
            break;
    }
    return answer;
}

void HostQuestions::ask(const gossip::Member& member, Duration timeout, Done done) {
    open_.push_back({.began = io::monotonic_now(),
                     .timeout = timeout,
                     .done = std::move(done),
                     .echo = nullptr});
    const auto question = std::prev(open_.end());
    question->echo = std::make_unique<io::Echo>(loop_, icmp_, member.address.ip, timeout,
                                                [this, question](io::Echo::Finding found) {
                                                    question->host = found;
                                                    conclude(question);
                                                });
    node_.ping(member, timeout, gossip::Mesh::Over::stream,
               [this, question](const gossip::Pong& pong) {
                   question->agent = pong;
                   conclude(question);
               });
}

// An agent that answers says enough; one that does not leaves the host's answer to be awaited.
void HostQuestions::conclude(std::list<Question>::iterator question) {
    if (!question->agent || !(question->agent->answered || question->host)) return;
    gossip::Answer answer =
        host_answer(*question->agent, question->host.value_or(io::Echo::Finding::impossible));
    answer.latency = io::monotonic_now() - question->began;
    answer.out_of_time = !question->agent->answered && answer.latency >= question->timeout;
    const Done done = std::move(question->done);
    open_.erase(question);
    done(std::move(answer));
}

}  // namespace picket
