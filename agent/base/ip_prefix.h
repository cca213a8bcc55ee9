// IpPrefix: a range of addresses, "192.0.2.0/24".

#pragma once

#include <string_view>

#include "agent/base/address.h"
#include "agent/base/result.h"

namespace picket {

struct IpPrefix {
    IpAddress ip;
    unsigned bits = 0;

    bool contains(const IpAddress& other) const;
    bool operator==(const IpPrefix&) const = default;
};

// ADDRESS/BITS, or an ADDRESS, which is a range of one.
Result<IpPrefix> parse_ip_prefix(std::string_view text);

}  // namespace picket
