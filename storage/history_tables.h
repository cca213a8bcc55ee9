// HistoryTables: writes batches into the tables.
//
// Names and messages become ids through two bounded caches, which are emptied when
// full and whenever a batch fails, so that an id that was rolled back is not used.
//
// Outcomes go to the SeriesTables, in the order in which they came.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "storage/database.h"
#include "storage/records.h"
#include "storage/series_tables.h"
#include "storage/wording.h"

namespace picket::storage {

class HistoryTables {
public:
    // Distinct messages remembered; a message is at most 200 bytes.
    static constexpr std::size_t messages_cached_max = 1'024;

    static Result<HistoryTables> create(Database& database);

    // All of the batch, or nothing.
    Status write(Database& database, const Batch& batch, Durability durability);

    // Requires a call after anything else changed `checks` or `messages`.
    void forget_ids();

    SeriesTables& series() { return series_; }

private:
    struct CheckId {
        std::int64_t id = 0;
        std::string type;
    };
    struct MessageId {
        std::int64_t id = 0;
        std::int64_t last_used_hour = 0;
    };
    // So that a text is looked up without a copy of it.
    struct TextHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };
    struct Statements {
        Statement find_check, insert_check, retype_check;
        Statement find_message, insert_message, touch_message;
        Statement insert_transition, put_outage, put_agent_fact;
        Statement put_mesh_record, forget_mesh_record;
    };

    HistoryTables(Statements statements, SeriesTables series)
        : statements_(std::move(statements)), series_(std::move(series)) {}

    Status write_all(Database& database, const Batch& batch, Durability durability);
    Result<JournalEntry> journal_entry(Database& database, const HistoryRow& row);
    Status write_fact(Database& database, const Transition& transition);
    Status write_fact(Database& database, const Outage& outage);
    Status write_fact(Database& database, const AgentFact& fact);
    Status write_fact(Database& database, const MeshRecord& record);

    // An empty `type` is unknown and leaves the stored one.
    Result<std::int64_t> check_id(Database& database, const std::string& name,
                                  std::string_view type, WallTime at);
    Result<std::uint32_t> message_id(Database& database, std::string_view text, WallTime at);

    Statements statements_;
    SeriesTables series_;
    std::unordered_map<std::string, CheckId> checks_;
    std::unordered_map<std::string, MessageId, TextHash, std::equal_to<>> messages_;
    Wordings wordings_;
};

}  // namespace picket::storage
