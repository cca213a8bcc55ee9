// Firewall: faults of the network between addresses of this network namespace.
//
// By nftables, on what arrives, so that a sender notices nothing. Only in a namespace of
// the test's own.

#pragma once

#include <string>

namespace picket::testing {

class Firewall {
public:
    Firewall();
    ~Firewall();
    Firewall(const Firewall&) = delete;
    Firewall& operator=(const Firewall&) = delete;

    // Drops what goes from one to the other. Each is an address, or a set: "{ 127.0.0.2,
    // 127.0.0.3 }".
    void cut(const std::string& from, const std::string& to);
    // Drops this share of all UDP.
    void lose(int percent);
    void heal();
};

}  // namespace picket::testing
