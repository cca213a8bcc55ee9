#include "tests/support/firewall.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/support/process.h"

namespace picket::testing {
namespace {

void nft(const std::string& command) {
    const Finished finished = run({"/usr/sbin/nft", command});
    REQUIRE_MESSAGE(finished.exit_code == 0, command, ": ", finished.errors);
}

}  // namespace

Firewall::Firewall() {
    nft("add table inet picket_test");
    nft("add chain inet picket_test faults { type filter hook input priority 0 ; }");
}

Firewall::~Firewall() {
    run({"/usr/sbin/nft", "delete table inet picket_test"});
}

void Firewall::cut(const std::string& from, const std::string& to) {
    nft(fmt::format("add rule inet picket_test faults ip saddr {} ip daddr {} drop", from, to));
}

void Firewall::lose(int percent) {
    nft(
        fmt::format("add rule inet picket_test faults meta l4proto udp numgen random mod 100 < {} "
                    "drop",
                    percent));
}

void Firewall::heal() {
    nft("flush chain inet picket_test faults");
}

}  // namespace picket::testing
