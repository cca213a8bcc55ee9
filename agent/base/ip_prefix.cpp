#include "agent/base/ip_prefix.h"

#include <fmt/format.h>

#include <charconv>

namespace picket {

bool IpPrefix::contains(const IpAddress& other) const {
    if (other.family != ip.family) return false;
    for (unsigned bit = 0; bit < bits; ++bit) {
        const unsigned mask = 0x80U >> bit % 8;
        if (((ip.bytes[bit / 8] ^ other.bytes[bit / 8]) & mask) != 0) return false;
    }
    return true;
}

Result<IpPrefix> parse_ip_prefix(std::string_view text) {
    const std::size_t slash = text.find('/');
    IpPrefix prefix{.ip = PICKET_TRY(parse_ip(text.substr(0, slash))), .bits = 0};
    const unsigned whole = prefix.ip.family == IpAddress::Family::v4 ? 32 : 128;
    prefix.bits = whole;
    if (slash == std::string_view::npos) return prefix;
    const std::string_view bits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(bits.data(), bits.data() + bits.size(), prefix.bits);
    if (error != std::errc{} || end != bits.data() + bits.size() || prefix.bits > whole) {
        return failure(Code::invalid,
                       fmt::format("'{}' is not a range such as 192.0.2.0/24", text));
    }
    return prefix;
}

}  // namespace picket
