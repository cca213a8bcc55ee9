#include "storage/salvage.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "storage/database.h"
#include "storage/head.h"
#include "storage/journal.h"
#include "storage/rollup_tables.h"
#include "storage/schema.h"

namespace picket::storage {

namespace {

constexpr std::int64_t rows_per_commit = 4'096;

// Keys are integers in some tables, so that what is damaged can be stepped over from
// either side; the others are read from both ends.
struct Table {
    const char* name;
    const char* id;  // Null: see `order`.
    const char* order;
    const char* order_back;
    const char* values;
};
constexpr std::array tables{
    Table{"checks", "id", "", "", "?1, ?2, ?3, ?4"},
    Table{"messages", "id", "", "", "?1, ?2, ?3"},
    Table{"transitions", "id", "", "", "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"},
    Table{"outages", nullptr, "check_id, epoch", "check_id DESC, epoch DESC",
          "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8"},
    Table{"agent_facts", nullptr, "key", "key DESC", "?1, ?2"},
    Table{"mesh_records", nullptr, "kind, key", "kind DESC, key DESC", "?1, ?2, ?3, ?4"},
    Table{"journal", "id", "", "", "?1, ?2"},
    Table{"heads", "check_id", "", "", "?1, ?2, ?3"},
    Table{"chunks", "id", "", "", "?1, ?2, ?3, ?4, ?5, ?6"},
    Table{"blocks", "id", "", "", "?1, ?2, ?3, ?4, ?5, ?6"},
};

bool is_damage(const Error& error) {
    return error.code() == Code::corrupt;
}

// Below an interior page that lied there may be rows of another table.
bool is_no_row(const Error& error) {
    return is_damage(error) || error.code() == Code::invalid;
}

// ---- Rows

class TableCopy {
public:
    static Result<TableCopy> create(Database& from, Database& to, const Table& table,
                                    Salvaged& salvaged) {
        auto put = PICKET_TRY(to.prepare(
            fmt::format("INSERT OR IGNORE INTO {} VALUES ({})", table.name, table.values)));
        return TableCopy(from, to, table, std::move(put), salvaged);
    }

    Status run() { return table_.id != nullptr ? by_id() : from_both_ends(); }

private:
    TableCopy(Database& from, Database& to, const Table& table, Statement put, Salvaged& salvaged)
        : from_(from), to_(to), table_(table), put_(std::move(put)), salvaged_(salvaged) {}

    Status put(const Statement& row) {
        if (!transaction_) transaction_.emplace(PICKET_TRY(Transaction::begin(to_)));
        PICKET_TRY(put_.bind_columns_of(row).run());
        salvaged_.rows += to_.rows_changed();
        if (++uncommitted_ < rows_per_commit) return {};
        return commit();
    }
    Status commit() {
        uncommitted_ = 0;
        if (!transaction_) return {};
        PICKET_TRY(transaction_->commit());
        transaction_.reset();
        return {};
    }

    // Copies rows until the end (true) or what is damaged (false).
    Result<bool> copy(Statement& rows, std::int64_t* last_id) {
        for (;;) {
            const auto stepped = rows.step();
            if (!stepped && is_damage(stepped.error())) return false;
            if (!PICKET_TRY(Result<bool>(stepped))) return true;
            const auto stored = put(rows);
            if (!stored && is_no_row(stored.error())) return false;
            PICKET_TRY(Status(stored));
            if (last_id != nullptr) *last_id = rows.integer(0);
        }
    }

    Status from_both_ends() {
        const auto select = [&](const char* order) {
            return from_.prepare(fmt::format("SELECT * FROM {} ORDER BY {}", table_.name, order));
        };
        auto forwards = PICKET_TRY(select(table_.order));
        if (!PICKET_TRY(copy(forwards, nullptr))) {
            ++salvaged_.stretches_lost;
            auto backwards = PICKET_TRY(select(table_.order_back));
            PICKET_TRY(copy(backwards, nullptr));
        }
        return commit();
    }

    Status by_id() {
        auto rows = PICKET_TRY(from_.prepare(
            fmt::format("SELECT * FROM {0} WHERE {1} > ?1 ORDER BY {1}", table_.name, table_.id)));
        std::int64_t last = INT64_MIN;
        for (;;) {
            rows.bind(last);
            if (PICKET_TRY(copy(rows, &last))) return commit();
            rows.reset();
            ++salvaged_.stretches_lost;
            const auto beyond = PICKET_TRY(step_over(last));
            if (!beyond) return commit();
            last = *beyond;
        }
    }

    enum class Found : std::uint8_t { row, none, damage };
    struct Next {
        Found found;
        std::int64_t id;
    };
    Result<Next> next_after(std::int64_t id) {
        auto find = PICKET_TRY(from_.prepare(fmt::format(
            "SELECT {1} FROM {0} WHERE {1} > ?1 ORDER BY {1} LIMIT 1", table_.name, table_.id)));
        const auto stepped = find.bind(id).step();
        if (!stepped && is_damage(stepped.error())) return Next{Found::damage, 0};
        if (!PICKET_TRY(Result<bool>(stepped))) return Next{Found::none, 0};
        return Next{Found::row, find.integer(0)};
    }

