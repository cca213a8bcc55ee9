// Any bytes at all are an echo message or nothing, and its payload lies within them;
// what is written reads back.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "agent/io/icmp_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using Family = picket::IpAddress::Family;
    const auto packet = std::span(bytes, size);
    for (const auto message : {packet, picket::io::after_ipv4_header(packet)}) {
        for (const Family family : {Family::v4, Family::v6}) {
            const auto echo = picket::io::parse_echo(family, message);
            if (!echo.has_value()) continue;
            if (echo->payload.size() > message.size()) std::abort();
            const auto written = picket::io::write_echo(family, *echo);
            const auto again = picket::io::parse_echo(family, written);
            if (!again.has_value() || again->identifier != echo->identifier ||
                again->sequence != echo->sequence || again->reply != echo->reply ||
                !std::ranges::equal(again->payload, echo->payload)) {
                std::abort();
            }
        }
    }
    return 0;
}
