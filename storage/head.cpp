#include "storage/head.h"

#include <cstdint>
#include <utility>

#include "storage/packing.h"

namespace picket::storage {

namespace {

constexpr std::uint8_t head_version = 1;

void put_bytes(std::string& bytes, std::string_view part) {
    put_varint(bytes, part.size());
    bytes += part;
}

std::string_view take_bytes(ByteReader& reader) {
    return reader.bytes(reader.varint());
}

tl::unexpected<Error> not_a_head() {
    return failure(Code::corrupt, "not the head of a series");
}

}  // namespace

// version, last sealed entry as a series of at most one, for each tier {bytes of the
// block, its number if there are any}, bytes of the open series.
std::string encode_head(const Head& head) {
    std::string bytes(1, static_cast<char>(head_version));
    OpenSeries last;
    if (head.last_sealed) last.append(*head.last_sealed);
    put_bytes(bytes, last.bytes());
    for (const auto& block : head.blocks) {
        put_bytes(bytes, block ? encode_block(*block) : std::string());
        if (block) put_signed(bytes, block->start_ms / block_ms(block->tier));
    }
    put_bytes(bytes, head.series.bytes());
    return bytes;
}

Result<Head> decode_head(std::string_view bytes) {
    ByteReader reader(bytes);
    if (reader.byte() != head_version) return not_a_head();
    Head head;
    std::vector<Entry> last;
    PICKET_TRY(OpenSeries::read(take_bytes(reader), last));
    if (last.size() > 1) return not_a_head();
    if (!last.empty()) head.last_sealed = last.front();
    for (const Tier tier : tiers) {
        const std::string_view packed = take_bytes(reader);
        if (packed.empty()) continue;
        const std::int64_t number = reader.signed_varint();
        constexpr std::int64_t number_max = INT64_MAX / block_ms(Tier::hour);
        if (number > number_max || number < -number_max) return not_a_head();
        head.blocks.at(static_cast<std::size_t>(tier)) =
            PICKET_TRY(decode_block(tier, number * block_ms(tier), packed));
    }
    head.series = PICKET_TRY(OpenSeries::restore(take_bytes(reader)));
    if (!reader.ok() || !reader.at_end()) return not_a_head();
    return head;
}

}  // namespace picket::storage