    // The id after which rows can be read again; absent where there are none.
    Result<std::optional<std::int64_t>> step_over(std::int64_t last) {
        const std::int64_t begin = std::max<std::int64_t>(last, -1);
        const Next next = PICKET_TRY(next_after(begin));
        // The row is there, but not all of what it holds.
        if (next.found == Found::row) return std::optional(next.id);
        // Twice as far each time, then the nearest of what was found so.
        std::int64_t damaged = begin;
        for (std::int64_t distance = 1; distance < INT64_MAX / 4 - begin; distance *= 2) {
            const Next far = PICKET_TRY(next_after(begin + distance));
            if (far.found == Found::damage) {
                damaged = begin + distance;
                continue;
            }
            std::int64_t sound = begin + distance;
            while (sound - damaged > 1) {
                const std::int64_t middle = damaged + (sound - damaged) / 2;
                const bool bad = PICKET_TRY(next_after(middle)).found == Found::damage;
                (bad ? damaged : sound) = middle;
            }
            return std::optional(sound);
        }
        return std::optional<std::int64_t>();
    }

    Database& from_;
    Database& to_;
    const Table& table_;
    Statement put_;
    Salvaged& salvaged_;
    std::optional<Transaction> transaction_;
    std::int64_t uncommitted_ = 0;
};

// ---- What the lost rows held together

// The highest number of messages on a page, and more.
constexpr std::int64_t ids_kept_free = 4'096;

Status name_orphans(Database& fresh) {
    PICKET_TRY(fresh.execute(
        "INSERT OR IGNORE INTO checks SELECT check_id, 'lost-' || check_id, '', 0 FROM ("
        "SELECT check_id FROM chunks UNION SELECT check_id FROM heads UNION "
        "SELECT check_id FROM blocks UNION SELECT check_id FROM transitions UNION "
        "SELECT check_id FROM outages) WHERE check_id NOT IN (SELECT id FROM checks)"));
    return {};
}

Status keep_message_ids_free(Database& fresh) {
    return fresh.execute(
        fmt::format("INSERT INTO messages SELECT ifnull(max(id), 0) + {}, "
                    "'(texts before this one were lost with a damaged page)', "
                    "ifnull(max(last_used_hour), 0) FROM messages",
                    ids_kept_free));
}

Result<std::vector<Entry>> chunk_entries(Statement& row) {
    return decode_chunk(row.blob(0));
}

class HeadRebuild {
public:
    HeadRebuild(Database& fresh, RollupTables& rollups, std::int64_t check)
        : fresh_(fresh), rollups_(rollups), check_(check) {}

    Status run() {
        Head head;
        auto newest = PICKET_TRY(fresh_.prepare(
            "SELECT entries FROM chunks WHERE check_id = ?1 ORDER BY id DESC LIMIT 1"));
        if (!PICKET_TRY(newest.bind(check_).step())) return {};
        head.last_sealed = PICKET_TRY(chunk_entries(newest)).back();
        newest.reset();
        for (const Tier tier : tiers) PICKET_TRY(rebuild_block(tier, head));
        const std::int64_t journal_id = PICKET_TRY(add_open(head));
        auto put = PICKET_TRY(fresh_.prepare("INSERT INTO heads VALUES (?1, ?2, ?3)"));
        return put.bind(check_, journal_id, Blob{encode_head(head)}).run();
    }

private:
    // The sums that were not in a sealed block yet, from the chunks.
    Status rebuild_block(Tier tier, Head& head) {
        auto sealed = PICKET_TRY(
            fresh_.prepare("SELECT max(start_ms) FROM blocks WHERE check_id = ?1 AND tier = ?2"));
        PICKET_TRY(sealed.bind(check_, static_cast<int>(tier)).step());
        const auto start = sealed.integer_if_any(0);
        sealed.reset();
        const std::int64_t from_ms = start ? *start + block_ms(tier) : at_ms_min;
        // One chunk more: its last point speaks on into what follows.
        auto rows = PICKET_TRY(fresh_.prepare(
            "SELECT entries FROM chunks WHERE check_id = ?1 AND id >= ifnull((SELECT max(id) FROM "
            "chunks WHERE check_id = ?1 AND last_ms < ?2), 0) ORDER BY id"));
        rows.bind(check_, from_ms);
        std::optional<Entry> before;
        std::vector<SlotSum> sums;
        while (PICKET_TRY(rows.step())) {
            const std::vector<Entry> entries = PICKET_TRY(chunk_entries(rows));
            for (SlotSum& sum : sum_up(tier, before, entries)) {
                if (sum.slot * slot_ms(tier) >= from_ms) sums.push_back(std::move(sum));
            }
            before = entries.back();
        }
        rows.reset();
        return rollups_.add(check_, tier, sums, head.blocks.at(static_cast<std::size_t>(tier)));
    }

