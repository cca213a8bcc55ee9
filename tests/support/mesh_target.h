// MeshTarget: a web server that a whole mesh watches, each agent from its own address.
//
// It stands on 127.0.9.1, so that a Firewall can cut an agent off from it and not from
// the others. An agent asks from $ADDRESS, which TestMesh sets.

#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "tests/support/servers.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {

class MeshTarget {
public:
    static constexpr const char* address = "127.0.9.1";

    MeshTarget();

    void start() { server_.start(); }
    void stop() { server_.stop(); }
    // A definition of an http check that asks it, with further lines of its own.
    std::string definition(const std::string& name, const std::string& more = "") const;

private:
    Nginx server_;
};

// Waits until every one of `agents` shows the check in this state.
void await_state(TestMesh& mesh, const std::set<std::size_t>& agents, const std::string& check,
                 const std::string& state, std::chrono::seconds within = patience);

// Waits until every agent counts `size` agents when it asks for a majority.
void await_reference(TestMesh& mesh, std::size_t size);

// Waits until each of `agents` knows that `size` agents witness the check.
void await_panel(TestMesh& mesh, const std::set<std::size_t>& agents, const std::string& check,
                 std::size_t size);

// Starts every agent with the check "homepage" of `target`, and waits until all of them show it
// up and know that `witnesses` of them witness it.
void start_watching(TestMesh& mesh, const MeshTarget& target, std::size_t witnesses);

// Indices 0 to `size` - 1.
std::set<std::size_t> everybody(const TestMesh& mesh);

}  // namespace picket::testing
