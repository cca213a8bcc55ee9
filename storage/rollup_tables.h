// RollupTables: the sealed blocks of rollups in the table `blocks`, and the newest
// block of each tier on its way there.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/base/result.h"
#include "storage/database.h"
#include "storage/rollup.h"

namespace picket::storage {

class RollupTables {
public:
    static Result<RollupTables> create(Database& database);

    // Adds the sums, which are in the order of their slots, to a check's tier. `newest`
    // is the block that is still open and stays with the caller. Sums of slots before
    // it, from a clock that stepped back, go into the sealed blocks; all prefixes after
    // them are raised, so that windows stay right.
    Status add(std::int64_t check, Tier tier, const std::vector<SlotSum>& sums,
               std::optional<Block>& newest);

private:
    struct Statements {
        Statement put, find_newest, remove, list_after;
    };
    explicit RollupTables(Statements statements) : statements_(std::move(statements)) {}

    Status put(std::int64_t check, const Block& block);
    // The block that starts there; or a new one, with the prefix that it must have.
    Result<Block> block_at(std::int64_t check, Tier tier, std::int64_t start_ms);
    Result<std::optional<Block>> newest_before(std::int64_t check, Tier tier, std::int64_t end_ms);
    Status add_late(std::int64_t check, const SlotSum& sum, Block& newest);
    Status raise_after(std::int64_t check, Tier tier, std::int64_t start_ms, const Totals& more);

    Statements statements_;
};

}  // namespace picket::storage
