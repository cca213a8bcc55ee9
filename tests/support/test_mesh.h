// TestMesh: real agents a1, a2 ... on 127.0.0.1, 127.0.0.2 ..., each in a zone of its
// own, all joining through the first. They use the local profile unless it is replaced.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/test_agent.h"

namespace picket::testing {

class TestMesh {
public:
    // `gossip` is added to the section [gossip] of each.
    explicit TestMesh(std::size_t agents, const std::string& gossip = "profile = \"local\"\n");

    // Starts all, and returns once each lists all as alive.
    void start();
    void start(std::size_t index);

    std::size_t size() const { return agents_.size(); }
    TestAgent& agent(std::size_t index) { return *agents_.at(index); }

    // Waits until `on` lists `name` in this state.
    void await_member(std::size_t on, const std::string& name, const std::string& state);
    // Waits until every agent that runs lists exactly this many as alive.
    void await_alive(std::size_t count);
    // The member `name` as `on` lists it.
    Json member(std::size_t on, const std::string& name);

private:
    std::vector<std::unique_ptr<TestAgent>> agents_;
};

// Waits until `holds`, looking again shortly after each time it does not; `explain` says
// what there was instead.
void await(const std::function<bool()>& holds, const std::function<std::string()>& explain);

// The state of `name` in what `agent` lists; empty where it lists none of that name.
std::string member_state(const TestAgent& agent, const std::string& name);

}  // namespace picket::testing
