// Interfaces: which addresses this host has.

#pragma once

#include <vector>

#include "agent/base/address.h"

namespace picket::io {

// Of the interfaces that are up, loopback left out, in the kernel's order. Link-local
// addresses are left out too: they mean nothing without naming the interface.
std::vector<IpAddress> interface_addresses();

}  // namespace picket::io
