// The codecs of history: what decodes at all, encodes to what decodes to the same.
// The first byte says which of them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/assert.h"
#include "storage/head.h"
#include "storage/journal.h"
#include "storage/series.h"

using namespace picket::storage;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void try_chunk(std::string_view bytes) {
    const auto entries = decode_chunk(bytes);
    if (entries) PICKET_ASSERT(*decode_chunk(encode_chunk(*entries)) == *entries);
}

void try_journal(std::string_view bytes) {
    std::vector<JournalEntry> entries;
    if (!decode_journal(bytes, std::nullopt, entries) || entries.empty()) return;
    for (const JournalEntry& each : entries) {
        // What no id of a row can be is not written either.
        if (each.check_id < 0 || each.check_id > (std::int64_t{1} << 62)) return;
    }
    std::vector<JournalEntry> again;
    PICKET_ASSERT(decode_journal(encode_journal(entries), std::nullopt, again).has_value());
    PICKET_ASSERT(again == entries);
}

void try_head(std::string_view bytes) {
    const auto head = decode_head(bytes);
    if (!head) return;
    const auto again = decode_head(encode_head(*head));
    PICKET_ASSERT(again.has_value());
    PICKET_ASSERT(again->blocks == head->blocks && again->last_sealed == head->last_sealed);
    PICKET_ASSERT(again->series.entries() == head->series.entries());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
        case 0:
            try_chunk(bytes);
            break;
        case 1:
            try_journal(bytes);
            break;
        default:
            try_head(bytes);
    }
    return 0;
}
