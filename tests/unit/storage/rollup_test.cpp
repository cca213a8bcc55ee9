#include "storage/rollup.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "storage/head.h"
#include "storage/latency_sketch.h"

namespace picket::storage {
namespace {

constexpr std::int64_t night_ms = 1'795'402'800'000;

Entry entry_at(std::int64_t at_ms, PointState state = PointState::passed,
               std::uint32_t interval_ms = 10'000) {
    Entry entry;
    entry.at_ms = at_ms;
    entry.profile.state = state;
    entry.profile.interval_ms = interval_ms;
    entry.latency_code = latency_code(1'000);
    return entry;
}

TEST_CASE("a quantile is right to two per cent, also after a merge of hundreds") {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        std::vector<std::uint64_t> latencies;
        LatencySketch all;
        for (int part = 0; part < 300; ++part) {
            LatencySketch sketch;
            for (int number = 0; number < 40; ++number) {
                // From 1 us to 20 s, with a heavy tail.
                const double unit = static_cast<double>(random.below(1'000'000)) / 1e6;
                const auto latency = static_cast<std::uint64_t>(std::exp(unit * unit * 16.8));
                latencies.push_back(latency);
                sketch.add(latency);
            }
            std::string bytes;
            sketch.put(bytes);
            ByteReader reader(bytes);
            const LatencySketch again = LatencySketch::take(reader);
            REQUIRE(reader.ok());
            REQUIRE(reader.at_end());
            REQUIRE(again == sketch);
            all.merge(again);
        }
        REQUIRE(all.count() == latencies.size());
        std::sort(latencies.begin(), latencies.end());
        for (const double share : {0.5, 0.95, 0.99}) {
            const auto rank =
                static_cast<std::size_t>(std::ceil(share * static_cast<double>(latencies.size())));
            const auto exact = static_cast<double>(latencies[rank - 1]);
            // To a microsecond, at least.
            CHECK(std::abs(static_cast<double>(all.quantile(share)) - exact) <=
                  std::max(0.02 * exact, 1.0));
        }
    }
}

TEST_CASE("a point speaks until the next one, or for one interval; a pause does not speak") {
    CHECK(observed_after(entry_at(0), 10'003) == 10'003);
    CHECK(observed_after(entry_at(0), 20'000) == 20'000);
    CHECK(observed_after(entry_at(0), 20'001) == 10'000);
    CHECK(observed_after(entry_at(0), -86'400'000) == 0);
    CHECK(observed_after(entry_at(0, PointState::not_observed), 5'000) == 0);
    CHECK(observed_after(entry_at(0, PointState::passed, 0), 5'000) == 0);
}

TEST_CASE("observed time is cut at the slots it is in") {
    const std::vector<Entry> entries{entry_at(night_ms + 55'000), entry_at(night_ms + 65'000),
                                     entry_at(night_ms + 3'600'000)};
    const auto sums = sum_up(Tier::minute, std::nullopt, entries);
    REQUIRE(sums.size() == 3);
    CHECK(sums[0].slot == night_ms / 60'000);
    CHECK(sums[0].totals.passed == 1);
    CHECK(sums[0].totals.observed_ms == 5'000);
    CHECK(sums[1].totals.observed_ms == 15'000);
    CHECK(sums[2].totals.observed_ms == 0);
    CHECK(sums[2].totals.passed == 1);
    const auto before = sum_up(Tier::minute, entries.front(), std::span(entries).subspan(1, 1));
    CHECK(before[0].totals.observed_ms == 5'000);
    CHECK(before[0].totals.passed == 0);
}

TEST_CASE("a block comes back as it was, and its sums are those of its slots") {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        for (const Tier tier : tiers) {
            Block block{.tier = tier,
                        .start_ms = floor_to(night_ms, block_ms(tier)),
                        .prefix = {random.below(1'000'000), 1, 2, 3, 4},
                        .slots = {}};
            Totals sum = block.prefix;
            for (std::int64_t index = 0; index < block_slots(tier); ++index) {
                if (random.chance(1, 3)) continue;
                Slot& slot = block.at(static_cast<std::uint32_t>(index));
                slot.totals.passed = random.below(10);
                slot.totals.failed = random.chance(1, 4) ? random.below(10) : 0;
                slot.totals.observed_ms =
                    random.chance(1, 2) ? static_cast<std::uint64_t>(slot_ms(tier)) : 17;
                slot.totals.latency_us = random.below(1'000'000'000);
                if (tier == Tier::hour) slot.sketch.add(random.below(1'000'000));
                sum += slot.totals;
            }
            const auto decoded = decode_block(tier, block.start_ms, encode_block(block));
            REQUIRE(decoded);
            REQUIRE(*decoded == block);
            REQUIRE(block.end() == sum);
            REQUIRE(block.before(block.start_ms) == block.prefix);

            Head head;
            head.blocks.at(static_cast<std::size_t>(tier)) = block;
            head.last_sealed = entry_at(night_ms);
            head.series.append(entry_at(night_ms + 1));
            const std::string bytes = encode_head(head);
            const auto again = decode_head(bytes);
            REQUIRE(again);
            CHECK(again->blocks == head.blocks);
            CHECK(again->last_sealed == head.last_sealed);
            CHECK(again->series.entries() == head.series.entries());
            for (int number = 0; number < 20; ++number) {
                std::string damaged = bytes;
                damaged[random.below(damaged.size())] ^= static_cast<char>(1u << random.below(8));
                if (const auto other = decode_head(damaged)) encode_head(*other);
            }
        }
    }
}

}  // namespace
}  // namespace picket::storage
