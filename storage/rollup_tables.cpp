#include "storage/rollup_tables.h"

#include <string>
#include <utility>

namespace picket::storage {

namespace {

std::int64_t block_start(Tier tier, std::int64_t slot) {
    return floor_to(slot, block_slots(tier)) * slot_ms(tier);
}

void add_to(Block& block, const SlotSum& sum) {
    Slot& slot =
        block.at(static_cast<std::uint32_t>(sum.slot - block.start_ms / slot_ms(block.tier)));
    slot.totals += sum.totals;
    slot.sketch.merge(sum.sketch);
}

}  // namespace

Result<RollupTables> RollupTables::create(Database& database) {
    auto put = PICKET_TRY(
        database.prepare("INSERT INTO blocks (check_id, tier, start_ms, sketch, slots) "
                         "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (check_id, tier, start_ms) "
                         "DO UPDATE SET sketch = excluded.sketch, slots = excluded.slots"));
    auto find_newest = PICKET_TRY(
        database.prepare("SELECT start_ms, slots FROM blocks WHERE check_id = ?1 AND tier = ?2 "
                         "AND start_ms < ?3 ORDER BY start_ms DESC LIMIT 1"));
    auto remove = PICKET_TRY(
        database.prepare("DELETE FROM blocks WHERE check_id = ?1 AND tier = ?2 AND start_ms = ?3"));
    auto list_after =
        PICKET_TRY(database.prepare("SELECT start_ms FROM blocks WHERE check_id = ?1 AND tier = ?2 "
                                    "AND start_ms > ?3"));
    return RollupTables(Statements{std::move(put), std::move(find_newest), std::move(remove),
                                   std::move(list_after)});
}

Status RollupTables::add(std::int64_t check, Tier tier, const std::vector<SlotSum>& sums,
                         std::optional<Block>& newest) {
    if (!newest) {
        newest = PICKET_TRY(newest_before(check, tier, INT64_MAX));
        if (newest)
            PICKET_TRY(
                statements_.remove.bind(check, static_cast<int>(tier), newest->start_ms).run());
    }
    for (const SlotSum& sum : sums) {
        const std::int64_t start_ms = block_start(tier, sum.slot);
        if (newest && start_ms < newest->start_ms) {
            PICKET_TRY(add_late(check, sum, *newest));
            continue;
        }
        if (!newest || start_ms > newest->start_ms) {
            Block next{.tier = tier, .start_ms = start_ms, .prefix = {}, .slots = {}};
            if (newest) {
                PICKET_TRY(put(check, *newest));
                next.prefix = newest->end();
            }
            newest = std::move(next);
        }
        add_to(*newest, sum);
    }
    return {};
}

Status RollupTables::put(std::int64_t check, const Block& block) {
    std::string sketch;
    if (block.tier == Tier::hour) block.sketch().put(sketch);
    return statements_.put
        .bind(check, static_cast<int>(block.tier), block.start_ms, Blob{sketch},
              Blob{encode_block(block)})
        .run();
}

Result<std::optional<Block>> RollupTables::newest_before(std::int64_t check, Tier tier,
                                                         std::int64_t end_ms) {
    auto& find = statements_.find_newest.bind(check, static_cast<int>(tier), end_ms);
    if (!PICKET_TRY(find.step())) return std::optional<Block>();
    Block block = PICKET_TRY(decode_block(tier, find.integer(0), find.blob(1)));
    find.reset();
    return std::optional<Block>(std::move(block));
}

Result<Block> RollupTables::block_at(std::int64_t check, Tier tier, std::int64_t start_ms) {
    auto before = PICKET_TRY(newest_before(check, tier, start_ms + 1));
    if (before && before->start_ms == start_ms) return *std::move(before);
    return Block{.tier = tier,
                 .start_ms = start_ms,
                 .prefix = before ? before->end() : Totals{},
                 .slots = {}};
}

Status RollupTables::add_late(std::int64_t check, const SlotSum& sum, Block& newest) {
    Block block = PICKET_TRY(block_at(check, newest.tier, block_start(newest.tier, sum.slot)));
    add_to(block, sum);
    PICKET_TRY(put(check, block));
    PICKET_TRY(raise_after(check, newest.tier, block.start_ms, sum.totals));
    newest.prefix += sum.totals;
    return {};
}

Status RollupTables::raise_after(std::int64_t check, Tier tier, std::int64_t start_ms,
                                 const Totals& more) {
    std::vector<std::int64_t> starts;
    auto& list = statements_.list_after.bind(check, static_cast<int>(tier), start_ms);
    while (PICKET_TRY(list.step())) starts.push_back(list.integer(0));
    list.reset();
    for (const std::int64_t start : starts) {
        Block block = PICKET_TRY(block_at(check, tier, start));
        block.prefix += more;
        PICKET_TRY(put(check, block));
    }
    return {};
}

}  // namespace picket::storage
