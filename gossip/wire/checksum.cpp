#include "gossip/wire/checksum.h"

#include <array>
#include <cstddef>

namespace picket::gossip::wire {
namespace {

constexpr std::size_t step_bytes = 8;

// tables[k][b] carries byte b past k further zero bytes, so that eight bytes are
// taken in one step ("slicing by eight", Kounavis and Berry, ISCC 2005).
using Tables = std::array<std::array<std::uint32_t, 256>, step_bytes>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t remainder = byte;
        for (int bit = 0; bit < 8; ++bit) {
            remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0xedb88320u : 0u);
        }
        tables[0][byte] = remainder;
    }
    for (std::size_t k = 1; k < step_bytes; ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t previous = tables[k - 1][byte];
            tables[k][byte] = (previous >> 8) ^ tables[0][previous & 0xff];
        }
    }
    return tables;
}

constexpr Tables tables = make_tables();

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = 0xffffffffu;
    const auto at = [&](std::size_t index) { return static_cast<std::uint8_t>(bytes[index]); };
    for (; bytes.size() >= step_bytes; bytes.remove_prefix(step_bytes)) {
        std::uint32_t next = 0;
        for (std::size_t i = 0; i < step_bytes; ++i) {
            const std::uint32_t carried = i < 4 ? crc >> (8 * i) : 0;
            next ^= tables[step_bytes - 1 - i][(carried ^ at(i)) & 0xff];
        }
        crc = next;
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        crc = (crc >> 8) ^ tables[0][(crc ^ at(i)) & 0xff];
    }
    return ~crc;
}

}  // namespace picket::gossip::wire
