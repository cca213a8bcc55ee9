#include "tests/support/test_agent.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

namespace picket::testing {
namespace {

// The receiving end of sd_notify.
class ReadySocket {
public:
    explicit ReadySocket(const std::string& path)
        : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        REQUIRE(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    }
    ~ReadySocket() { close(fd_); }
    ReadySocket(const ReadySocket&) = delete;
    ReadySocket& operator=(const ReadySocket&) = delete;

    // False where the agent ended instead.
    bool await(Process& agent) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (std::chrono::steady_clock::now() < deadline && agent.running()) {
            pollfd waiting{fd_, POLLIN, 0};
            if (poll(&waiting, 1, 100) <= 0) continue;
            std::array<char, 4096> bytes{};
            const ssize_t count = recv(fd_, bytes.data(), bytes.size(), 0);
            const std::string text(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
            if (text.find("READY=1") != std::string::npos) return true;
        }
        return false;
    }

private:
    int fd_;
};

bool matches(const Json& event, const Json& expected) {
    for (const auto& [key, value] : expected.items()) {
        if (!event.contains(key) || event[key] != value) return false;
    }
    return true;
}

// Whether the agent did not come to answer in the time that the CLI gives it.
bool came_late(const Finished& finished) {
    return finished.errors.find("did not answer within") != std::string::npos ||
           finished.errors.find("too busy to answer") != std::string::npos;
}

}  // namespace

TestAgent::TestAgent(const std::string& name, const std::string& zone) {
    std::filesystem::create_directory(directory_.path("checks.d"));
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    configuration_ = "[agent]\nname = \"" + name + "\"\nzone = \"" + zone + "\"\nstate_dir = \"" +
                     state_path() + "\"\nsocket = \"" + socket_path() + "\"\nchecks = [\"" +
                     directory_.path("checks.d") + "\"]\n";
}

TestAgent::~TestAgent() = default;

std::string TestAgent::state_path(const std::string& name) const {
    return directory_.path(name.empty() ? "state" : "state/" + name);
}

void TestAgent::define(const std::string& file, const std::string& text) {
    // As an editor or a package does it: written beside, then put in place.
    const std::string temporary = directory_.write(".new-" + file, text);
    std::filesystem::rename(temporary, directory_.path("checks.d/" + file));
}

void TestAgent::undefine(const std::string& file) {
    std::filesystem::remove(directory_.path("checks.d/" + file));
}

void TestAgent::start(std::map<std::string, std::string> environment) {
    directory_.write("picket.toml", configuration_);
    std::filesystem::remove(directory_.path("ready"));
    ReadySocket ready(directory_.path("ready"));
    environment["NOTIFY_SOCKET"] = directory_.path("ready");
    process_ = std::make_unique<Process>(
        std::vector<std::string>{program("picketd"), "--config", config_path()}, environment);
    REQUIRE(ready.await(*process_));
    events_ = std::make_unique<Process>(std::vector<std::string>{
        program("picket"), "--socket", socket_path(), "events", "--follow", "--json"});
}

std::string TestAgent::refusal() {
    directory_.write("picket.toml", configuration_);
    const Finished finished =
        run({program("picketd"), "--config", config_path()}, {{"NOTIFY_SOCKET", ""}});
    CHECK(finished.exit_code == 1);
    return finished.errors;
}

void TestAgent::replace_in_configuration(const std::string& old_text, const std::string& new_text) {
    const std::size_t place = configuration_.find(old_text);
    REQUIRE(place != std::string::npos);
    configuration_.replace(place, old_text.size(), new_text);
}

int TestAgent::stop() {
    process_->signal(SIGTERM);
    const auto code = process_->wait();
    REQUIRE(code.has_value());
    return *code;
}

void TestAgent::kill() {
    process_->signal(SIGKILL);
    REQUIRE(process_->wait().has_value());
}

Finished TestAgent::picket(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {program("picket"), "--socket", socket_path()});
    return run(arguments);
}

Json TestAgent::json(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    const auto deadline = std::chrono::steady_clock::now() + patience;
    Finished finished = picket(arguments);
    while (came_late(finished) && std::chrono::steady_clock::now() < deadline) {
        finished = picket(arguments);
    }
    Json document = Json::parse(finished.output, nullptr, false);
    REQUIRE_MESSAGE(!document.is_discarded(), finished.output, finished.errors);
    return document;
}

Json TestAgent::check(const std::string& name) const {
    const Json status = json({"status"});
    for (const Json& check : status["checks"]) {
        if (check["name"] == name) return check;
    }
    FAIL("no check ", name, " in ", status.dump());
    return {};
}

Json TestAgent::recorded(const std::string& name) const {
    Json shown = check(name);
    auto marks = shown["sparkline"].get<std::string>();
    std::erase(marks, '-');
    shown["sparkline"] = marks;
    return shown;
}

Json TestAgent::await(const Json& expected) {
    REQUIRE(events_ != nullptr);
    std::string seen;
    while (const auto line = events_->read_line()) {
        const Json event = Json::parse(*line, nullptr, false);
        REQUIRE_MESSAGE(!event.is_discarded(), *line);
        if (matches(event, expected)) return event;
        seen += *line + "\n";
    }
    FAIL("waited in vain for ", expected.dump(), " after:\n", seen, json({"status"}).dump(2));
    return {};
}

void TestAgent::await_state(const std::string& check, const std::string& state) {
    await({{"type", "verdict"}, {"check", check}, {"to", state}});
}

Json TestAgent::await_finding(const std::string& name, const std::string& finding,
                              const std::string& failure_class) const {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    Json last;
    while (std::chrono::steady_clock::now() < deadline) {
        last = check(name)["last"];
        const bool found = !last.is_null() && last["finding"] == finding;
        if (found && (failure_class.empty() || last["class"] == failure_class)) return last;
        // An outcome that changes nothing is no event: look again, shortly.
        poll(nullptr, 0, 20);
    }
    FAIL(name, " was never ", finding, " ", failure_class, ": ", last.dump());
    return last;
}

}  // namespace picket::testing
