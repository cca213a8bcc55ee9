#include "gossip/spread/ids.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/digest.h"

namespace picket::gossip {

AgentId agent_id(std::string_view name) {
    return AgentId{short_digest("agent1", name)};
}

ZoneId zone_id(std::string_view name) {
    return ZoneId{short_digest("zone1", name)};
}

CheckKey check_key(std::string_view name) {
    return CheckKey{short_digest("ck1", name)};
}

BlobHash blob_hash(std::string_view blob) {
    const Sha256 digest = sha256(blob);
    BlobHash hash;
    std::copy_n(digest.begin(), hash.bytes.size(), hash.bytes.begin());
    return hash;
}

std::string to_hex(const BlobHash& hash) {
    std::string text;
    for (const std::uint8_t byte : hash.bytes) text += fmt::format("{:02x}", byte);
    return text;
}

}  // namespace picket::gossip
