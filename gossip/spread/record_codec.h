// How records travel (docs/PROTOCOL.md, section 2).
//
// A user message: the byte 0x70, the version of the format, the kind, and one msgpack
// array. Fields are known by their place; further ones at the end are a newer
// version's and are ignored. Senders use the lowest version that is alive, so that
// what an agent tells on is what it was told, and digests agree everywhere.
//
// Decoding checks all that can be checked without knowing the mesh. A record comes
// out whole and within its limits, or as a Fault that is counted; whether it is to be
// believed is for the registry to say.

#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "gossip/spread/record.h"
#include "gossip/wire/fault.h"

namespace picket::gossip {

constexpr char picket_message = 0x70;
constexpr std::uint8_t format_version = 1;
constexpr std::size_t envelope_bytes = 3;

// The kind that a payload claims, of a version that can be read.
wire::Decoded<std::uint8_t> message_kind(std::string_view payload);

wire::Decoded<Record> decode_record(std::string_view payload);

// Requires a record within its limits.
std::string encode(const Record& record);

// The first 8 bytes of SHA-256("record1", NUL, canonical encoding). Two records have
// one digest if they are the same.
std::uint64_t digest(const Record& record);
std::uint64_t digest_of_encoded(std::string_view payload);

// The order of records of one key: the greater one is the later.
struct Precedence {
    std::uint64_t major = 0;
    std::uint64_t minor = 0;
    std::uint64_t tie = 0;  // From the digest.

    auto operator<=>(const Precedence&) const = default;
};
Precedence precedence(const Record& record, std::uint64_t digest);
inline Precedence precedence(const Record& record) {
    return precedence(record, digest(record));
}

// The later of two records. Requires that they have one key.
Record join(const Record& a, const Record& b);

VerdictVersion version_of(const VerdictRecord& verdict);
EvidenceHash hash_of(const EvidenceRecord& evidence);

// Shortens texts and drops what tells least until the record is within its limits;
// one that already is stays as it is.
void fit(PresenceRecord& record);
void fit(VoteRecord& record);
void fit(VerdictRecord& record);
void fit(EvidenceRecord& record);  // To evidence_bytes_max, too.
void fit(NoticeRecord& record);

}  // namespace picket::gossip
