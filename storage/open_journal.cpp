#include "storage/open_journal.h"

#include "agent/base/assert.h"
#include "storage/journal.h"

namespace picket::storage {

Result<OpenJournal> OpenJournal::read(Database& database) {
    std::unordered_map<std::int64_t, std::int64_t> saved_rows;
    auto heads = PICKET_TRY(database.prepare("SELECT check_id, journal_id FROM heads"));
    while (PICKET_TRY(heads.step())) saved_rows.emplace(heads.integer(0), heads.integer(1));
    OpenJournal journal;
    auto rows = PICKET_TRY(database.prepare("SELECT id, entries FROM journal ORDER BY id"));
    std::vector<JournalEntry> entries;
    while (PICKET_TRY(rows.step())) {
        entries.clear();
        const auto decoded = decode_journal(rows.blob(1), std::nullopt, entries);
        if (!decoded) return tl::make_unexpected(rows.corrupt(decoded.error().message()));
        for (const JournalEntry& each : entries) {
            const auto saved = saved_rows.find(each.check_id);
            if (saved != saved_rows.end() && rows.integer(0) <= saved->second) continue;
            journal.series_[each.check_id].append(each.entry);
        }
    }
    return journal;
}

void OpenJournal::add_to(std::int64_t check, std::vector<Entry>& entries) const {
    const auto found = series_.find(check);
    if (found == series_.end()) return;
    PICKET_ASSERT(OpenSeries::read(found->second.bytes(), entries).has_value());
}

}  // namespace picket::storage
