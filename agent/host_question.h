// HostQuestion: whether another agent, and the host that it runs on, answers.
//
// One attempt of `host/NAME`. It passes when the agent answers a ping over TCP: its host checks are
// watched then. Otherwise it fails, and says whether the host still answers pings: an agent
// that crashed and a host that is gone are found in the same way, and are not the same
// trouble.

#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "agent/io/echo.h"
#include "agent/io/loop.h"
#include "agent/mesh_node.h"
#include "gossip/agreement/inquiry.h"
#include "gossip/membership/node.h"

namespace picket {

class HostQuestions {
public:
    using Done = std::function<void(gossip::Answer)>;

    // All must outlive it, and every ping that it began.
    HostQuestions(io::Loop& loop, io::IcmpSockets& icmp, MeshNode& node)
        : loop_(loop), icmp_(icmp), node_(node) {}

    // `done` is called from the loop, once, soon after `timeout` at the latest.
    void ask(const gossip::Member& member, Duration timeout, Done done);

private:
    struct Question {
        Instant began{};
        Duration timeout{};
        Done done;
        std::unique_ptr<io::Echo> echo;
        std::optional<io::Echo::Finding> host{};
        std::optional<gossip::Pong> agent{};
    };
    void conclude(std::list<Question>::iterator question);

    io::Loop& loop_;
    io::IcmpSockets& icmp_;
    MeshNode& node_;
    std::list<Question> open_;
};

// What the two answers make together. Pure.
gossip::Answer host_answer(const gossip::Pong& agent, io::Echo::Finding host);

}  // namespace picket
