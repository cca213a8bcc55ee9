// Journal: the newest outcomes of all checks, one row for each commit. Pure.
//
// A row is read without any other. It is sorted by check; within a check the order of arrival
// stays. Each thing that entries consist of is a column (numbers.h), so that a commit of fifty
// outcomes is some two hundred bytes and twenty commits share a page: what a commit costs the
// disk beyond the one page that it changes is the making of new ones.
//
//   row     version u8 = 2, number of entries, numbers: check of each, profiles as in series.h
//           but for their messages, numbers: message of each, index of its profile, time,
//           latency code; then of each entry the figures of its profile (signed)
//
// Version 1, which is read but not written any more, had no columns and messages in its profiles:
//
//   row     version u8 = 1, lowest time (signed), profiles, number of entries, entries
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

// What nobody writes in one commit.
constexpr std::size_t journal_row_entries_max = 65'536;

struct JournalEntry {
    std::int64_t check_id = 0;
    Entry entry;

    friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

// Sorts the entries. Requires 1 to journal_row_entries_max.
std::string encode_journal(std::vector<JournalEntry>& entries);

// Adds what the row holds, of one check or of all; of a row without that check no more is read
// than which checks it has. Returns corrupt, and adds nothing that can be relied upon, for what
// is not a whole row.
Status decode_journal(std::string_view bytes, std::optional<std::int64_t> only_check,
                      std::vector<JournalEntry>& entries);

}  // namespace picket::storage
