#include "tests/support/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

extern char** environ;

namespace picket::testing {
namespace {

using Clock = std::chrono::steady_clock;

// Milliseconds until `deadline`, for poll(2).
int left_ms(Clock::time_point deadline) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    return left.count() > 0 ? static_cast<int>(left.count()) : 0;
}

[[noreturn]] void die(const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(errno));
    std::abort();
}

std::vector<std::string> merged(const std::map<std::string, std::string>& more) {
    std::vector<std::string> entries;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (more.count(text.substr(0, text.find('='))) == 0) entries.push_back(text);
    }
    for (const auto& [name, value] : more) entries.push_back(name + "=" + value);
    return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    for (std::string& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
}

pid_t spawn(std::vector<std::string> command, const std::map<std::string, std::string>& environment,
            int output, int errors) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    if (errors >= 0) posix_spawn_file_actions_adddup2(&actions, errors, 2);
    std::vector<std::string> entries = merged(environment);
    pid_t pid = -1;
    const int failed = posix_spawnp(&pid, command[0].c_str(), &actions, nullptr,
                                    pointers(command).data(), pointers(entries).data());
    posix_spawn_file_actions_destroy(&actions);
    errno = failed;
    if (failed != 0) die("run " + command[0]);
    return pid;
}

int exit_code(int status) {
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Process::Process(std::vector<std::string> command, std::map<std::string, std::string> environment,
                 Errors errors) {
    std::array<int, 2> pipe_ends{};
    if (pipe2(pipe_ends.data(), O_CLOEXEC) != 0) die("pipe");
    pid_ = spawn(std::move(command), environment, pipe_ends[1],
                 errors == Errors::with_output ? pipe_ends[1] : -1);
    close(pipe_ends[1]);
    output_ = pipe_ends[0];
}

Process::~Process() {
    if (running()) {
        signal(SIGTERM);
        if (!wait()) {
            signal(SIGKILL);
            wait();
        }
    }
    close(output_);
}

std::optional<std::string> Process::read_line() {
    const auto deadline = Clock::now() + patience;
    while (true) {
        if (const auto end = buffer_.find('\n'); end != std::string::npos) {
            std::string line = buffer_.substr(0, end);
            buffer_.erase(0, end + 1);
            return line;
        }
        pollfd waiting{output_, POLLIN, 0};
        if (poll(&waiting, 1, left_ms(deadline)) <= 0) return std::nullopt;
        std::array<char, 4096> bytes{};
        const ssize_t count = read(output_, bytes.data(), bytes.size());
        if (count <= 0) return std::nullopt;
        buffer_.append(bytes.data(), static_cast<std::size_t>(count));
    }
}

bool Process::read_until(const std::string& part) {
    while (const auto line = read_line()) {
        if (line->find(part) != std::string::npos) return true;
    }
    return false;
}

void Process::signal(int number) const {
    kill(pid_, number);
}

std::optional<int> Process::wait() {
    if (exit_code_) return exit_code_;
    const auto pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
    if (pidfd < 0) die("pidfd_open");
    pollfd waiting{pidfd, POLLIN, 0};
    const int ended = poll(&waiting, 1, left_ms(Clock::now() + patience));
    close(pidfd);
    if (ended > 0) running();
    return exit_code_;
}

bool Process::running() {
    if (exit_code_) return false;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
    exit_code_ = exit_code(status);
    return false;
}

Finished run(const std::vector<std::string>& command,
             const std::map<std::string, std::string>& environment) {
    std::array<int, 2> output{};
    std::array<int, 2> errors{};
    if (pipe2(output.data(), O_CLOEXEC) != 0 || pipe2(errors.data(), O_CLOEXEC) != 0) die("pipe");
    const pid_t pid = spawn(command, environment, output[1], errors[1]);
    close(output[1]);
    close(errors[1]);

    Finished finished;
    std::array<pollfd, 2> waiting{{{output[0], POLLIN, 0}, {errors[0], POLLIN, 0}}};
    const auto deadline = Clock::now() + 3 * patience;
    while (waiting[0].fd >= 0 || waiting[1].fd >= 0) {
        if (poll(waiting.data(), 2, left_ms(deadline)) <= 0) {
            kill(pid, SIGKILL);
            break;
        }
        for (pollfd& end : waiting) {
            if (end.fd < 0 || end.revents == 0) continue;
            std::array<char, 16384> bytes{};
            const ssize_t count = read(end.fd, bytes.data(), bytes.size());
            std::string& into = &end == &waiting[0] ? finished.output : finished.errors;
            if (count > 0) into.append(bytes.data(), static_cast<std::size_t>(count));
            if (count <= 0) end.fd = -1;
        }
    }
    close(output[0]);
    close(errors[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    finished.exit_code = exit_code(status);
    return finished;
}

std::string program(const std::string& name) {
    std::array<char, PATH_MAX> self{};
    const ssize_t length = readlink("/proc/self/exe", self.data(), self.size() - 1);
    if (length < 0) die("readlink /proc/self/exe");
    const std::string path(self.data(), static_cast<std::size_t>(length));
    return path.substr(0, path.rfind('/') + 1) + name;
}

int free_port() {
    static std::set<int> given;
    const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    if (bind(tcp, reinterpret_cast<sockaddr*>(&address), length) != 0) die("bind");
    getsockname(tcp, reinterpret_cast<sockaddr*>(&address), &length);
    close(tcp);
    const int port = ntohs(address.sin_port);
    return given.insert(port).second ? port : free_port();
}

bool await_port(int port) {
    const auto deadline = Clock::now() + patience;
    while (Clock::now() < deadline) {
        const int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int result = connect(tcp, reinterpret_cast<sockaddr*>(&address), sizeof address);
        close(tcp);
        if (result == 0) return true;
        // A port that opens sends no event: look again, shortly.
        poll(nullptr, 0, 5);
    }
    return false;
}

}  // namespace picket::testing
