// Process: a real program that a test started, and its output line by line.
//
// Ends with its owner: terminated by pid, killed if that takes too long. Waiting
// is for an event (a line, an exit) with a deadline, never for time to pass.

#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace picket::testing {

// For an event that must come, also on a machine that has much else to do.
constexpr std::chrono::seconds patience{60};

struct Finished {
    int exit_code = -1;  // Negative: minus the signal that ended it.
    std::string output;  // stdout
    std::string errors;  // stderr
};

class Process {
public:
    enum class Errors { shown, with_output };

    // Starts `command` with this process's environment plus `environment`.
    // Aborts the test program if that is impossible.
    explicit Process(std::vector<std::string> command,
                     std::map<std::string, std::string> environment = {},
                     Errors errors = Errors::shown);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // The next line of output; nothing at its end, or when patience ran out.
    std::optional<std::string> read_line();

    // Reads lines until one holds `part`. False at the end of the output.
    bool read_until(const std::string& part);

    void signal(int number) const;

    // Waits for its end. Nothing where patience ran out.
    std::optional<int> wait();
    bool running();
    pid_t pid() const { return pid_; }

private:
    pid_t pid_ = -1;
    int output_ = -1;
    std::string buffer_;
    std::optional<int> exit_code_;
};

// Runs a command to its end.
Finished run(const std::vector<std::string>& command,
             const std::map<std::string, std::string>& environment = {});

// Where the programs under test are: the directory of this program.
std::string program(const std::string& name);

// A TCP and UDP port on which nothing listens at this moment. None is given out twice, so that two
// servers that are yet to start do not get the same.
int free_port();

// Waits until something accepts on 127.0.0.1:port. False when patience ran out.
bool await_port(int port);

}  // namespace picket::testing
