#include "agent/advertise.h"

#include <doctest/doctest.h>

#include <vector>

namespace picket {
namespace {

std::vector<IpAddress> addresses(std::initializer_list<const char*> texts) {
    std::vector<IpAddress> parsed;
    for (const char* text : texts) parsed.push_back(parse_ip(text).value());
    return parsed;
}

std::string advertised(const std::string& bind, const std::string& advertise,
                       std::initializer_list<const char*> interfaces) {
    GossipConfig gossip;
    gossip.bind = bind;
    gossip.advertise = advertise;
    const auto address = advertised_address(gossip, addresses(interfaces));
    return address.has_value() ? to_text(*address) : address.error().message();
}

TEST_CASE("one address that is bound is the one that is advertised") {
    CHECK(advertised("10.0.0.3:7946", "", {"192.0.2.1"}) == "10.0.0.3:7946");
    CHECK(advertised("[::1]:7946", "", {}) == "[::1]:7946");
}

TEST_CASE("of all addresses the first private one is advertised, else the first") {
    CHECK(advertised("0.0.0.0:7946", "", {"192.0.2.1", "10.1.2.3", "192.168.0.1"}) ==
          "10.1.2.3:7946");
    CHECK(advertised("0.0.0.0:7946", "", {"192.0.2.1", "198.51.100.1"}) == "192.0.2.1:7946");
    for (const char* ip :
         {"10.255.0.1", "172.16.0.1", "172.31.255.1", "192.168.1.1", "100.64.0.1"}) {
        CHECK(advertised("0.0.0.0:7946", "", {"172.32.0.1", "100.128.0.1", ip}) ==
              std::string(ip) + ":7946");
    }
    // IPv6 is bound by :: alone, which binds IPv4 too.
    CHECK(advertised("0.0.0.0:7946", "", {"2001:db8::1", "192.0.2.1"}) == "192.0.2.1:7946");
    CHECK(advertised("[::]:7946", "", {"2001:db8::1", "fd00::1", "192.0.2.1"}) == "[fd00::1]:7946");
    CHECK(advertised("[::]:7946", "", {"2001:db8::1", "10.0.0.1"}) == "10.0.0.1:7946");
}

TEST_CASE("what was set is advertised, where it can be reached") {
    CHECK(advertised("0.0.0.0:7946", "203.0.113.5:8000", {}) == "203.0.113.5:8000");
    CHECK(advertised("[::]:7946", "203.0.113.5:8000", {}) == "203.0.113.5:8000");
    CHECK(advertised("0.0.0.0:7946", "[2001:db8::1]:7946", {}) ==
          "gossip.advertise: [2001:db8::1]:7946 cannot be reached at gossip.bind 0.0.0.0:7946: one "
          "is IPv4, the other IPv6");
    CHECK(advertised("0.0.0.0:7946", "0.0.0.0:7946", {}).find("no address that another agent") !=
          std::string::npos);
}

TEST_CASE("an agent that finds no address says what to set") {
    CHECK(advertised("0.0.0.0:7946", "", {"2001:db8::1"}) ==
          "gossip.bind 0.0.0.0:7946 stands for every address of this host, and no interface beside "
          "loopback has one: set gossip.advertise, or bind to one address");
}

}  // namespace
}  // namespace picket
