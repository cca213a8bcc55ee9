#include "storage/rollup.h"

#include <algorithm>
#include <map>

#include "agent/base/assert.h"
#include "storage/packing.h"

namespace picket::storage {

namespace {

constexpr std::uint8_t block_version = 1;

void put_totals(std::string& bytes, const Totals& totals) {
    put_varint(bytes, totals.passed);
    put_varint(bytes, totals.failed);
    put_varint(bytes, totals.errored);
    put_varint(bytes, totals.observed_ms);
    put_varint(bytes, totals.latency_us);
}

Totals take_totals(ByteReader& reader) {
    Totals totals;
    totals.passed = reader.varint();
    totals.failed = reader.varint();
    totals.errored = reader.varint();
    totals.observed_ms = reader.varint();
    totals.latency_us = reader.varint();
    return totals;
}

// What a slot leaves out, by bits of its first varint; above them is how many slots
// were skipped.
constexpr std::uint64_t all_passed = 1;    // failed and errored are 0.
constexpr std::uint64_t all_observed = 2;  // observed_ms is the whole slot.
constexpr unsigned flag_bits = 2;

void put_slot(std::string& bytes, const Slot& slot, std::uint32_t skipped, Tier tier) {
    const Totals& totals = slot.totals;
    const bool passed_only = totals.failed == 0 && totals.errored == 0;
    const bool observed = totals.observed_ms == static_cast<std::uint64_t>(slot_ms(tier));
    put_varint(bytes, (std::uint64_t{skipped} << flag_bits) | (passed_only ? all_passed : 0) |
                          (observed ? all_observed : 0));
    put_varint(bytes, totals.passed);
    if (!passed_only) {
        put_varint(bytes, totals.failed);
        put_varint(bytes, totals.errored);
    }
    if (!observed) put_varint(bytes, totals.observed_ms);
    put_varint(bytes, totals.latency_us);
    if (tier == Tier::hour) slot.sketch.put(bytes);
}

// Adds the stretch to every slot it touches.
class SlotSums {
public:
    explicit SlotSums(Tier tier) : tier_(tier) {}

