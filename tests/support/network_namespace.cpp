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

namespace picket::tests {
namespace {

void bring_loopback_up() {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    PICKET_ASSERT(ioctl(fd, SIOCSIFFLAGS, &request) == 0);
    close(fd);
}

void set_ping_group_range(std::string_view range) {
    // Shows the settings of the thread that opens it.
    const int fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC);
    PICKET_ASSERT(fd >= 0);
    PICKET_ASSERT(write(fd, range.data(), range.size()) == static_cast<ssize_t>(range.size()));
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
        set_ping_group_range(ping_sockets == PingSockets::datagram ? "0 4294967294" : "1 0");
        if (ping_sockets != PingSockets::raw) drop_raw_sockets();
        task();
    });
    thread.join();
}

}  // namespace picket::tests
