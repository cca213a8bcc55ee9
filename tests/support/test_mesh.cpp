#include "tests/support/test_mesh.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>

#include <chrono>

namespace picket::testing {
TestMesh::TestMesh(std::size_t agents, const std::string& gossip, std::size_t zones) {
    for (std::size_t i = 0; i < agents; ++i) {
        const std::size_t zone = zones == 0 ? i : i % zones;
        agents_.push_back(
            std::make_unique<TestAgent>(fmt::format("a{}", i + 1), fmt::format("z{}", zone + 1)));
        agents_.back()->configure(fmt::format("[gossip]\nbind = \"{}:7946\"\njoin = [\"{}\"]\n{}",
                                              address(i), address(0), gossip));
    }
}

std::string TestMesh::address(std::size_t index) {
    return fmt::format("127.0.0.{}", index + 1);
}

std::string TestMesh::addresses(const std::set<std::size_t>& indices) {
    std::string set;
    for (const std::size_t index : indices) set += (set.empty() ? "" : ", ") + address(index);
    return "{ " + set + " }";
}

void TestMesh::define(const std::string& file, const std::string& text) {
    for (auto& agent : agents_) agent->define(file, text);
}

void TestMesh::start() {
    for (std::size_t i = 0; i < size(); ++i) start(i);
    await_alive(size());
}

void TestMesh::start(std::size_t index) {
    agent(index).start({{"ADDRESS", address(index)}});
}

// Of the profile "local": the word of the one other that could confirm it may go to those who
// are not there.
constexpr std::chrono::seconds suspicion_max{18};

void TestMesh::await_member(std::size_t on, const std::string& name, const std::string& state) {
    await([&] { return member_state(agent(on), name) == state; },
          [&] { return agent(on).json({"members"}).dump(2); }, suspicion_max + patience);
}

void TestMesh::await_alive(std::size_t count) {
    for (auto& agent : agents_) {
        if (!agent->running()) continue;
        await([&] { return agent->json({"status"})["mesh"]["alive"] == count; },
              [&] { return agent->json({"members"}).dump(2); });
    }
}

void await(const std::function<bool()>& holds, const std::function<std::string()>& explain,
           std::chrono::seconds within) {
    const auto deadline = std::chrono::steady_clock::now() + within;
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
