// Rollup: what a check's points add up to, so that any window is two seeks. Pure.
//
// Time is cut into slots of a minute, of five and of an hour: the tiers. A block holds
// consecutive slots of one tier, and the prefix: the sum of all that came before its
// first slot, since the check's first point. The sum up to any slot is its block's
// prefix and the slots before it in the block; a window is the difference of two such
// sums. Slots and whole blocks without points are left out and add nothing.
//
// Time that was observed is summed, not time that was not: what of a window is not in
// that sum, nobody looked at, whatever the reason (no agent, unfit, maintenance, before
// the first point). See Profile::interval_ms for how long a point speaks.
//
// The hour tier holds a sketch of the latencies that passed beside each slot. Its block
// is a UTC day.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "storage/entry.h"
#include "storage/latency_sketch.h"

namespace picket::storage {

struct Totals {
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    std::uint64_t errored = 0;
    std::uint64_t observed_ms = 0;
    std::uint64_t latency_us = 0;  // Of those that passed.

    Totals& operator+=(const Totals& other);
    Totals& operator-=(const Totals& other);
    friend bool operator==(const Totals&, const Totals&) = default;
};

// Numbers that are stored: they keep their meaning.
enum class Tier : std::uint8_t { minute = 0, five_minutes = 1, hour = 2 };
inline constexpr std::array tiers{Tier::minute, Tier::five_minutes, Tier::hour};

constexpr std::int64_t slot_ms(Tier tier) {
    return tier == Tier::minute ? 60'000 : tier == Tier::five_minutes ? 300'000 : 3'600'000;
}
// Two hours, twelve hours, a day.
constexpr std::int64_t block_slots(Tier tier) {
    return tier == Tier::minute ? 120 : tier == Tier::five_minutes ? 144 : 24;
}
constexpr std::int64_t block_ms(Tier tier) {
    return slot_ms(tier) * block_slots(tier);
}

// Rounded towards the past, also before 1970.
constexpr std::int64_t floor_to(std::int64_t value, std::int64_t unit) {
    const std::int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

struct Slot {
    std::uint32_t index = 0;  // In its block.
    Totals totals;
    LatencySketch sketch;  // Empty but in the hour tier.

    friend bool operator==(const Slot&, const Slot&) = default;
};

struct Block {
    Tier tier = Tier::minute;
    std::int64_t start_ms = 0;  // A multiple of block_ms.
    Totals prefix;              // Of all before.
    std::vector<Slot> slots;    // Ascending; none that is empty.

    // The sum of all slots that end at `at_ms` or before, and of all before the block.
    Totals before(std::int64_t at_ms) const;
    Totals end() const { return before(start_ms + block_ms(tier)); }
    // All of the block's sketches in one.
    LatencySketch sketch() const;
    Slot& at(std::uint32_t index);  // Made where it is missing.

    friend bool operator==(const Block&, const Block&) = default;
};

std::string encode_block(const Block& block);
// Returns corrupt for what is not a whole block.
Result<Block> decode_block(Tier tier, std::int64_t start_ms, std::string_view bytes);

// What a run of entries adds to the slots of one tier.
struct SlotSum {
    std::int64_t slot = 0;  // Since 1970.
    Totals totals;
    LatencySketch sketch;
};

// In the order of slots. `before` is the entry that came before the first: with the
// next one it is known how long it spoke for. The last entry's own time is left to
// the next call.
std::vector<SlotSum> sum_up(Tier tier, const std::optional<Entry>& before,
                            std::span<const Entry> entries);

// How long `entry` spoke for, where `next_ms` is when the next one came.
std::int64_t observed_after(const Entry& entry, std::int64_t next_ms);

}  // namespace picket::storage
