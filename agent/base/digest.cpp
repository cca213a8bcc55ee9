#include "agent/base/digest.h"

#include <fmt/format.h>
#include <openssl/sha.h>

namespace picket {

Sha256 sha256(std::string_view bytes) {
    Sha256 digest;
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
    return digest;
}

std::uint64_t short_digest(std::string_view domain, std::string_view text) {
    std::string bytes(domain);
    bytes.push_back('\0');
    bytes.append(text);
    const Sha256 digest = sha256(bytes);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i) value = value << 8 | digest[i];
    return value;
}

std::string to_hex(std::uint64_t value) {
    return fmt::format("{:016x}", value);
}

}  // namespace picket
