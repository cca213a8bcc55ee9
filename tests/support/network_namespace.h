// A test's own network namespace: no route anywhere, loopback down until it is
// asked for, and settings of its own.

#pragma once

#include <functional>

namespace picket::testing {

enum class Loopback { down, up };
// Which ICMP sockets the kernel grants within.
enum class PingSockets { datagram, raw, none };

// Runs `task` in a thread with a network namespace of its own. Needs CAP_SYS_ADMIN,
// as a test run as root or through `unshare -Urn` has; asserts that it has it.
void in_network_namespace(Loopback loopback, PingSockets ping_sockets,
                          const std::function<void()>& task);

// Lets the kernel of this namespace keep silent to pings. Within a task only.
void silence_pings();

}  // namespace picket::testing