    // What the journal has that is in no chunk: all after the entry that was sealed last.
    Result<std::int64_t> add_open(Head& head) {
        auto rows = PICKET_TRY(fresh_.prepare("SELECT id, entries FROM journal ORDER BY id"));
        std::vector<JournalEntry> entries;
        std::int64_t journal_id = 0;
        while (PICKET_TRY(rows.step())) {
            journal_id = rows.integer(0);
            PICKET_TRY(decode_journal(rows.blob(1), check_, entries));
        }
        auto begin = entries.rbegin();
        while (begin != entries.rend() && begin->entry != *head.last_sealed) ++begin;
        for (auto each = begin.base(); each != entries.end(); ++each) {
            head.series.append(each->entry);
        }
        return journal_id;
    }

    Database& fresh_;
    RollupTables& rollups_;
    std::int64_t check_;
};

// Rows that are sound but hold what this release cannot have written.
Status drop_undecodable(Database& fresh) {
    std::vector<std::int64_t> wrong;
    auto rows = PICKET_TRY(fresh.prepare("SELECT id, entries FROM journal"));
    std::vector<JournalEntry> entries;
    while (PICKET_TRY(rows.step())) {
        entries.clear();
        if (!decode_journal(rows.blob(1), std::nullopt, entries)) wrong.push_back(rows.integer(0));
    }
    auto heads = PICKET_TRY(fresh.prepare("SELECT check_id, head FROM heads"));
    std::vector<std::int64_t> wrong_heads;
    while (PICKET_TRY(heads.step())) {
        if (!decode_head(heads.blob(1))) wrong_heads.push_back(heads.integer(0));
    }
    auto remove = PICKET_TRY(fresh.prepare("DELETE FROM journal WHERE id = ?1"));
    for (const std::int64_t id : wrong) PICKET_TRY(remove.bind(id).run());
    auto remove_head = PICKET_TRY(fresh.prepare("DELETE FROM heads WHERE check_id = ?1"));
    for (const std::int64_t id : wrong_heads) PICKET_TRY(remove_head.bind(id).run());
    return {};
}

Status rebuild_heads(Database& fresh) {
    std::vector<std::int64_t> headless;
    auto rows = PICKET_TRY(fresh.prepare(
        "SELECT DISTINCT check_id FROM chunks WHERE check_id NOT IN (SELECT check_id FROM heads)"));
    while (PICKET_TRY(rows.step())) headless.push_back(rows.integer(0));
    if (headless.empty()) return {};
    auto rollups = PICKET_TRY(RollupTables::create(fresh));
    for (const std::int64_t check : headless) {
        PICKET_TRY(HeadRebuild(fresh, rollups, check).run());
    }
    return {};
}

Result<Salvaged> copy_all(Database& from, Database& fresh) {
    Salvaged salvaged;
    for (const Table& table : tables) {
        const std::int64_t lost = salvaged.stretches_lost;
        const auto copied = PICKET_TRY(TableCopy::create(from, fresh, table, salvaged)).run();
        if (!copied) {
            if (!is_damage(copied.error())) return tl::make_unexpected(copied.error());
            ++salvaged.stretches_lost;
        }
        const bool ids_lost = salvaged.stretches_lost != lost;
        if (ids_lost && std::string_view(table.name) == "messages") {
            PICKET_TRY(keep_message_ids_free(fresh));
        }
    }
    auto transaction = PICKET_TRY(Transaction::begin(fresh, Durability::power));
    PICKET_TRY(name_orphans(fresh));
    PICKET_TRY(drop_undecodable(fresh));
    PICKET_TRY(rebuild_heads(fresh));
    PICKET_TRY(transaction.commit());
    return salvaged;
}

void remove_log(const std::string& path) {
    for (const char* suffix : {"-wal", "-shm", "-journal"}) {
        std::error_code ignored;
        std::filesystem::remove(path + suffix, ignored);
    }
}

Result<Salvaged> try_salvage(const std::string& damaged, const std::string& fresh) {
    auto from = PICKET_TRY(Database::open(damaged, OpenMode::salvage));
    const auto readable = check_schema(from);
    if (!readable) return failure(Code::corrupt, readable.error().message());
    auto to = PICKET_TRY(Database::open(fresh, OpenMode::read_write));
    PICKET_TRY(prepare_schema(to));
    auto salvaged = PICKET_TRY(copy_all(from, to));
    to.tidy_on_close();
    return salvaged;
}

}  // namespace

Result<Salvaged> salvage(const std::string& damaged, const std::string& fresh) {
    remove_log(fresh);
    // The file itself is there from the beginning: it says that this is not done yet.
    std::ofstream(fresh, std::ios::trunc);
    auto salvaged = try_salvage(damaged, fresh);
    if (salvaged && std::filesystem::exists(fresh + "-wal")) {
        salvaged = failure(Code::io, fmt::format("{}: its log could not be copied back", fresh));
    }
    if (salvaged) return salvaged;
    remove_log(fresh);
    std::error_code ignored;
    std::filesystem::remove(fresh, ignored);
    return salvaged;
}

}  // namespace picket::storage
