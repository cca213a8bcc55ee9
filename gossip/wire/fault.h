// Fault: why bytes from the network were refused.
//
// Refusing costs no allocation, because a flood of broken packets must be cheap,
// and a fault is an index, because it is counted by reason. Whatever is refused
// changed nothing.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/base/result.h"

namespace picket::gossip::wire {

enum class Fault : std::uint8_t {
    truncated,            // The bytes end before what they announce.
    empty,                // Nothing stands where a message should.
    unknown_type,         // No message has this type, or not in this place.
    malformed_map,        // Not msgpack, or not a map with text for keys.
    too_complex,          // A map with more values, or deeper ones, than any message has.
    wrong_kind,           // A field holds another kind of value.
    out_of_range,         // A number does not fit its field.
    too_long,             // A text or byte field is over its limit.
    bad_name,             // The name of a member is empty.
    bad_address,          // An address has neither 4 nor 16 bytes.
    bad_versions,         // Vsn has not exactly 6 bytes.
    nested_too_deep,      // Compounds and compressions inside each other.
    too_many_messages,    // More messages in one packet than the limit.
    unknown_compression,  // An algorithm other than LZW.
    corrupt_compression,  // Not an LZW stream, or one of nothing.
    inflated_too_large,   // Decompressed, it would be over the limit.
    bad_checksum,         // The CRC does not match.
    wrong_label,          // The label of another mesh, or none where one is due.
    not_encrypted,        // In clear, where keys are configured.
    unexpectedly_sealed,  // Encrypted, where no key is configured.
    unknown_encryption,   // An encryption version other than 0 and 1.
    not_authentic,        // No key opens it.
    bad_padding,          // Authentic, but the padding is not PKCS#7's.
    too_large,            // Announces more than the limit.
    malformed_array,      // Not msgpack, or not an array with all the fields that are due.
    unknown_version,      // A version of picket's own messages that this agent cannot read.
};

constexpr std::size_t fault_count = 26;

// A few words that complete "a packet was refused: ".
std::string_view to_text(Fault fault);

template <typename T>
using Decoded = tl::expected<T, Fault>;

// return refused(Fault::truncated);
inline tl::unexpected<Fault> refused(Fault fault) {
    return tl::unexpected<Fault>(fault);
}

}  // namespace picket::gossip::wire
