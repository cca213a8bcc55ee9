// Head: all of a check that is still open, in one row. Pure.
//
// What is sealed (chunks, blocks of rollups) never changes, but for a clock that
// stepped back. What still grows is here, and is rewritten as a whole when a chunk is
// sealed, or when the journal is to be let go.

#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "storage/rollup.h"
#include "storage/series.h"

namespace picket::storage {

struct Head {
    // The last entry that is in a chunk: how long it speaks for is not known yet.
    std::optional<Entry> last_sealed;
    std::array<std::optional<Block>, tiers.size()> blocks;  // The newest of each tier.
    OpenSeries series;                                      // Not yet in a chunk.
};

std::string encode_head(const Head& head);
// Returns corrupt for what is not a whole head.
Result<Head> decode_head(std::string_view bytes);

}  // namespace picket::storage
