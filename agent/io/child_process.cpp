#include "agent/io/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "agent/base/log.h"
#include "agent/io/clock.h"

namespace picket::io {
namespace {

// What one read takes, and so what one turn of the loop spends on one program. It stands
// on the stack, of which the compiler touches every page.
constexpr std::size_t read_bytes = std::size_t{16} * 1024;

// What is read at the end, though a process that escaped may print for ever: as
// much as a pipe of the largest size that needs no privilege can hold.
constexpr std::size_t last_reads_max = 64;

// Descendants looked for when a program is terminated; further ones are killed
// only where they share its process group.
constexpr std::size_t descendants_max = 256;

// Of a termination; a family that outgrows them is killed as far as it is known.
constexpr int counting_rounds_max = 8;

struct Pipe {
    FileDescriptor read_end;
    FileDescriptor write_end;
};

Result<Pipe> open_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        return failure(errno == EMFILE || errno == ENFILE ? Code::exhausted : Code::io,
                       "open a pipe: " + errno_text(errno));
    }
    Pipe pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
    // Otherwise the child's 0, 1 and 2 could overwrite one another.
    if (ends[0] <= 2 || ends[1] <= 2) {
        return failure(Code::io, "stdin, stdout or stderr of this agent is closed");
    }
    PICKET_ASSERT(::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    return pipe;
}

// What posix_spawn is to do in the child. Its setters fail only for lack of memory.
struct Attributes {
    Attributes() {
        sigset_t every_signal;
        sigset_t no_signal;
        ::sigfillset(&every_signal);
        ::sigemptyset(&no_signal);
        PICKET_ASSERT(::posix_spawnattr_init(&value) == 0);
        ::posix_spawnattr_setsigdefault(&value, &every_signal);
        ::posix_spawnattr_setsigmask(&value, &no_signal);
        const int flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        PICKET_ASSERT(::posix_spawnattr_setflags(&value, static_cast<short>(flags)) == 0);
    }
    ~Attributes() { ::posix_spawnattr_destroy(&value); }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;

