// Journal: the newest outcomes of all checks, one row for each commit. Pure.
//
// A row is sorted by check; within a check the order of arrival stays.
//
//   row     version u8 = 1, lowest time (signed), profiles as in series.h, number of
//           entries, entries
//   entry   {(check - check before) << 1 | other profile than before, its index if so,
//           time - lowest time, latency code, figures of the profile (signed)}
//
// All numbers without a type are varints (packing.h); "before" is 0 at first.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "storage/entry.h"

namespace picket::storage {

struct JournalEntry {
    std::int64_t check_id = 0;
    Entry entry;

    friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

// Sorts the entries. Requires at least one, and ids of checks from 0 up to 2^62.
std::string encode_journal(std::vector<JournalEntry>& entries);

// Adds what the row holds, of one check or of all. Returns corrupt, and adds nothing
// that can be relied upon, for what is not a whole row.
Status decode_journal(std::string_view bytes, std::optional<std::int64_t> only_check,
                      std::vector<JournalEntry>& entries);

}  // namespace picket::storage
