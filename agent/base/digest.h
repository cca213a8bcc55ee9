// SHA-256, and the short names picket cuts out of it.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace picket {

using Sha256 = std::array<std::uint8_t, 32>;

Sha256 sha256(std::string_view bytes);

// The first 8 bytes of SHA-256(`domain`, NUL, `text`), big-endian. The domain
// keeps, say, a check and an agent of one name apart (agreement.md, 1.1).
std::uint64_t short_digest(std::string_view domain, std::string_view text);

// 16 lower-case hexadecimal digits.
std::string to_hex(std::uint64_t value);

}  // namespace picket
