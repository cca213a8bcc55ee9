// What tests ask the kernel about processes and descriptors.

#pragma once

#include <sys/types.h>

#include <cstddef>

namespace picket::testing {

// Open descriptors of this process.
std::size_t open_descriptors();

// True once no process of the session `session` runs any more; waits for those that
// are dying. False when one is still alive after a minute.
bool session_ended(pid_t session);

}  // namespace picket::testing