    posix_spawnattr_t value{};
};

struct FileActions {
    FileActions(const Pipe& output, const Pipe& error_output, const std::string& directory) {
        PICKET_ASSERT(::posix_spawn_file_actions_init(&value) == 0);
        const bool added =
            ::posix_spawn_file_actions_addopen(&value, 0, "/dev/null", O_RDONLY, 0) == 0 &&
            ::posix_spawn_file_actions_adddup2(&value, output.write_end.get(), 1) == 0 &&
            ::posix_spawn_file_actions_adddup2(&value, error_output.write_end.get(), 2) == 0 &&
            // Ours all close on exec; a library's may not.
            ::posix_spawn_file_actions_addclosefrom_np(&value, 3) == 0 &&
            ::posix_spawn_file_actions_addchdir_np(&value, directory.c_str()) == 0;
        PICKET_ASSERT(added);
    }
    ~FileActions() { ::posix_spawn_file_actions_destroy(&value); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;

    posix_spawn_file_actions_t value{};
};

// Pointers into `texts`, as exec wants them. exec does not write through them.
std::vector<char*> pointers(std::span<const std::string* const> texts) {
    std::vector<char*> list;
    list.reserve(texts.size() + 1);
    for (const std::string* text : texts) list.push_back(const_cast<char*>(text->c_str()));
    list.push_back(nullptr);
    return list;
}

Status refuse_nul(std::span<const std::string* const> texts) {
    for (const std::string* text : texts) {
        if (text->find('\0') == std::string::npos) continue;
        return failure(Code::invalid, "an argument or a variable holds a NUL byte");
    }
    return {};
}

// posix_spawn says neither which step failed, nor whether it was the program that is
// not there or the interpreter that its first line names.
Error spawn_error(int error_number, const ChildProcess::Options& options) {
    std::string text = errno_text(error_number);
    const std::string& directory = options.working_directory;
    const FileDescriptor found(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!found.open()) {
        text = "working directory " + directory + ": " + errno_text(errno);
    } else if (error_number == ENOENT && ::access(options.program.c_str(), F_OK) == 0) {
        text = "its interpreter: " + text;
    }
    if (error_number == ENOENT) return Error(Code::not_found, text);
    const bool short_of_something =
        error_number == EAGAIN || error_number == ENOMEM || error_number == EMFILE;
    return Error(short_of_something ? Code::exhausted : Code::io, text);
}

Result<pid_t> spawn_process(const ChildProcess::Options& options, const Pipe& output,
                            const Pipe& error_output) {
    std::vector<const std::string*> words{&options.program};
    for (const std::string& argument : options.arguments) words.push_back(&argument);
    std::vector<const std::string*> variables;
    for (const std::string& variable : options.environment) variables.push_back(&variable);
    PICKET_TRY(refuse_nul(words));
    PICKET_TRY(refuse_nul(variables));

    const Attributes attributes;
    const FileActions actions(output, error_output, options.working_directory);
    pid_t pid = 0;
    const int result =
        ::posix_spawn(&pid, options.program.c_str(), &actions.value, &attributes.value,
                      pointers(words).data(), pointers(variables).data());
    if (result != 0) return tl::make_unexpected(spawn_error(result, options));
    return pid;
}

// The descendants of a process that lives, first its children. Only children of
// its main thread are seen, which is where programs of this kind fork.
std::vector<pid_t> descendants(pid_t ancestor) {
    std::vector<pid_t> found{ancestor};
    for (std::size_t i = 0; i < found.size() && found.size() < descendants_max; ++i) {
        std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", found[i]));
        for (pid_t child = 0; children >> child;) found.push_back(child);
    }
    found.erase(found.begin());
    return found;
}

// By number: glibc 2.36 declares pidfd_open for C only.
int open_pidfd(pid_t pid) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

Duration to_duration(const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + Duration(time.tv_usec);
}

}  // namespace

// One of the two pipes, and where what comes out of it goes.
struct ChildProcess::Output {
    Output(Loop& loop, FileDescriptor read_end, std::string& a_kept, std::uint64_t& a_dropped,
           std::size_t a_bytes_max)
        : fd(std::move(read_end)),
          kept(a_kept),
          dropped(a_dropped),
          bytes_max(a_bytes_max),
          poll(loop, fd.get(), [this](int) {
              if (read_once() == Read::end) poll.watch(0);
          }) {}

    void watch() { poll.watch(UV_READABLE); }

    enum class Read { some, nothing_now, end };

    Read read_once() {
        std::array<char, read_bytes> bytes;  // NOLINT(cppcoreguidelines-pro-type-member-init)
        const ssize_t result = ::read(fd.get(), bytes.data(), bytes.size());
        if (result < 0) return errno == EAGAIN || errno == EINTR ? Read::nothing_now : Read::end;
        const auto length = static_cast<std::size_t>(result);
        const std::size_t taken = std::min(length, bytes_max - kept.size());
        kept.append(bytes.data(), taken);
        dropped += length - taken;
        return length > 0 ? Read::some : Read::end;
    }

