// TestAgent: a real picketd with its own directory, and the questions put to it.
//
// The directory holds picket.toml, checks.d, the state and the socket. Events are
// followed from the start, so that a test awaits what the agent says rather than
// time: await() reads them in order and never misses one.

#pragma once

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace picket::testing {

using Json = nlohmann::json;

class TestAgent {
public:
    explicit TestAgent(const std::string& name = "a1", const std::string& zone = "z1");
    ~TestAgent();

    // Writes checks.d/FILE; a running agent notices by itself.
    void define(const std::string& file, const std::string& text);
    void undefine(const std::string& file);

    // Appended to picket.toml; before start().
    void configure(const std::string& text) { configuration_ += text; }
    void replace_in_configuration(const std::string& old_text, const std::string& new_text);

    // Starts picketd and returns once it says that it is ready.
    void start(std::map<std::string, std::string> environment = {});

    // Starts picketd where it must refuse, and returns what it says. Fails the test
    // where it does not end by itself.
    std::string refusal();

    // SIGTERM and its exit code; SIGKILL.
    int stop();
    void kill();

    // Runs `picket ARGUMENTS` against this agent.
    Finished picket(std::vector<std::string> arguments) const;
    // The document of `picket ARGUMENTS --json`; fails the test where it is none.
    Json json(std::vector<std::string> arguments) const;
    Json check(const std::string& name) const;  // Its element of status.
    // A check with what was recorded of it. Of its sparkline that is the marks: with the time
    // they move, and blanks follow them.
    Json recorded(const std::string& name) const;

    // The next event for which every pair of `expected` is equal; fails the test
    // where none comes.
    Json await(const Json& expected);
    void await_state(const std::string& check, const std::string& state);

    // Waits until this agent has a latest outcome of the check with this finding and, where one
    // is named, of this failure class: on a slow machine a timeout may come before it.
    Json await_finding(const std::string& check, const std::string& finding,
                       const std::string& failure_class = "") const;

    const TemporaryDirectory& directory() const { return directory_; }
    std::string state_path(const std::string& name = "") const;
    std::string socket_path() const { return directory_.path("picket.sock"); }
    std::string config_path() const { return directory_.path("picket.toml"); }
    bool running() const { return process_ != nullptr && process_->running(); }
    Process& process() { return *process_; }

private:
    TemporaryDirectory directory_;
    std::string configuration_;
    std::unique_ptr<Process> process_;
    std::unique_ptr<Process> events_;
};

}  // namespace picket::testing
