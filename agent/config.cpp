#include "agent/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <span>

#include "agent/base/address.h"
#include "agent/base/text.h"
#include "checks/definition_parser.h"
#include "checks/value.h"
#include "checks/value_forms.h"

namespace picket {
namespace {

using checks::Member;
using checks::Value;

constexpr std::string_view a_string = "a string";
constexpr std::size_t items_max = 64;
// A socket's path has to fit into sockaddr_un.
constexpr std::size_t socket_path_bytes_max = 107;

using Check = Status (*)(std::string_view);

Status check_listen(std::string_view text) {
    const HostPort address = PICKET_TRY(parse_host_port(text));
    PICKET_TRY(parse_ip(address.host));
    return {};
}

Status check_peer(std::string_view text) {
    const HostPort address = PICKET_TRY(parse_host_port(text, gossip_port_default));
    return checks::check_host(address.host);
}

Status check_socket(std::string_view text) {
    if (text.size() > socket_path_bytes_max) {
        return failure(Code::invalid,
                       fmt::format("a socket's path is at most {} bytes", socket_path_bytes_max));
    }
    return checks::check_absolute_path(text);
}

// An agent's name stands in outage ids and in names of host checks.
Status check_agent_name(std::string_view text) {
    if (text.size() > 128) return failure(Code::invalid, "a name is at most 128 bytes");
    return checks::check_host(text);
}

// Of an agent's zone and of the mesh's label: both ride in the packets of the mesh.
template <std::size_t bytes_max>
Status check_short_line(std::string_view text) {
    if (text.size() > bytes_max) {
        return failure(Code::invalid,
                       fmt::format("is {} bytes long; at most {} do", text.size(), bytes_max));
    }
    return checks::check_line(text);
}

constexpr std::size_t zone_bytes_max = 32;
constexpr std::size_t label_bytes_max = 255;

Status read_string(const Value& value, std::string& slot, Check check) {
    if (value.kind != Value::Kind::string) {
        return tl::make_unexpected(checks::wrong_kind(a_string, value));
    }
    if (check != nullptr) PICKET_TRY(check(value.text));
    slot = value.text;
    return {};
}

Status read_strings(const Value& value, std::vector<std::string>& slot, Check check) {
    if (value.kind != Value::Kind::array) {
        return tl::make_unexpected(checks::wrong_kind("an array of strings", value));
    }
    if (value.items.size() > items_max) {
        return failure(Code::invalid, fmt::format("holds more than {} items", items_max));
    }
    slot.clear();
    for (const Value& item : value.items) {
        PICKET_TRY(read_string(item, slot.emplace_back(), check));
    }
    return {};
}

Status read_labels(const Value& value, std::map<std::string, std::string>& slot) {
    if (value.kind != Value::Kind::table) {
        return tl::make_unexpected(
            checks::wrong_kind("a table of strings such as { role = \"web\" }", value));
    }
    if (value.members.size() > items_max) {
        return failure(Code::invalid, fmt::format("holds more than {} items", items_max));
    }
    for (const Member& member : value.members) {
        PICKET_TRY(checks::check_label(member.name));
        PICKET_TRY(read_string(member.value, slot[member.name], checks::check_line));
    }
    return {};
}

Status read_bool(const Value& value, bool& slot) {
    slot = PICKET_TRY(checks::as_boolean(value));
    return {};
}

Status read_age(const Value& value, Duration& slot) {
    const Duration age = PICKET_TRY(checks::as_duration(value));
    if (age < std::chrono::hours(1)) {
        return failure(Code::invalid, fmt::format("{} is below 1h", format_duration(age)));
    }
    slot = age;
    return {};
}

Status read_size(const Value& value, std::uint64_t& slot) {
    constexpr std::uint64_t size_min = 1024ULL * 1024;
    const std::uint64_t bytes = PICKET_TRY(checks::as_size(value));
    if (bytes < size_min) return failure(Code::invalid, "is below 1MiB");
    slot = bytes;
    return {};
}

Status read_count(const Value& value, std::uint32_t& slot, std::uint32_t max) {
    const std::uint64_t count = PICKET_TRY(checks::as_count(value));
    if (count < 1 || count > max) {
        return failure(Code::invalid, fmt::format("{} is not from 1 to {}", count, max));
    }
    slot = static_cast<std::uint32_t>(count);
    return {};
}

// More than a batch, which is not dropped while it is being written.
Status read_rows_waiting(const Value& value, std::uint32_t& slot) {
    constexpr std::uint32_t rows_min = 1'000;
    PICKET_TRY(read_count(value, slot, 1'000'000));
    if (slot < rows_min) {
        return failure(Code::invalid, fmt::format("{} is below {}", slot, rows_min));
    }
    return {};
}

Status read_profile(const Value& value, GossipProfile& slot) {
    constexpr std::array<std::string_view, 3> profiles{"lan", "wan", "local"};
    std::string text;
    PICKET_TRY(read_string(value, text, nullptr));
    const auto* found = std::ranges::find(profiles, text);
    if (found == profiles.end()) {
        return failure(Code::invalid, fmt::format("'{}' is not \"lan\", \"wan\" or \"local\"{}",
                                                  text, did_you_mean(closest(text, profiles))));
    }
    slot = static_cast<GossipProfile>(found - profiles.begin());
    return {};
}

Status read_version(const Value& value, std::array<std::uint8_t, 3>& slot) {
    const auto byte = [](const Value& item) {
        return item.kind == Value::Kind::integer && item.integer >= 0 && item.integer <= 255;
    };
    if (value.kind != Value::Kind::array || value.items.size() != slot.size() ||
        !std::ranges::all_of(value.items, byte)) {
        return failure(Code::invalid, "expected three numbers from 0 to 255, such as [2, 5, 5]");
    }
    const auto& numbers = value.items;
    if (numbers[2].integer < numbers[0].integer || numbers[2].integer > numbers[1].integer) {
        return failure(Code::invalid,
                       "the third, which is spoken, must be from the first to the second");
    }
    for (std::size_t i = 0; i < slot.size(); ++i) {
        slot[i] = static_cast<std::uint8_t>(value.items[i].integer);
    }
    return {};
}

struct Setting {
    std::string_view section;
    std::string_view key;
    Status (*read)(const Value&, Config&);
};

constexpr std::array<std::string_view, 5> sections{"agent", "gossip", "http", "history", "limits"};

// clang-format off
constexpr std::array settings{
    Setting{"agent", "name", [](const Value& v, Config& c) { return read_string(v, c.name, check_agent_name); }},
    Setting{"agent", "zone", [](const Value& v, Config& c) { return read_string(v, c.zone, check_short_line<zone_bytes_max>); }},
    Setting{"agent", "labels", [](const Value& v, Config& c) { return read_labels(v, c.labels); }},
    Setting{"agent", "state_dir", [](const Value& v, Config& c) { return read_string(v, c.state_dir, checks::check_absolute_path); }},
    Setting{"agent", "socket", [](const Value& v, Config& c) { return read_string(v, c.socket, check_socket); }},
    Setting{"agent", "checks", [](const Value& v, Config& c) { return read_strings(v, c.checks, checks::check_absolute_path); }},
    Setting{"gossip", "bind", [](const Value& v, Config& c) { return read_string(v, c.gossip->bind, check_listen); }},
    Setting{"gossip", "insecure", [](const Value& v, Config& c) { return read_bool(v, c.gossip->insecure); }},
    Setting{"gossip", "advertise", [](const Value& v, Config& c) { return read_string(v, c.gossip->advertise, check_listen); }},
    Setting{"gossip", "join", [](const Value& v, Config& c) { return read_strings(v, c.gossip->join, check_peer); }},
    Setting{"gossip", "profile", [](const Value& v, Config& c) { return read_profile(v, c.gossip->profile); }},
    Setting{"gossip", "label", [](const Value& v, Config& c) { return read_string(v, c.gossip->label, check_short_line<label_bytes_max>); }},
    Setting{"gossip", "keyring", [](const Value& v, Config& c) { return read_string(v, c.gossip->keyring, checks::check_absolute_path); }},
    Setting{"gossip", "delegate_version", [](const Value& v, Config& c) { return read_version(v, c.gossip->delegate_version); }},
    Setting{"http", "listen", [](const Value& v, Config& c) { return read_string(v, c.http_listen, check_listen); }},
    Setting{"history", "raw", [](const Value& v, Config& c) { return read_age(v, c.history.raw); }},
    Setting{"history", "minutes", [](const Value& v, Config& c) { return read_age(v, c.history.minutes); }},
    Setting{"history", "five_minutes", [](const Value& v, Config& c) { return read_age(v, c.history.five_minutes); }},
    Setting{"history", "hours", [](const Value& v, Config& c) { return read_age(v, c.history.hours); }},
    Setting{"history", "size_max", [](const Value& v, Config& c) { return read_size(v, c.history.size_bytes_max); }},
    Setting{"limits", "probes_in_flight_max", [](const Value& v, Config& c) { return read_count(v, c.limits.probes_in_flight_max, 100'000); }},
    Setting{"limits", "history_rows_waiting_max", [](const Value& v, Config& c) { return read_rows_waiting(v, c.limits.history_rows_waiting_max); }},
    Setting{"limits", "probe_starts_per_second_max", [](const Value& v, Config& c) { return read_count(v, c.limits.probe_starts_per_second_max, 1'000'000); }},
};
// clang-format on

void read_section(const Member& section, Config& config, ProblemList& problems) {
    std::vector<std::string_view> names;
    for (const Setting& setting : settings) {
        if (setting.section == section.name) names.push_back(setting.key);
    }
    for (const Member& member : section.value.members) {
        const std::string key = fmt::format("{}.{}", section.name, member.name);
        const auto* setting = std::ranges::find_if(settings, [&](const Setting& candidate) {
            return candidate.section == section.name && candidate.key == member.name;
        });
        if (setting == settings.end()) {
            problems.add(member.position, key,
                         problems.full()
                             ? std::string()
                             : "unknown key" + did_you_mean(closest(member.name, names)));
            continue;
        }
        const Status status = setting->read(member.value, config);
        if (!status.has_value()) {
            problems.add(member.value.position, key, status.error().message());
        }
    }
}

// The socket is at its well-known place where the state is, else beside the state.
std::string socket_for(const std::string& state_dir, const Surroundings& surroundings) {
    const bool system = state_dir == system_state_dir && surroundings.system_socket_writable;
    return system ? std::string(system_socket) : state_dir + "/picket.sock";
}

}  // namespace

Config default_config(const Surroundings& surroundings) {
    Config config;
    config.name = surroundings.host_name;
    if (surroundings.system_state_writable) {
        config.state_dir = system_state_dir;
    } else if (surroundings.xdg_state_home.starts_with('/')) {
        config.state_dir = surroundings.xdg_state_home + "/picket";
    } else if (surroundings.home.starts_with('/')) {
        config.state_dir = surroundings.home + "/.local/state/picket";
    } else {
        config.state_dir = system_state_dir;  // It says why it cannot be written.
    }
    config.socket = socket_for(config.state_dir, surroundings);
    return config;
}

ParsedConfig parse_config(std::string_view text, std::string_view file,
                          const Surroundings& surroundings) {
    ParsedConfig parsed{default_config(surroundings), {}};
    checks::Document document = checks::read_document(text, file);
    if (!document.problems.empty()) {
        parsed.problems = std::move(document.problems);
        return parsed;
    }
    parsed.config.socket.clear();
    ProblemList problems{std::string(file)};
    for (const Member& section : document.root.members) {
        if (std::ranges::find(sections, section.name) == sections.end()) {
            problems.add(section.position, section.name,
                         problems.full()
                             ? std::string()
                             : "unknown section" + did_you_mean(closest(section.name, sections)));
        } else if (section.value.kind != Value::Kind::table) {
            problems.add(
                section.position, section.name,
                checks::wrong_kind(fmt::format("a table [{}]", section.name), section.value)
                    .message());
        } else {
            if (section.name == "gossip") parsed.config.gossip.emplace();
            read_section(section, parsed.config, problems);
        }
    }
    if (parsed.config.socket.empty()) {
        parsed.config.socket = socket_for(parsed.config.state_dir, surroundings);
    }
    if (problems.empty() && parsed.config.socket.size() > socket_path_bytes_max) {
        problems.add({}, "agent.socket",
                     fmt::format("{} is longer than the {} bytes of a socket's path: set a shorter "
                                 "one",
                                 parsed.config.socket, socket_path_bytes_max));
    }
    parsed.problems = std::move(problems).take();
    return parsed;
}

}  // namespace picket
