// picket: the command line's main. Finds out what it writes to, and runs one command.
//
// It links neither libuv, libcurl nor c-ares: it must start in a millisecond or two.

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <thread>
#include <variant>
#include <vector>

#include "agent/base/errno_text.h"
#include "agent/cli/command_line.h"
#include "agent/cli/commands.h"
#include "agent/cli/output_style.h"
#include "agent/io/clock.h"
#include "agent/io/entropy.h"

namespace {

using picket::cli::Invocation;
using picket::cli::Terminal;

std::string environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread.
    return value == nullptr ? std::string() : std::string(value);
}

bool write_all(std::FILE* file, std::string_view text) {
    const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    // Once a write has failed, all later ones count as failed.
    return std::fflush(file) == 0 && whole && std::ferror(file) == 0;
}

Terminal terminal_of(const Invocation& invocation) {
    using picket::cli::ColourWish;
    return Terminal{
        .style = picket::cli::output_style(invocation.colourless ? ColourWish::none
                                                                 : ColourWish::fitting),
        .interactive = picket::cli::output_is_terminal(),
        .database_default = "/var/lib/picket/picket.db",
        .now = picket::io::wall_now,
        .print = [](std::string_view text) { return write_all(stdout, text); },
        .complain = [](std::string_view text) { write_all(stderr, text); },
        .sleep = [](picket::Duration duration) { std::this_thread::sleep_for(duration); },
        .read_line =
            [] {
                std::string line;
                std::getline(std::cin, line);
                return line;
            },
        .random_bytes = picket::io::random_bytes,
    };
}

// Becomes picketd: the one beside this program, else the one in PATH.
int run_picketd(std::vector<std::string> words) {
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const std::string beside = error ? std::string() : (self.parent_path() / "picketd").string();
    words.insert(words.begin(), "picketd");
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (!beside.empty()) execv(beside.c_str(), arguments.data());
    execvp("picketd", arguments.data());
    write_all(stderr, fmt::format("picket: cannot run picketd, neither {} nor in PATH: {}\n",
                                  beside, picket::errno_text(errno)));
    return static_cast<int>(picket::cli::ExitCode::failed);
}

}  // namespace

int main(int argc, char** argv) {
    // A reader that has gone (`picket events -f | head`) shows as a failed write.
    std::signal(SIGPIPE, SIG_IGN);
    std::string socket = environment("PICKET_SOCKET");
    if (socket.empty()) socket = "/run/picket/picket.sock";
    const auto parsed = picket::cli::parse_command_line(argc, argv, socket);
    if (const auto* ending = std::get_if<picket::cli::Ending>(&parsed)) {
        write_all(stdout, ending->output);
        write_all(stderr, ending->errors);
        return ending->exit_code;
    }
    const auto& invocation = *std::get_if<Invocation>(&parsed);
    if (auto words = picket::cli::picketd_arguments(invocation); !words.empty()) {
        return run_picketd(std::move(words));
    }
    return picket::cli::run_command(invocation, terminal_of(invocation));
}
