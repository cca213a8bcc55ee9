#include "storage/journal.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "storage/numbers.h"
#include "storage/packing.h"
#include "storage/profile_codec.h"

namespace picket::storage {

namespace {

constexpr std::uint8_t first_version = 1;
constexpr std::uint8_t columns_version = 2;

using Column = std::vector<std::int64_t>;

tl::unexpected<Error> not_a_row() {
    return failure(Code::corrupt, "not a row of the journal");
}

void take_figures(ByteReader& reader, Entry& entry) {
    for (unsigned each = 0; each < entry.profile.figure_count; ++each) {
        entry.figures.push_back(reader.signed_varint());
    }
}

struct Columns {
    Column checks, messages, profiles, times, latencies;
};

Columns columns_of(const std::vector<JournalEntry>& entries, ProfileTable& table) {
    Columns columns;
    for (Column* column : {&columns.checks, &columns.messages, &columns.profiles, &columns.times,
                           &columns.latencies}) {
        column->reserve(entries.size());
    }
    for (const JournalEntry& each : entries) {
        Profile profile = each.entry.profile;
        profile.message_id = 0;
        columns.checks.push_back(each.check_id);
        columns.messages.push_back(each.entry.profile.message_id);
        columns.profiles.push_back(static_cast<std::int64_t>(table.index_of(profile)));
        columns.times.push_back(each.entry.at_ms);
        columns.latencies.push_back(each.entry.latency_code);
    }
    return columns;
}

bool all_within(const Column& column, std::int64_t least, std::int64_t most) {
    return std::all_of(column.begin(), column.end(),
                       [&](std::int64_t each) { return each >= least && each <= most; });
}

bool take_columns(ByteReader& reader, std::size_t profiles, Columns& columns) {
    const std::size_t count = columns.checks.size();
    return take_numbers(reader, count, columns.messages) &&
           all_within(columns.messages, 0, UINT32_MAX) &&
           take_numbers(reader, count, columns.profiles) &&
           all_within(columns.profiles, 0, static_cast<std::int64_t>(profiles) - 1) &&
           take_numbers(reader, count, columns.times) &&
           all_within(columns.times, at_ms_min, at_ms_max) &&
           take_numbers(reader, count, columns.latencies) &&
           all_within(columns.latencies, 0, latency_code_max);
}

Status decode_columns(ByteReader& reader, std::optional<std::int64_t> only_check,
                      std::vector<JournalEntry>& entries) {
    const std::uint64_t count = reader.varint(journal_row_entries_max);
    Columns columns;
    if (count == 0 || !take_numbers(reader, count, columns.checks)) return not_a_row();
    if (!std::is_sorted(columns.checks.begin(), columns.checks.end())) return not_a_row();
    if (only_check &&
        !std::binary_search(columns.checks.begin(), columns.checks.end(), *only_check)) {
        return {};
    }
    const auto profiles = take_profile_table(reader, count);
    if (!profiles || !take_columns(reader, profiles->size(), columns)) return not_a_row();
    for (std::size_t each = 0; each < count; ++each) {
        Entry entry{.at_ms = columns.times[each],
                    .profile = (*profiles)[static_cast<std::size_t>(columns.profiles[each])],
                    .latency_code = static_cast<std::uint32_t>(columns.latencies[each])};
        entry.profile.message_id = static_cast<std::uint32_t>(columns.messages[each]);
        take_figures(reader, entry);
        if (only_check && columns.checks[each] != *only_check) continue;
        entries.push_back({columns.checks[each], std::move(entry)});
    }
    if (!reader.ok() || !reader.at_end()) return not_a_row();
    return {};
}

Status decode_first(ByteReader& reader, std::optional<std::int64_t> only_check,
                    std::vector<JournalEntry>& entries) {
    const std::int64_t lowest_ms = reader.signed_varint();
    const auto profiles = take_profile_table(reader, journal_row_entries_max);
    if (!profiles) return not_a_row();
    const std::uint64_t count = reader.varint(journal_row_entries_max);
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
        take_figures(reader, entry);
        if (entry.at_ms < at_ms_min || entry.at_ms > at_ms_max) return not_a_row();
        if (only_check && check_id != *only_check) continue;
        entries.push_back({check_id, std::move(entry)});
    }
    if (!reader.ok() || !reader.at_end()) return not_a_row();
    return {};
}

}  // namespace

std::string encode_journal(std::vector<JournalEntry>& entries) {
    PICKET_ASSERT(!entries.empty() && entries.size() <= journal_row_entries_max);
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& a, const auto& b) { return a.check_id < b.check_id; });
    ProfileTable table;
    const Columns columns = columns_of(entries, table);
    std::string bytes(1, static_cast<char>(columns_version));
    bytes.reserve(64 + entries.size() * 5);
    put_varint(bytes, entries.size());
    put_numbers(bytes, columns.checks);
    table.put(bytes);
    put_numbers(bytes, columns.messages);
    put_numbers(bytes, columns.profiles);
    put_numbers(bytes, columns.times);
    put_numbers(bytes, columns.latencies);
    for (const JournalEntry& each : entries) {
        PICKET_ASSERT(each.entry.figures.size() == each.entry.profile.figure_count);
        for (const std::int64_t figure : each.entry.figures) put_signed(bytes, figure);
    }
    return bytes;
}

Status decode_journal(std::string_view bytes, std::optional<std::int64_t> only_check,
                      std::vector<JournalEntry>& entries) {
    ByteReader reader(bytes);
    switch (reader.byte()) {
        case first_version:
            return decode_first(reader, only_check, entries);
        case columns_version:
            return decode_columns(reader, only_check, entries);
        default:
            return not_a_row();
    }
}

}  // namespace picket::storage