    FileDescriptor fd;
    std::string& kept;
    std::uint64_t& dropped;
    const std::size_t bytes_max;
    Poll poll;
};

Result<std::unique_ptr<ChildProcess>> ChildProcess::spawn(Loop& loop, const Options& options,
                                                          OnExit on_exit) {
    const std::string attempt = "run " + options.program;
    auto output = open_pipe();
    if (!output) return tl::make_unexpected(std::move(output).error().within(attempt));
    auto error_output = open_pipe();
    if (!error_output) return tl::make_unexpected(std::move(error_output).error().within(attempt));
    auto pid = spawn_process(options, *output, *error_output);
    if (!pid) return tl::make_unexpected(std::move(pid).error().within(attempt));

    FileDescriptor pidfd(open_pidfd(*pid));
    if (!pidfd.open()) {
        const std::string reason = errno_text(errno);
        // Without a pidfd nobody would see it end. It has hardly begun, so it dies at once.
        ::kill(-*pid, SIGKILL);
        ::waitpid(*pid, nullptr, 0);
        return failure(Code::exhausted, attempt + ": open a pidfd: " + reason);
    }
    std::unique_ptr<ChildProcess> child(
        new ChildProcess(loop, options.program, *pid, std::move(pidfd)));
    child->on_exit_ = std::move(on_exit);
    child->output_ =
        std::make_unique<Output>(loop, std::move(output->read_end), child->exit_.output,
                                 child->exit_.bytes_dropped, options.output_bytes_max);
    child->error_output_ =
        std::make_unique<Output>(loop, std::move(error_output->read_end), child->exit_.error_output,
                                 child->exit_.bytes_dropped, options.output_bytes_max);
    child->listen_.set(monotonic_now() + unheard_for);
    return child;
}

ChildProcess::ChildProcess(Loop& loop, std::string program, pid_t pid, FileDescriptor pidfd)
    : program_(std::move(program)),
      pid_(pid),
      pidfd_(std::move(pidfd)),
      ended_(loop, pidfd_.get(), [this](int) { on_ended(); }),
      listen_(loop, [this] {
          output_->watch();
          error_output_->watch();
      }) {
    ended_.watch(UV_READABLE);
}

ChildProcess::~ChildProcess() {
    if (reaped_) return;
    terminate();
    pollfd ended{pidfd_.get(), POLLIN, 0};
    const auto wait_ms = std::chrono::duration_cast<std::chrono::milliseconds>(dying_wait_max);
    ::poll(&ended, 1, static_cast<int>(wait_ms.count()));
    ::kill(-pid_, SIGKILL);
    if (!reap()) {
        log_warning(
            fmt::format("{} (pid {}) does not die of SIGKILL; left to itself", program_, pid_));
    }
}

void ChildProcess::terminate() {
    if (reaped_) return;
    // Whoever is stopped forks no more: the family is counted until it no longer grows.
    std::set<pid_t> others;
    for (int round = 0; round < counting_rounds_max; ++round) {
        const std::size_t known = others.size();
        ::kill(-pid_, SIGSTOP);
        for (const pid_t other : descendants(pid_)) {
            if (others.insert(other).second) signal_member(other, SIGSTOP);
        }
        if (others.size() == known) break;
    }
    ::kill(-pid_, SIGKILL);
    for (const pid_t other : others) signal_member(other, SIGKILL);
}

// Its number may be another's by now, but not another's in this session.
void ChildProcess::signal_member(pid_t other, int signal) const {
    if (::getsid(other) == pid_) ::kill(other, signal);
}

void ChildProcess::on_ended() {
    // Until it is reaped its number cannot become another process group's.
    ::kill(-pid_, SIGKILL);
    for (Output* output : {output_.get(), error_output_.get()}) {
        for (std::size_t reads = 0; reads < last_reads_max; ++reads) {
            if (output->read_once() != Output::Read::some) break;
        }
    }
    if (!reap()) return;
    ended_.watch(0);
    listen_.clear();
    output_.reset();
    error_output_.reset();
    const OnExit on_exit = std::move(on_exit_);
    on_exit(std::move(exit_));
}

bool ChildProcess::reap() {
    PICKET_ASSERT(!reaped_);
    int status = 0;
    rusage usage{};
    const pid_t result = ::wait4(pid_, &status, WNOHANG, &usage);
    if (result == 0) return false;
    PICKET_ASSERT(result == pid_);
    reaped_ = true;
    if (WIFSIGNALED(status)) exit_.signal = WTERMSIG(status);
    if (WIFEXITED(status)) exit_.code = WEXITSTATUS(status);
    exit_.user_time = to_duration(usage.ru_utime);
    exit_.system_time = to_duration(usage.ru_stime);
    return true;
}

}  // namespace picket::io
