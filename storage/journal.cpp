#include "storage/journal.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "storage/packing.h"
#include "storage/profile_codec.h"

namespace picket::storage {

namespace {

constexpr std::uint8_t journal_version = 1;
// What nobody writes in one commit.
constexpr std::size_t row_entries_max = 1'000'000;

tl::unexpected<Error> not_a_row() {
    return failure(Code::corrupt, "not a row of the journal");
}

}  // namespace

std::string encode_journal(std::vector<JournalEntry>& entries) {
    PICKET_ASSERT(!entries.empty() && entries.size() <= row_entries_max);
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& a, const auto& b) { return a.check_id < b.check_id; });
    std::int64_t lowest_ms = entries.front().entry.at_ms;
    for (const JournalEntry& each : entries) lowest_ms = std::min(lowest_ms, each.entry.at_ms);

    ProfileTable table;
    std::string packed;
    packed.reserve(entries.size() * 6);
    std::int64_t check_id = 0;
    std::size_t profile = 0;
    for (const JournalEntry& each : entries) {
        const std::size_t index = table.index_of(each.entry.profile);
        const auto step = static_cast<std::uint64_t>(each.check_id - check_id);
        put_varint(packed, (step << 1u) | (index != profile ? 1u : 0u));
        if (index != profile) put_varint(packed, index);
        put_varint(packed,
                   static_cast<std::uint64_t>(wrapping_difference(each.entry.at_ms, lowest_ms)));
        put_varint(packed, each.entry.latency_code);
        PICKET_ASSERT(each.entry.figures.size() == each.entry.profile.figure_count);
        for (const std::int64_t figure : each.entry.figures) put_signed(packed, figure);
        check_id = each.check_id;
        profile = index;
    }
    std::string bytes;
    bytes.reserve(packed.size() + 32);
    bytes.push_back(static_cast<char>(journal_version));
    put_signed(bytes, lowest_ms);
    table.put(bytes);
    put_varint(bytes, entries.size());
    return bytes += packed;
}

Status decode_journal(std::string_view bytes, std::optional<std::int64_t> only_check,
                      std::vector<JournalEntry>& entries) {
    ByteReader reader(bytes);
    if (reader.byte() != journal_version) return not_a_row();
    const std::int64_t lowest_ms = reader.signed_varint();
    const auto profiles = take_profile_table(reader, row_entries_max);
    if (!profiles) return not_a_row();
    const std::uint64_t count = reader.varint(row_entries_max);
    std::int64_t check_id = 0;
    std::size_t profile = 0;
    for (std::uint64_t number = 0; number < count && reader.ok(); ++number) {
        const std::uint64_t step = reader.varint();
        check_id = wrapping_sum(check_id, static_cast<std::int64_t>(step >> 1u));
        if ((step & 1u) != 0) profile = reader.varint(profiles->size() - 1);
        const auto after = static_cast<std::int64_t>(reader.varint());
        const auto code = static_cast<std::uint32_t>(reader.varint(latency_code_max));
        Entry entry{.at_ms = wrapping_sum(lowest_ms, after),
                    .profile = (*profiles)[profile],
                    .latency_code = code};
        for (unsigned each = 0; each < entry.profile.figure_count; ++each) {
            entry.figures.push_back(reader.signed_varint());
        }
        if (entry.at_ms < at_ms_min || entry.at_ms > at_ms_max) return not_a_row();
        if (only_check && check_id != *only_check) continue;
        entries.push_back({check_id, std::move(entry)});
    }
    if (!reader.ok() || !reader.at_end()) return not_a_row();
    return {};
}

}  // namespace picket::storage
