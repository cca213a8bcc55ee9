#include "storage/series.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "storage/journal.h"

namespace picket::storage {
namespace {

using checks::FailureClass;

// Anything an agent may see, and much that it will not.
Entry any_entry(Random& random, std::int64_t last_ms) {
    Entry entry;
    switch (random.below(8)) {
        case 0:
            entry.at_ms = last_ms - static_cast<std::int64_t>(random.below(200'000'000));
            break;
        case 1:
            entry.at_ms = last_ms + static_cast<std::int64_t>(random.below(100'000'000'000));
            break;
        case 2:
            entry.at_ms = random.chance(1, 2) ? at_ms_min : at_ms_max;
            break;
        default:
            entry.at_ms = last_ms + 10'000 + static_cast<std::int64_t>(random.below(5));
    }
    entry.at_ms = std::clamp(entry.at_ms, at_ms_min, at_ms_max);
    entry.profile.state = static_cast<PointState>(random.below(4));
    entry.profile.failure_class = static_cast<FailureClass>(random.below(13));
    entry.profile.message_id = random.chance(1, 4) ? UINT32_MAX : 0;
    entry.profile.interval_ms = random.chance(1, 9) ? UINT32_MAX : 10'000;
    if (random.chance(1, 4)) {
        entry.profile.figure_count =
            static_cast<std::uint8_t>(random.chance(1, 20) ? figures_max : 1 + random.below(3));
    }
    entry.latency_code =
        random.chance(1, 20) ? latency_code_max : static_cast<std::uint32_t>(random.below(9'000));
    return entry;
}

std::vector<Entry> any_entries(Random& random, std::size_t count) {
    std::vector<Entry> entries;
    std::int64_t last_ms = 1'795'402'800'000;
    for (std::size_t each = 0; each < count; ++each) {
        const bool repeats = !entries.empty() && random.chance(3, 4);
        Entry entry = any_entry(random, last_ms);
        if (repeats) entry.profile = entries.back().profile;
        for (unsigned figure = 0; figure < entry.profile.figure_count; ++figure) {
            entry.figures.push_back(random.chance(1, 9)
                                        ? static_cast<std::int64_t>(random.next())
                                        : static_cast<std::int64_t>(random.below(99)));
        }
        entries.push_back(entry);
        last_ms = entry.at_ms;
    }
    return entries;
}

TEST_CASE("whatever goes into a chunk, a series or a journal comes out of it" *
          doctest::test_suite("long")) {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const auto entries = any_entries(random, 1 + random.below(700));
        const auto chunk = decode_chunk(encode_chunk(entries));
        REQUIRE(chunk);
        REQUIRE(*chunk == entries);

        OpenSeries series;
        for (const Entry& entry : entries) series.append(entry);
        REQUIRE(series.entries() == entries);
        const auto restored = OpenSeries::restore(series.bytes());
        REQUIRE(restored);
        REQUIRE(restored->bytes() == series.bytes());
        REQUIRE(restored->last() == entries.back());

        std::vector<JournalEntry> rows;
        for (const Entry& entry : entries) {
            rows.push_back({static_cast<std::int64_t>(random.below(50)), entry});
        }
        const std::string journal = encode_journal(rows);  // Sorts them.
        std::vector<JournalEntry> read;
        REQUIRE(decode_journal(journal, std::nullopt, read));
        REQUIRE(read == rows);
        for (const std::int64_t check : {0, 7, 49, 50}) {
            read.clear();
            REQUIRE(decode_journal(journal, check, read));
            std::vector<JournalEntry> own = rows;
            std::erase_if(own, [&](const JournalEntry& row) { return row.check_id != check; });
            REQUIRE(read == own);
        }
    }
}

TEST_CASE("a row of the journal that an earlier release wrote is read as it was") {
    using namespace std::string_view_literals;
    constexpr std::string_view row =
        "\x01\xec\xed\xc4\xe5\xc0\x68\x02\x00\xac\x02\x90\x4e\x45\x07\xe0\xd4\x03\x02\x04\x08"
        "\x0a\xf1\x18\x0b\x01\x84\x02\x0c\xcc\x01\x05\x00\x00\x84\x07\x0e\x80\x89\x7a\xff\x02"
        "\x00\xfd\x03\xa0\x1f"sv;
    const Profile web{PointState::passed, FailureClass::none, 300, 10'000, 0};
    const Profile ping{PointState::failed, FailureClass::refused, 7, 60'000, 2};
    const std::vector<JournalEntry> expected{
        {4, {1'795'402'800'000, web, 3'185, {}}},
        {9, {1'795'402'800'250, ping, 12, {102, -3}}},
        {9, {1'795'402'799'990, ping, 900, {7, 1'000'000}}},
        {200, {1'795'402'800'499, web, 4'000, {}}},
    };
    std::vector<JournalEntry> read;
    REQUIRE(decode_journal(row, std::nullopt, read));
    CHECK(read == expected);
    read.clear();
    REQUIRE(decode_journal(row, 200, read));
    CHECK(read == std::vector<JournalEntry>{expected.back()});
}

TEST_CASE("a commit of fifty checks, each with its own message, is a row of 260 bytes at most") {
    Random random(5);
    std::vector<JournalEntry> rows;
    for (std::int64_t each = 0; each < 50; ++each) {
        Entry entry;
        entry.at_ms = 1'795'402'800'000 + static_cast<std::int64_t>(random.below(500));
        // Of a thousand checks, asked in no order.
        const std::int64_t check = 1 + each * 20 + static_cast<std::int64_t>(random.below(20));
        entry.profile.message_id = static_cast<std::uint32_t>(check + 40);
        entry.profile.interval_ms = 10'000;
        entry.latency_code = latency_code(static_cast<std::int64_t>(10'000 + random.below(20'000)));
        rows.push_back({check, entry});
    }
    CHECK(encode_journal(rows).size() <= 260);
}

TEST_CASE("bytes that were cut or flipped are refused, or are other entries, never undefined" *
          doctest::test_suite("long")) {
    Random random(7);
    const auto entries = any_entries(random, 200);
    const std::string chunk = encode_chunk(entries);
    for (std::size_t length = 0; length < chunk.size(); ++length) {
        CHECK_FALSE(decode_chunk(std::string_view(chunk).substr(0, length)));
    }
    for (int number = 0; number < 3'000; ++number) {
        std::string damaged = chunk;
        damaged[random.below(damaged.size())] ^= static_cast<char>(1u << random.below(8));
        const auto decoded = decode_chunk(damaged);
        if (decoded) CHECK(decoded->size() <= chunk_entries_max);
    }
    std::vector<JournalEntry> rows;
    for (const Entry& entry : entries) rows.push_back({static_cast<std::int64_t>(7), entry});
    const std::string journal = encode_journal(rows);
    for (std::size_t length = 0; length < journal.size(); ++length) {
        rows.clear();
        CHECK_FALSE(
            decode_journal(std::string_view(journal).substr(0, length), std::nullopt, rows));
    }
    for (int number = 0; number < 3'000; ++number) {
        std::string damaged = journal;
        damaged[random.below(damaged.size())] ^= static_cast<char>(1u << random.below(8));
        rows.clear();
        const auto decoded = decode_journal(damaged, std::nullopt, rows);
        if (decoded) CHECK(rows.size() <= journal_row_entries_max);
    }
}

TEST_CASE("the figures of a message cost about a byte each, and those that stay nothing") {
    Random random(1);
    std::vector<Entry> entries;
    for (std::int64_t each = 0; each < 512; ++each) {
        Entry entry;
        entry.at_ms = each * 10'000;
        entry.profile.message_id = 7;
        entry.profile.interval_ms = 10'000;
        entry.profile.figure_count = 3;
        // As a ping has them: least and most of some 10 ms in tenths, and how many were sent.
        entry.figures = {static_cast<std::int64_t>(90 + random.below(20)),
                         static_cast<std::int64_t>(110 + random.below(60)), 3};
        entries.push_back(entry);
    }
    CHECK(encode_chunk(entries).size() < 512 * 3 / 2);
}

TEST_CASE("latencies are exact below 1,024 us and right to 2^-10 above") {
    for (std::int64_t latency = 0; latency < 1'024; ++latency) {
        REQUIRE(latency_of(latency_code(latency)) == static_cast<std::uint64_t>(latency));
    }
    std::uint32_t last = 0;
    for (double latency = 1'024; latency < 1e12; latency *= 1.0003) {
        const auto whole = static_cast<std::int64_t>(latency);
        const std::uint32_t code = latency_code(whole);
        REQUIRE(code >= last);
        last = code;
        const double off =
            std::abs(static_cast<double>(latency_of(code)) - static_cast<double>(whole));
        REQUIRE(off <= static_cast<double>(whole) / 1024);
    }
    CHECK(latency_of(latency_code(-5)) == 0);
}

TEST_CASE("an outcome of a steady check costs less than two bytes") {
    Random random(3);
    std::vector<Entry> entries;
    for (int number = 0; number < 512; ++number) {
        // The sum of twelve is near enough to a normal distribution.
        double normal = -6;
        for (int each = 0; each < 12; ++each)
            normal += static_cast<double>(random.below(1'000'000)) / 1e6;
        Entry entry;
        entry.at_ms =
            1'795'402'800'000 + number * 10'000 + static_cast<std::int64_t>(random.below(3));
        entry.profile.interval_ms = 10'000;
        entry.latency_code = latency_code(std::llround(20'000 * std::exp(0.3 * normal)));
        entries.push_back(entry);
    }
    CHECK(encode_chunk(entries).size() < 2 * entries.size());
}

}  // namespace
}  // namespace picket::storage
