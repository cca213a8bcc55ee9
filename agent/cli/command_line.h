// The command line of `picket`: words in, an Invocation out.
//
// The only file that includes CLI11, which takes seconds to compile.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/base/time.h"

namespace picket::cli {

enum class Command : std::uint8_t {
    status,
    show,
    why,
    history,
    availability,
    export_history,
    replay,
    outages,
    outage,
    members,
    probe,
    ping,
    validate,
    reload,
    events,
    leave,
    forget,
    key,
};

struct Invocation {
    Command command = Command::status;
    std::string socket;
    bool json = false;
    bool colourless = false;

    std::string subject;  // The check, the outage, the agent, what `probe` asks or `key` does.
    std::string key;      // In base64, its id, or `-` for standard input.
    std::string zone;     // forget
    bool force = false;   // key
    std::string check;    // Of the file that `probe` was given.
    std::vector<std::string> paths;  // validate; names of availability, export and replay
    std::string config;              // validate, replay
    std::string since;               // As written; the agent reads it.
    std::string until;
    std::string database;  // To read instead of asking the agent; empty: only if none answers.
    std::optional<std::uint32_t> epoch;  // why: absent, what is held now.
    std::optional<std::uint32_t> sub;    // why: of that epoch.
    bool markdown = false;               // outage
    std::string signal;                  // ping: start, success or fail; empty: by the exit code.
    std::string exit_code_told;
    std::string message;
    bool csv = false;
    bool plot = false;          // history
    bool raw = false;           // history
    std::optional<double> slo;  // availability, in percent
    std::string output;         // export; empty: standard output
    std::string format;         // export; empty: by the name of the output
    bool open = false;
    bool trace = false;
    bool follow = false;
    bool exit_code = false;
    std::optional<Duration> watch;  // How often to look again.
};

// Nothing to run: what to print instead, and how to exit.
struct Ending {
    int exit_code = 0;
    std::string output;
    std::string errors;
};

// `socket_default` is used where --socket is not given.
std::variant<Invocation, Ending> parse_command_line(int argc, const char* const* argv,
                                                    const std::string& socket_default);

}  // namespace picket::cli
