#include "agent/config.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace picket {
namespace {

using namespace std::chrono_literals;

const Surroundings service{.host_name = "web-03",
                           .system_state_writable = true,
                           .system_socket_writable = true,
                           .xdg_state_home = {},
                           .home = "/root"};
const Surroundings person{.host_name = "laptop",
                          .system_state_writable = false,
                          .system_socket_writable = false,
                          .xdg_state_home = {},
                          .home = "/home/jo"};

std::string problems(std::string_view text) {
    std::string lines;
    for (const Problem& problem : parse_config(text, "picket.toml", service).problems) {
        lines += to_text(problem) + "\n";
    }
    return lines;
}

TEST_CASE("without a file an agent is alone, and its state is where it may write") {
    const Config system = default_config(service);
    CHECK(system.name == "web-03");
    CHECK(system.state_dir == "/var/lib/picket");
    CHECK(system.socket == "/run/picket/picket.sock");
    CHECK_FALSE(system.gossip.has_value());
    CHECK(system.http_listen.empty());

    CHECK(default_config(person).state_dir == "/home/jo/.local/state/picket");
    CHECK(default_config(person).socket == "/home/jo/.local/state/picket/picket.sock");
    Surroundings xdg = person;
    xdg.xdg_state_home = "/home/jo/state";
    CHECK(default_config(xdg).state_dir == "/home/jo/state/picket");
    xdg.xdg_state_home = "relative";
    CHECK(default_config(xdg).state_dir == "/home/jo/.local/state/picket");
    Surroundings no_run = service;
    no_run.system_socket_writable = false;
    CHECK(default_config(no_run).socket == "/var/lib/picket/picket.sock");
}

TEST_CASE("every key of the configuration is read") {
    const ParsedConfig parsed = parse_config(R"(
[agent]
name = "a1"
zone = "eu-1a"
labels = { role = "web" }
state_dir = "/srv/picket"
checks = ["/srv/checks"]
[gossip]
bind = "127.0.0.1:7946"
insecure = true
advertise = "10.0.0.3:7946"
join = ["10.0.0.1", "seed.example.com:7946"]
profile = "wan"
label = "prod"
keyring = "/srv/keyring"
delegate_version = [0, 0, 0]
[http]
listen = "127.0.0.1:7947"
[history]
raw = "7d"
minutes = "1d"
five_minutes = "7d"
hours = "100d"
size_max = "64MiB"
[limits]
probes_in_flight_max = 10
probe_starts_per_second_max = 20
history_rows_waiting_max = 1000
)",
                                             "picket.toml", service);
    for (const Problem& problem : parsed.problems) MESSAGE(to_text(problem));
    REQUIRE(parsed.problems.empty());
    const Config& config = parsed.config;
    CHECK(config.name == "a1");
    CHECK(config.zone == "eu-1a");
    CHECK(config.labels.at("role") == "web");
    CHECK(config.state_dir == "/srv/picket");
    CHECK(config.socket == "/srv/picket/picket.sock");
    CHECK(config.checks == std::vector<std::string>{"/srv/checks"});
    REQUIRE(config.gossip.has_value());
    CHECK(config.gossip->bind == "127.0.0.1:7946");
    CHECK(config.gossip->insecure);
    CHECK(config.gossip->advertise == "10.0.0.3:7946");
    CHECK(config.gossip->join.size() == 2);
    CHECK(config.gossip->profile == GossipProfile::wan);
    CHECK(config.gossip->label == "prod");
    CHECK(config.gossip->keyring == "/srv/keyring");
    CHECK(config.gossip->delegate_version == std::array<std::uint8_t, 3>{0, 0, 0});
    CHECK(config.http_listen == "127.0.0.1:7947");
    CHECK(config.history.raw == 7 * 24h);
    CHECK(config.history.minutes == 24h);
    CHECK(config.history.five_minutes == 7 * 24h);
    CHECK(config.history.hours == 100 * 24h);
    CHECK(config.history.size_bytes_max == 64 * 1024 * 1024);
    CHECK(config.limits.probes_in_flight_max == 10);
    CHECK(config.limits.probe_starts_per_second_max == 20);
    CHECK(config.limits.history_rows_waiting_max == 1'000);
}

TEST_CASE("an empty file is the default") {
    const ParsedConfig parsed = parse_config("", "picket.toml", service);
    CHECK(parsed.problems.empty());
    CHECK(parsed.config.socket == "/run/picket/picket.sock");
    CHECK(parsed.config.checks.size() == 2);
    CHECK(parse_config("[gossip]\n", "picket.toml", service).config.gossip.has_value());
}

TEST_CASE("all faults of a configuration are told, each in a line") {
    CHECK(problems("[agnet]\n[agent]\nnmae = \"x\"\nzone = 3\nstate_dir = \"x\"\n[limits]\n"
                   "probes_in_flight_max = 0\n") ==
          "picket.toml:1:2: agnet: unknown section, did you mean agent\n"
          "picket.toml:3:1: agent.nmae: unknown key, did you mean name\n"
          "picket.toml:4:8: agent.zone: expected a string, found an integer\n"
          "picket.toml:5:13: agent.state_dir: 'x' is not an absolute path\n"
          "picket.toml:7:24: limits.probes_in_flight_max: 0 is not from 1 to 100000\n");
    CHECK(problems("agent = 1\n") ==
          "picket.toml:1:1: agent: expected a table [agent], found an integer\n");
    CHECK(
        problems("[http]\nlisten = \"localhost\"\n[gossip]\nprofile = \"lam\"\ndelegate_version = "
                 "[1]\n") ==
        "picket.toml:2:10: http.listen: 'localhost' has no port: write HOST:PORT\n"
        "picket.toml:4:11: gossip.profile: 'lam' is not \"lan\", \"wan\" or \"local\", did you "
        "mean lan\n"
        "picket.toml:5:20: gossip.delegate_version: expected three numbers from 0 to 255, such as "
        "[2, 5, 5]\n");
    CHECK(problems("[gossip]\ndelegate_version = [2, 5, 6]\n[agent]\nzone = \"" +
                   std::string(33, 'z') + "\"\n") ==
          "picket.toml:2:20: gossip.delegate_version: the third, which is spoken, must be from the "
          "first to the second\n"
          "picket.toml:4:8: agent.zone: is 33 bytes long; at most 32 do\n");
    CHECK(problems("[history]\nraw = \"1m\"\nsize_max = 10\n") ==
          "picket.toml:2:7: history.raw: 1m is below 1h\n"
          "picket.toml:3:12: history.size_max: is below 1MiB\n");
    CHECK(problems("[agent]\nname = \"a b\"\nchecks = \"/etc\"\n") ==
          "picket.toml:2:8: agent.name: 'a b' is not a host name or an IP address\n"
          "picket.toml:3:10: agent.checks: expected an array of strings, found a string\n");
    CHECK(problems("[agent\n").find("picket.toml:1:") == 0);
}

TEST_CASE("a socket's path fits into a socket's address") {
    CHECK(problems(fmt::format("[agent]\nsocket = \"/{}\"\n", std::string(107, 'x')))
              .find("at most 107 bytes") != std::string::npos);
    CHECK(problems(fmt::format("[agent]\nstate_dir = \"/{}\"\n", std::string(100, 'x')))
              .find("agent.socket: /xxx") != std::string::npos);
}

}  // namespace
}  // namespace picket