    SlotSum& at(std::int64_t time_ms) {
        const std::int64_t slot = floor_to(time_ms, slot_ms(tier_)) / slot_ms(tier_);
        if (last_ == nullptr || last_->slot != slot) {
            last_ = &sums_[slot];
            last_->slot = slot;
        }
        return *last_;
    }
    void observe(std::int64_t from_ms, std::int64_t length_ms) {
        while (length_ms > 0) {
            const std::int64_t slot_end = floor_to(from_ms, slot_ms(tier_)) + slot_ms(tier_);
            const std::int64_t part = std::min(length_ms, slot_end - from_ms);
            at(from_ms).totals.observed_ms += static_cast<std::uint64_t>(part);
            from_ms += part;
            length_ms -= part;
        }
    }
    std::vector<SlotSum> take() {
        std::vector<SlotSum> sums;
        sums.reserve(sums_.size());
        for (auto& [slot, sum] : sums_) sums.push_back(std::move(sum));
        return sums;
    }

private:
    Tier tier_;
    std::map<std::int64_t, SlotSum> sums_;
    SlotSum* last_ = nullptr;
};

}  // namespace

Totals& Totals::operator+=(const Totals& other) {
    passed += other.passed;
    failed += other.failed;
    errored += other.errored;
    observed_ms += other.observed_ms;
    latency_us += other.latency_us;
    return *this;
}

Totals& Totals::operator-=(const Totals& other) {
    passed -= other.passed;
    failed -= other.failed;
    errored -= other.errored;
    observed_ms -= other.observed_ms;
    latency_us -= other.latency_us;
    return *this;
}

Totals Block::before(std::int64_t at_ms) const {
    Totals sum = prefix;
    for (const Slot& slot : slots) {
        if (start_ms + (std::int64_t{slot.index} + 1) * slot_ms(tier) > at_ms) break;
        sum += slot.totals;
    }
    return sum;
}

LatencySketch Block::sketch() const {
    LatencySketch all;
    for (const Slot& slot : slots) all.merge(slot.sketch);
    return all;
}

Slot& Block::at(std::uint32_t index) {
    PICKET_ASSERT(index < block_slots(tier));
    auto place =
        std::lower_bound(slots.begin(), slots.end(), index,
                         [](const Slot& slot, auto number) { return slot.index < number; });
    if (place == slots.end() || place->index != index) {
        place = slots.insert(place, Slot{.index = index, .totals = {}, .sketch = {}});
    }
    return *place;
}

std::string encode_block(const Block& block) {
    std::string bytes;
    bytes.reserve(32 + block.slots.size() * (block.tier == Tier::hour ? 80 : 8));
    bytes.push_back(static_cast<char>(block_version));
    put_totals(bytes, block.prefix);
    put_varint(bytes, block.slots.size());
    std::uint32_t next = 0;
    for (const Slot& slot : block.slots) {
        PICKET_ASSERT(slot.index >= next);
        put_slot(bytes, slot, slot.index - next, block.tier);
        next = slot.index + 1;
    }
    return bytes;
}

Result<Block> decode_block(Tier tier, std::int64_t start_ms, std::string_view bytes) {
    const auto wrong = [] { return failure(Code::corrupt, "not a block of rollups"); };
    ByteReader reader(bytes);
    if (reader.byte() != block_version) return wrong();
    Block block{.tier = tier, .start_ms = start_ms, .prefix = take_totals(reader), .slots = {}};
    const auto slots_max = static_cast<std::uint64_t>(block_slots(tier));
    const std::uint64_t count = reader.varint(slots_max);
    std::uint64_t next = 0;
    for (std::uint64_t each = 0; each < count && reader.ok(); ++each) {
        const std::uint64_t head = reader.varint();
        Slot slot;
        const std::uint64_t skipped = head >> flag_bits;
        if (skipped >= slots_max || next + skipped >= slots_max) return wrong();
        slot.index = static_cast<std::uint32_t>(next + skipped);
        next = slot.index + 1;
        slot.totals.passed = reader.varint();
        if ((head & all_passed) == 0) {
            slot.totals.failed = reader.varint();
            slot.totals.errored = reader.varint();
        }
        slot.totals.observed_ms = (head & all_observed) != 0
                                      ? static_cast<std::uint64_t>(slot_ms(tier))
                                      : reader.varint();
        slot.totals.latency_us = reader.varint();
        if (tier == Tier::hour) slot.sketch = LatencySketch::take(reader);
        block.slots.push_back(std::move(slot));
    }
    if (!reader.ok() || !reader.at_end()) return wrong();
    return block;
}

std::int64_t observed_after(const Entry& entry, std::int64_t next_ms) {
    if (entry.profile.state == PointState::not_observed) return 0;
    const std::int64_t interval = entry.profile.interval_ms;
    const std::int64_t gap = wrapping_difference(next_ms, entry.at_ms);
    // The clock stepped back: what the time between was, nobody can say.
    if (gap < 0) return 0;
    return gap <= 2 * interval ? gap : interval;
}

std::vector<SlotSum> sum_up(Tier tier, const std::optional<Entry>& before,
                            std::span<const Entry> entries) {
    SlotSums sums(tier);
    const Entry* last = before.has_value() ? &*before : nullptr;
    for (const Entry& entry : entries) {
        if (last != nullptr) sums.observe(last->at_ms, observed_after(*last, entry.at_ms));
        last = &entry;
        if (entry.profile.state == PointState::not_observed) continue;
        SlotSum& sum = sums.at(entry.at_ms);
        switch (entry.profile.state) {
            case PointState::passed:
                ++sum.totals.passed;
                sum.totals.latency_us += entry.latency_us();
                if (tier == Tier::hour) sum.sketch.add(entry.latency_us());
                break;
            case PointState::failed:
                ++sum.totals.failed;
                break;
            case PointState::errored:
                ++sum.totals.errored;
                break;
            case PointState::not_observed:
                break;
        }
    }
    return sums.take();
}

}  // namespace picket::storage
