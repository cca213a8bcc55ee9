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

// Four bytes as a little-endian number, which compilers make one load.
std::uint32_t u32_at(std::string_view bytes, std::size_t index) {
    const auto at = [&](std::size_t i) {
        return std::uint32_t{static_cast<std::uint8_t>(bytes.data()[index + i])};
    };
    return at(0) | at(1) << 8 | at(2) << 16 | at(3) << 24;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t crc = 0xffffffffu;
    for (; bytes.size() >= step_bytes; bytes.remove_prefix(step_bytes)) {
        const std::uint32_t low = crc ^ u32_at(bytes, 0);
        const std::uint32_t high = u32_at(bytes, 4);
        crc = tables[7][low & 0xff] ^ tables[6][low >> 8 & 0xff] ^ tables[5][low >> 16 & 0xff] ^
              tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][high >> 8 & 0xff] ^
              tables[1][high >> 16 & 0xff] ^ tables[0][high >> 24];
    }
    for (const char byte : bytes) {
        crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<std::uint8_t>(byte)) & 0xff];
    }
    return ~crc;
}

}  // namespace picket::gossip::wire
