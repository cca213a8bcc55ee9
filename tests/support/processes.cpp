#include "tests/support/processes.h"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <string>
#include <system_error>

#include "agent/io/file_descriptor.h"

namespace picket::testing {
namespace {

constexpr int dies_within_ms = 60'000;

}  // namespace

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator entries("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

bool session_ended(pid_t session) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const std::string name = entry.path().filename().string();
        pid_t pid = 0;
        const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (parsed.ec != std::errc{} || ::getsid(pid) != session) continue;
        const io::FileDescriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
        if (!process.open()) continue;
        // Readable once it is dead, also while nobody has reaped it.
        pollfd ended{process.get(), POLLIN, 0};
        if (::poll(&ended, 1, dies_within_ms) != 1) return false;
    }
    return true;
}

}  // namespace picket::testing
