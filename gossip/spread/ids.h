// The short names by which agents speak of each other, of checks and of content.
//
// All are cut from SHA-256, so that whoever knows a name can work them out, and all
// are types of their own: none can be taken for another.

#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace picket::gossip {

// SHA-256("agent1", name)[0:8]. An agent that lost its disk, or a new container with
// the old name, is the same agent.
enum class AgentId : std::uint64_t {};
AgentId agent_id(std::string_view name);

// SHA-256("zone1", name)[0:8]. Of this agent only: zones are told by their names.
enum class ZoneId : std::uint64_t {};
ZoneId zone_id(std::string_view name);

// SHA-256("ck1", name)[0:8], as checks::check_key works it out.
enum class CheckKey : std::uint64_t {};
CheckKey check_key(std::string_view name);

// SHA-256[0:8] of everything that changes a probe's result. Made by the checks.
enum class Fingerprint : std::uint64_t {};

// Which run of an agent speaks: grows over all its runs, max(stored + 1, seconds since
// 2023-11-14T22:13:20Z), and so also after its disk is lost.
using Boot = std::uint32_t;

// Of Evidence: the first 8 bytes of SHA-256 over its canonical encoding; 0 is none.
enum class EvidenceHash : std::uint64_t {};

// Of a blob: the first 16 bytes of SHA-256 over its bytes.
struct BlobHash {
    std::array<std::uint8_t, 16> bytes{};

    bool none() const { return *this == BlobHash{}; }
    auto operator<=>(const BlobHash&) const = default;
};
BlobHash blob_hash(std::string_view blob);
std::string to_hex(const BlobHash& hash);

}  // namespace picket::gossip

template <>
struct std::hash<picket::gossip::BlobHash> {
    // Already as good as random.
    std::size_t operator()(const picket::gossip::BlobHash& blob) const noexcept {
        std::size_t value = 0;
        for (std::size_t i = 0; i < sizeof(value); ++i) value = value << 8 | blob.bytes[i];
        return value;
    }
};
