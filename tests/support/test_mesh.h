// TestMesh: real agents a1, a2 ... on 127.0.0.1, 127.0.0.2 ..., each in a zone of its
// own unless there are fewer, all joining through the first. They use the local profile
// unless it is replaced. Each has its address in its environment, as ADDRESS.

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/test_agent.h"

namespace picket::testing {

class TestMesh {
public:
    // `gossip` is added to the section [gossip] of each. `zones`: z1 ... in turn; 0: as many
    // as there are agents.
    explicit TestMesh(std::size_t agents, const std::string& gossip = "profile = \"local\"\n",
                      std::size_t zones = 0);

    // The same definitions for all; before or after start().
    void define(const std::string& file, const std::string& text);

    // Starts all, and returns once each lists all as alive.
    void start();
    void start(std::size_t index);

    // The address of an agent, and "{ ... }" of several, as Firewall takes it.
    static std::string address(std::size_t index);
    static std::string addresses(const std::set<std::size_t>& indices);

    std::size_t size() const { return agents_.size(); }
    TestAgent& agent(std::size_t index) { return *agents_.at(index); }

    // Waits until `on` lists `name` in this state, as long as a suspicion takes that nobody
    // confirms.
    void await_member(std::size_t on, const std::string& name, const std::string& state);
    // Waits until every agent that runs lists exactly this many as alive.
    void await_alive(std::size_t count);
    // The member `name` as `on` lists it.
    Json member(std::size_t on, const std::string& name);

private:
    std::vector<std::unique_ptr<TestAgent>> agents_;
};

// Waits until `holds`, looking again shortly after each time it does not; `explain` says
// what there was instead. `within`: beyond the usual patience, for what takes long by design.
void await(const std::function<bool()>& holds, const std::function<std::string()>& explain,
           std::chrono::seconds within = patience);

// The state of `name` in what `agent` lists; empty where it lists none of that name.
std::string member_state(const TestAgent& agent, const std::string& name);

}  // namespace picket::testing
