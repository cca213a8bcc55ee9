#include "storage/series.h"

#include <algorithm>

#include "agent/base/assert.h"
#include "storage/numbers.h"
#include "storage/packing.h"
#include "storage/profile_codec.h"

namespace picket::storage {

namespace {

constexpr std::uint8_t chunk_version = 1;

// ---- Profiles

void put_profile_runs(std::string& bytes, std::span<const Entry> entries) {
    ProfileTable table;
    std::string runs;
    for (std::size_t begin = 0; begin < entries.size();) {
        std::size_t end = begin + 1;
        while (end < entries.size() && entries[end].profile == entries[begin].profile) ++end;
        put_varint(runs, table.index_of(entries[begin].profile));
        put_varint(runs, end - begin);
        begin = end;
    }
    table.put(bytes);
    bytes += runs;
}

bool take_profile_runs(ByteReader& reader, std::span<Entry> entries) {
    const auto profiles = take_profile_table(reader, entries.size());
    if (!profiles) return false;
    for (std::size_t begin = 0; begin < entries.size();) {
        const std::uint64_t index = reader.varint();
        const std::uint64_t length = reader.varint(entries.size() - begin);
        if (!reader.ok() || index >= profiles->size() || length == 0) return false;
        for (std::size_t each = begin; each < begin + length; ++each) {
            entries[each].profile = (*profiles)[index];
        }
        begin += length;
    }
    return true;
}

// The entries of each profile that has figures, in the order of the first ones.
struct Figured {
    Profile profile;
    std::vector<std::size_t> entries;
};

std::vector<Figured> figured(std::span<const Entry> entries) {
    std::vector<Figured> all;
    for (std::size_t each = 0; each < entries.size(); ++each) {
        const Profile& profile = entries[each].profile;
        if (profile.figure_count == 0) continue;
        // From the back: what came last is likely to come again.
        auto found = std::find_if(all.rbegin(), all.rend(),
                                  [&](const Figured& known) { return known.profile == profile; });
        if (found == all.rend()) {
            all.push_back({profile, {}});
            found = all.rbegin();
        }
        found->entries.push_back(each);
    }
    return all;
}

void put_figures(std::string& bytes, std::span<const Entry> entries) {
    std::vector<std::int64_t> numbers;
    for (const Figured& each : figured(entries)) {
        for (std::size_t column = 0; column < each.profile.figure_count; ++column) {
            numbers.clear();
            for (const std::size_t entry : each.entries) {
                PICKET_ASSERT(entries[entry].figures.size() == each.profile.figure_count);
                numbers.push_back(entries[entry].figures[column]);
            }
            put_numbers(bytes, numbers);
        }
    }
}

bool take_figures(ByteReader& reader, std::span<Entry> entries) {
    std::vector<std::int64_t> numbers;
    for (const Figured& each : figured(entries)) {
        for (std::size_t column = 0; column < each.profile.figure_count; ++column) {
            if (!take_numbers(reader, each.entries.size(), numbers)) return false;
            for (std::size_t at = 0; at < numbers.size(); ++at) {
                entries[each.entries[at]].figures.push_back(numbers[at]);
            }
        }
    }
    return true;
}

bool has_time(const Entry& entry) {
    return entry.at_ms >= at_ms_min && entry.at_ms <= at_ms_max;
}

tl::unexpected<Error> not_a_chunk() {
    return failure(Code::corrupt, "not a chunk of a series");
}

}  // namespace

std::string encode_chunk(std::span<const Entry> entries) {
    PICKET_ASSERT(!entries.empty() && entries.size() <= chunk_entries_max);
    std::string bytes;
    bytes.reserve(64 + entries.size() * 2);
    bytes.push_back(static_cast<char>(chunk_version));
    put_varint(bytes, entries.size());
    put_signed(bytes, entries.front().at_ms);
    put_profile_runs(bytes, entries);
    std::vector<std::int64_t> numbers;
    numbers.reserve(entries.size());
    for (std::size_t each = 1; each < entries.size(); ++each) {
        numbers.push_back(wrapping_difference(entries[each].at_ms, entries[each - 1].at_ms));
    }
    put_numbers(bytes, numbers);
    numbers.clear();
    for (const Entry& entry : entries) numbers.push_back(entry.latency_code);
    put_numbers(bytes, numbers);
    put_figures(bytes, entries);
    return bytes;
}

Result<std::vector<Entry>> decode_chunk(std::string_view bytes) {
    ByteReader reader(bytes);
    if (reader.byte() != chunk_version) return not_a_chunk();
    const std::uint64_t count = reader.varint(chunk_entries_max);
    const std::int64_t first_ms = reader.signed_varint();
    if (!reader.ok() || count == 0) return not_a_chunk();
    std::vector<Entry> entries(count);
    if (!take_profile_runs(reader, entries)) return not_a_chunk();
    std::vector<std::int64_t> numbers;
    if (!take_numbers(reader, count - 1, numbers)) return not_a_chunk();
    entries.front().at_ms = first_ms;
    for (std::size_t each = 1; each < count; ++each) {
        entries[each].at_ms = wrapping_sum(entries[each - 1].at_ms, numbers[each - 1]);
    }
    if (!std::all_of(entries.begin(), entries.end(), has_time)) return not_a_chunk();
    if (!take_numbers(reader, count, numbers)) return not_a_chunk();
    for (std::size_t each = 0; each < count; ++each) {
        if (numbers[each] < 0 || numbers[each] > latency_code_max) return not_a_chunk();
        entries[each].latency_code = static_cast<std::uint32_t>(numbers[each]);
    }
    if (!take_figures(reader, entries) || !reader.at_end()) return not_a_chunk();
    return entries;
}

// ---- OpenSeries

// An entry is {zigzag(time - expected time) << 1 | new profile, profile if new,
// latency code, figures (signed)}; the expected time is one interval after the last.
// Figures are differences from the last ones, unless the profile is new.

namespace {

std::int64_t expected_ms(const Entry& last) {
    return wrapping_sum(last.at_ms, last.profile.interval_ms);
}

}  // namespace

void OpenSeries::append(const Entry& entry) {
    PICKET_ASSERT(has_time(entry));
    const std::int64_t step = wrapping_difference(entry.at_ms, expected_ms(last_));
    const bool new_profile = count_ == 0 || entry.profile != last_.profile;
    put_varint(bytes_, (zigzag(step) << 1u) | (new_profile ? 1u : 0u));
    if (new_profile) put_profile(bytes_, entry.profile);
    put_varint(bytes_, entry.latency_code);
    PICKET_ASSERT(entry.figures.size() == entry.profile.figure_count);
    for (std::size_t each = 0; each < entry.figures.size(); ++each) {
        const std::int64_t before = new_profile ? 0 : last_.figures[each];
        put_signed(bytes_, wrapping_difference(entry.figures[each], before));
    }
    last_ = entry;
    ++count_;
}

Status OpenSeries::read(std::string_view bytes, std::vector<Entry>& entries) {
    ByteReader reader(bytes);
    Entry last;
    while (!reader.at_end()) {
        const std::uint64_t step = reader.varint();
        Entry entry = last;
        entry.at_ms = wrapping_sum(expected_ms(last), unzigzag(step >> 1u));
        if ((step & 1u) != 0) {
            entry.profile = take_profile(reader);
            entry.figures.assign(entry.profile.figure_count, 0);
        }
        entry.latency_code = static_cast<std::uint32_t>(reader.varint(latency_code_max));
        for (std::int64_t& figure : entry.figures) {
            figure = wrapping_sum(figure, reader.signed_varint());
        }
        if (!reader.ok() || !has_time(entry)) return failure(Code::corrupt, "not an open series");
        entries.push_back(entry);
        last = entry;
    }
    if (!reader.ok()) return failure(Code::corrupt, "not an open series");
    return {};
}

std::vector<Entry> OpenSeries::entries() const {
    std::vector<Entry> entries;
    entries.reserve(count_);
    PICKET_ASSERT(read(bytes_, entries).has_value());
    return entries;
}

Result<OpenSeries> OpenSeries::restore(std::string_view bytes) {
    std::vector<Entry> entries;
    PICKET_TRY(read(bytes, entries));
    OpenSeries series;
    for (const Entry& entry : entries) series.append(entry);
    return series;
}

}  // namespace picket::storage
