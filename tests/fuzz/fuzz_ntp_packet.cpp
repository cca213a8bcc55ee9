// Any bytes at all are a reply or an Error; a reply's figures can be reckoned with.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "agent/io/ntp_packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto packet = std::span(bytes, size);
    // The nonce that the packet itself repeats, so that the rest is read too.
    std::uint64_t nonce = 0;
    if (size >= 32) {
        for (const std::uint8_t byte : packet.subspan(24, 8)) nonce = nonce << 8 | byte;
    }
    const auto reply = picket::io::parse_ntp_reply(packet, nonce);
    if (!reply.has_value()) return 0;
    const picket::Duration held = reply->sent - reply->received;
    const picket::Duration back = reply->received - reply->sent;
    if (held > picket::Duration{0} && back > picket::Duration{0}) std::abort();
    return 0;
}
