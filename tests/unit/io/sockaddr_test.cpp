#include "agent/io/sockaddr.h"

#include <doctest/doctest.h>

namespace picket::io {
namespace {

TEST_CASE("an address survives the way to the kernel's form and back") {
    for (const char* text : {"192.0.2.1", "2001:db8::1"}) {
        const SocketAddress address{*parse_ip(text), 5353};
        const KernelAddress kernel = to_kernel(address);
        CHECK(kernel.storage.ss_family == kernel_family(address.ip.family));
        CHECK(from_kernel(kernel.get(), kernel.length) == address);
    }
}

TEST_CASE("a short or foreign kernel address is nothing") {
    KernelAddress kernel = to_kernel({*parse_ip("2001:db8::1"), 53});
    CHECK_FALSE(from_kernel(kernel.get(), kernel.length - 1).has_value());
    CHECK_FALSE(from_kernel(kernel.get(), 1).has_value());
    CHECK_FALSE(from_kernel(nullptr, 0).has_value());
    kernel.storage.ss_family = AF_UNIX;
    CHECK_FALSE(from_kernel(kernel.get(), kernel.length).has_value());
}

}  // namespace
}  // namespace picket::io
