#include "tests/support/mesh_target.h"

#include <fmt/format.h>

#include <algorithm>

namespace picket::testing {

MeshTarget::MeshTarget()
    : server_(fmt::format("server {{ listen 127.0.0.1:PORT; listen {}:PORT; "
                          "location / {{ return 200 'Welcome'; }} }}",
                          address)) {}

std::string MeshTarget::definition(const std::string& name, const std::string& more) const {
    return fmt::format(
        "[http.{}]\nurl = \"http://{}:{}/\"\nsource = \"${{env:ADDRESS}}\"\ninterval = \"2s\"\n"
        "timeout = \"1900ms\"\n{}",
        name, address, server_.port(), more);
}

void await_state(TestMesh& mesh, const std::set<std::size_t>& agents, const std::string& check,
                 const std::string& state, std::chrono::seconds within) {
    for (const std::size_t agent : agents) {
        // A host is a check only once there is something to say of it.
        const auto is_so = [&] {
            const Json status = mesh.agent(agent).json({"status"});
            return std::ranges::any_of(status["checks"], [&](const Json& shown) {
                return shown["name"] == check && shown["state"] == state;
            });
        };
        await(
            is_so, [&] { return mesh.agent(agent).json({"status"}).dump(2); }, within);
    }
}

void await_reference(TestMesh& mesh, std::size_t size) {
    for (const std::size_t agent : everybody(mesh)) {
        const auto counted = [&] {
            return mesh.agent(agent).json({"status"})["mesh"]["reference"];
        };
        await([&] { return counted() == size; }, [&] { return counted().dump(); });
    }
}

void await_panel(TestMesh& mesh, const std::set<std::size_t>& agents, const std::string& check,
                 std::size_t size) {
    for (const std::size_t agent : agents) {
        await([&] { return mesh.agent(agent).check(check)["panel"].size() == size; },
              [&] { return mesh.agent(agent).check(check).dump(2); });
    }
}

void start_watching(TestMesh& mesh, const MeshTarget& target, std::size_t witnesses) {
    mesh.define("web.toml", target.definition("homepage"));
    mesh.start();
    await_panel(mesh, everybody(mesh), "homepage", witnesses);
    await_state(mesh, everybody(mesh), "homepage", "up");
}

std::set<std::size_t> everybody(const TestMesh& mesh) {
    std::set<std::size_t> agents;
    for (std::size_t i = 0; i < mesh.size(); ++i) agents.insert(i);
    return agents;
}

}  // namespace picket::testing
