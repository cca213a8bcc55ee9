// CRC-32 as in IEEE 802.3 and zlib, which memberlist puts before a packet.

#pragma once

#include <cstdint>
#include <string_view>

namespace picket::gossip::wire {

std::uint32_t crc32(std::string_view bytes);

}  // namespace picket::gossip::wire
