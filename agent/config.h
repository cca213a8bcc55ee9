// Config: picket.toml, the agent's configuration.
//
// Every key is optional. A fault is a line as for a check definition
// (agent/base/problem.h), and an agent does not start with one: all problems are
// told at once. Where no file is, the defaults suit a single agent, run by systemd
// or by anyone. Pure: what the surroundings are is an argument.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/problem.h"
#include "agent/base/time.h"

namespace picket {

// memberlist's, of UDP and TCP.
constexpr std::uint16_t gossip_port_default = 7946;

enum class GossipProfile : std::uint8_t { lan, wan, local };

struct GossipConfig {
    std::string bind = "0.0.0.0:7946";
    bool insecure = false;
    std::string advertise;          // Empty: the address that peers see.
    std::vector<std::string> join;  // HOST or HOST:PORT
    GossipProfile profile = GossipProfile::lan;
    std::string label;
    std::string keyring = "/etc/picket/keyring";
    std::array<std::uint8_t, 3> delegate_version{2, 5, 5};
};

struct HistoryConfig {
    Duration raw = std::chrono::hours(24 * 30);
    Duration minutes = std::chrono::hours(24 * 2);
    Duration five_minutes = std::chrono::hours(24 * 14);
    Duration hours = std::chrono::hours(24 * 400);
    std::uint64_t size_bytes_max = 1024ULL * 1024 * 1024;
};

struct LimitsConfig {
    std::uint32_t probes_in_flight_max = 256;
    std::uint32_t probe_starts_per_second_max = 2000;
    // Outcomes that wait in memory while the disk does not take them; beyond them the oldest
    // are dropped and counted.
    std::uint32_t history_rows_waiting_max = 65'536;
};

struct Config {
    std::string name;  // Of this agent, unique in the mesh.
    std::string zone;
    std::map<std::string, std::string> labels;
    std::string state_dir;
    std::string socket;
    std::vector<std::string> checks{"/usr/lib/picket/checks.d", "/etc/picket/checks.d"};

    std::optional<GossipConfig> gossip;  // Absent: a single agent, no port is opened.
    std::string http_listen;             // ADDRESS:PORT; empty: off.
    HistoryConfig history;
    LimitsConfig limits;
};

// What the configuration depends on beside its text.
struct Surroundings {
    std::string host_name;
    bool system_state_writable = false;   // /var/lib/picket exists or can be made, and written.
    bool system_socket_writable = false;  // The same of /run/picket.
    std::string xdg_state_home;           // $XDG_STATE_HOME; empty: not set.
    std::string home;                     // $HOME; empty: not set.
};

struct ParsedConfig {
    Config config;  // Of use where there is no problem.
    std::vector<Problem> problems;
};

constexpr std::string_view config_path_default = "/etc/picket/picket.toml";
constexpr std::string_view system_state_dir = "/var/lib/picket";
constexpr std::string_view system_socket = "/run/picket/picket.sock";

ParsedConfig parse_config(std::string_view text, std::string_view file,
                          const Surroundings& surroundings);

// What holds where there is no file.
Config default_config(const Surroundings& surroundings);

}  // namespace picket
