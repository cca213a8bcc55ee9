#include "tests/support/network_namespace.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <string_view>
#include <thread>

#include "agent/base/assert.h"

namespace picket::testing {
namespace {

void bring_loopback_up() {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    PICKET_ASSERT(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
    close(fd);
}

// /proc/sys/net shows the settings of the thread that opens it.
void write_setting(const char* path, std::string_view value) {
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    PICKET_ASSERT(fd >= 0);
    PICKET_ASSERT(write(fd, value.data(), value.size()) == static_cast<ssize_t>(value.size()));
    close(fd);
}

// Of this thread only: the system call knows nothing of processes.
void drop_raw_sockets() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2] = {};
    PICKET_ASSERT(syscall(SYS_capget, &header, sets) == 0);
    sets[0].effective &= ~(1u << CAP_NET_RAW);
    PICKET_ASSERT(syscall(SYS_capset, &header, sets) == 0);
}

}  // namespace

void in_network_namespace(Loopback loopback, PingSockets ping_sockets,
                          const std::function<void()>& task) {
    std::thread thread([&] {
        PICKET_ASSERT(unshare(CLONE_NEWNET) == 0);
        if (loopback == Loopback::up) bring_loopback_up();
        write_setting("/proc/sys/net/ipv4/ping_group_range",
                      ping_sockets == PingSockets::datagram ? "0 4294967294" : "1 0");
        if (ping_sockets != PingSockets::raw) drop_raw_sockets();
        task();
    });
    thread.join();
}

void silence_pings() {
    write_setting("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1");
}

}  // namespace picket::testing
