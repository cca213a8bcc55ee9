#include "tests/support/test_mesh.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>

#include <chrono>

namespace picket::testing {
TestMesh::TestMesh(std::size_t agents, const std::string& gossip) {
    for (std::size_t i = 1; i <= agents; ++i) {
        agents_.push_back(
            std::make_unique<TestAgent>(fmt::format("a{}", i), fmt::format("z{}", i)));
        agents_.back()->configure(fmt::format(
            "[gossip]\nbind = \"127.0.0.{}:7946\"\njoin = [\"127.0.0.1\"]\n{}", i, gossip));
    }
}

void TestMesh::start() {
    for (auto& agent : agents_) agent->start();
    await_alive(size());
}

void TestMesh::start(std::size_t index) {
    agent(index).start();
}

void TestMesh::await_member(std::size_t on, const std::string& name, const std::string& state) {
    await([&] { return member_state(agent(on), name) == state; },
          [&] { return agent(on).json({"members"}).dump(2); });
}

void TestMesh::await_alive(std::size_t count) {
    for (auto& agent : agents_) {
        if (!agent->running()) continue;
        await([&] { return agent->json({"status"})["mesh"]["alive"] == count; },
              [&] { return agent->json({"members"}).dump(2); });
    }
}

void await(const std::function<bool()>& holds, const std::function<std::string()>& explain) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, explain());
        poll(nullptr, 0, 20);
    }
}

Json TestMesh::member(std::size_t on, const std::string& name) {
    const Json document = agent(on).json({"members"});
    for (const Json& member : document["members"]) {
        if (member["name"] == name) return member;
    }
    FAIL("no member ", name, " in ", document.dump());
    return {};
}

std::string member_state(const TestAgent& agent, const std::string& name) {
    const Json document = agent.json({"members"});
    for (const Json& member : document["members"]) {
        if (member["name"] == name) return member["state"];
    }
    return {};
}

}  // namespace picket::testing
