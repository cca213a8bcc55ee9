// What the fuzz targets of picket's own messages share: the kind that a target is about
// stands in place of the input's, so that each target explores one kind deeply.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/base/assert.h"
#include "gossip/spread/exchange.h"
#include "gossip/spread/record_codec.h"
#include "gossip/spread/registry.h"

namespace picket::fuzz {

inline std::string payload_of(std::uint8_t kind, const std::uint8_t* data, std::size_t size) {
    std::string payload{gossip::picket_message, static_cast<char>(gossip::format_version),
                        static_cast<char>(kind)};
    if (size > 0) payload.append(reinterpret_cast<const char*>(data), size);
    return payload;
}

// What is read is within all limits, is the same when written and read again, and can be
// offered to a registry, twice, without its sums and its records falling apart.
inline void check_record(gossip::RecordKind kind, const std::uint8_t* data, std::size_t size) {
    using namespace gossip;
    const auto record = decode_record(payload_of(static_cast<std::uint8_t>(kind), data, size));
    if (!record.has_value()) return;
    PICKET_ASSERT(kind_of(*record) == kind);
    const std::string written = encode(*record);
    PICKET_ASSERT(decode_record(written) == wire::Decoded<Record>(*record));
    PICKET_ASSERT(join(*record, *record) == *record);
    Registry registry;
    constexpr Instant now{std::chrono::hours(1)};
    constexpr WallTime wall{std::chrono::hours(24 * 365 * 50)};
    std::uint64_t sum = 0;
    for (const Source source : {Source::gossip, Source::anti_entropy, Source::anti_entropy}) {
        const auto refusal = registry.put(now, wall, *record, {source, AgentId{1}}, 3);
        while (const auto order = registry.poll_persist())
            registry.on_persisted(now, order->ticket);
        PICKET_ASSERT(refusal.has_value() || registry.size() == 1);
        PICKET_ASSERT(sum == 0 || registry.root() == sum);
        sum = registry.root();
    }
    PICKET_ASSERT(sum == (registry.size() == 0 ? 0 : digest(*record)));
}

inline void check_exchange(gossip::ExchangeKind kind, const std::uint8_t* data, std::size_t size) {
    using namespace gossip;
    const auto message = decode_exchange(payload_of(static_cast<std::uint8_t>(kind), data, size));
    if (!message.has_value()) return;
    PICKET_ASSERT(decode_exchange(encode(*message)) == wire::Decoded<Exchange>(*message));
}

}  // namespace picket::fuzz
