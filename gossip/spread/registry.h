// Registry: the mergeable records that one agent holds.
//
// A record is taken if it is later than the one held of its key, and its origin may
// say it (agreement.md, 3.6):
//
//   * Of another era: refused. Steps of an epoch, or of a sub within one: gossip may
//     make one (a sub, epoch_step_max); for a larger step anti-entropy is asked. That
//     may make epoch_step_max, and a larger step only once a second peer reports it
//     too, or the only peer there is. Then the lesser of what the two said is taken.
//   * What has outlived its time (evidence, notices, and who left the reference) is
//     refused, so that an agent that still holds it cannot bring it back.
//   * Own words and stored records are believed.
//
// Persist, then show, then send: a verdict, evidence or reference record that is taken
// comes out of poll_persist() and is held from on_persisted() on. Until then nobody
// sees it, so that no agent ever said what it may not remember after a crash.
//
// Held records are summed up in buckets: each is the XOR of the digests of its
// records, and is kept up to date in O(1). A record can be unlisted: it is held, but
// not compared with other agents'.
//
// Bounded: at its kind's limit a record of a new key is refused and counted; evidence
// takes the place of the oldest, a verdict that of one that is unlisted.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/base/time.h"
#include "gossip/spread/exchange.h"
#include "gossip/spread/record_codec.h"

namespace picket::gossip {

enum class Source : std::uint8_t { own, stored, gossip, anti_entropy };

struct Origin {
    Source source = Source::own;
    AgentId peer{};  // Who brought it, where a peer did.
};

// Why a record that came was not taken.
enum class Refusal : std::uint8_t {
    known,            // Held already, or a later one. Most gossip is.
    other_era,        // Of a mesh before or after an operator's reset.
    absurd,           // A number so high that nothing could ever follow it.
    step_for_gossip,  // Anti-entropy is to be asked.
    unconfirmed,      // A step that a second peer has not reported yet.
    outlived,         // Evidence, a notice or a reference record past its time.
    full,             // The kind's limit is reached.
    not_kept,         // A kind that is for somebody, not for all.
    unknown_agent,    // Presence of no member that we know. Counted by Spread, as those below.
    not_its_sender,   // A vote that came from another address than the voter's.
};
constexpr std::size_t refusal_count = 10;
std::string_view to_text(Refusal refusal);

// For the database: the latest record of a key, or that there is none any more.
struct PersistOrder {
    std::uint64_t ticket = 0;
    RecordKey key{};
    std::string payload{};  // Encoded; empty: delete it.
};

// A record came to be held, or went.
struct RecordChange {
    RecordKey key{};
    std::optional<Record> before{};
    Origin origin{};
    bool gone = false;
};

class Registry {
public:
    static constexpr std::uint32_t epoch_step_max = 64;
    static constexpr std::uint32_t epoch_max = 0xffff'fff0;
    static constexpr std::size_t verdicts_max = 20'000;
    static constexpr std::size_t evidence_max = 4096;
    static constexpr std::size_t members_max = 20'000;  // Presence, and likewise Reference.
    static constexpr std::size_t notices_max = 64;
    static constexpr std::size_t unconfirmed_max = 1024;  // Then all wait for two anew.
    // For so long one peer must report a large step to an agent that knows of no outage.
    static constexpr Duration reported_for = std::chrono::minutes(1);
    static constexpr Duration evidence_kept = std::chrono::hours(30 * 24);
    static constexpr Duration reference_kept = std::chrono::hours(30 * 24);  // Left or forgotten.
    static constexpr Duration notice_kept = std::chrono::hours(24);

    // Nothing if the record was taken. `peers` is how many other agents of picket's are
    // there to report a large step.
    std::optional<Refusal> put(Instant now, WallTime wall, Record record, Origin origin,
                               std::size_t peers);
    void erase(const RecordKey& key);
    // Drops what has outlived its time.
    void expire(WallTime wall);

    // In the order in which they are to be written.
    std::optional<PersistOrder> poll_persist();
    // All orders up to this one are on disk.
    void on_persisted(Instant now, std::uint64_t ticket);
    std::optional<RecordChange> poll_change();

    const Record* find(const RecordKey& key) const;
    template <typename R>
    const R* find_as(const RecordKey& key) const {
        const Record* record = find(key);
        return record == nullptr ? nullptr : std::get_if<R>(record);
    }
    // Also what is not yet held, for whoever goes on from there.
    const Record* latest(const RecordKey& key) const;
    template <typename R>
    void each(const std::function<void(const R&)>& visit) const {
        for (const auto& [key, held] : held_) {
            if (const R* record = std::get_if<R>(&held.record)) visit(*record);
        }
    }
    std::size_t count(RecordKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
    std::size_t size() const { return held_.size(); }

    // ---- What is compared with other agents

    void set_listed(const RecordKey& key, bool listed);
    std::uint64_t root() const { return root_; }
    std::uint8_t bucket_bits() const { return bits_; }
    // 2^bits of them. O(1) a bucket for bits up to bucket_bits().
    std::vector<std::uint64_t> buckets(std::uint8_t bits) const;
    std::vector<ListItem> items(std::uint8_t bits, std::span<const std::uint32_t> buckets) const;
    bool listed(const RecordKey& key) const;
    static std::uint32_t bucket_of(const RecordKey& key, std::uint8_t bits);
    // Of the latest, held or not yet; nothing where there is none.
    std::optional<Precedence> precedence_of(const RecordKey& key) const;
    Instant changed_at(const RecordKey& key) const;

    // What is waiting for the disk.
    std::size_t unpersisted() const { return pending_.size(); }

private:
    struct Held {
        Record record;
        Precedence precedence;
        std::uint64_t digest = 0;
        Instant changed_at{};
        std::uint32_t place = 0;  // The highest bits of the key's hash.
        bool listed = true;
    };
    struct Pending {
        Record record;
        Precedence precedence;
        std::uint64_t digest = 0;
        std::uint64_t ticket = 0;
        Origin origin{};
    };
    struct Report {
        AgentId peer{};
        Instant since{};
        VerdictRecord verdict{};
    };

    std::optional<Refusal> check(Instant now, WallTime wall, Record& record, const Origin& origin,
                                 std::size_t peers);
    std::optional<Refusal> check_verdict(Instant now, VerdictRecord& verdict, const Origin& origin,
                                         std::size_t peers);
    bool confirmed(Instant now, VerdictRecord& verdict, bool knows_outages, AgentId peer,
                   std::size_t peers);
    bool make_room(const RecordKey& key, const Record& record);
    std::optional<RecordKey> oldest_unlisted_verdict() const;
    void hold(Instant now, const RecordKey& key, Pending pending);
    void drop(const RecordKey& key);
    bool forget_pending(const RecordKey& key);
    void add_to_bucket(const Held& held);
    void grow();

    std::unordered_map<RecordKey, Held> held_;
    std::unordered_map<RecordKey, Pending> pending_;
    std::unordered_map<RecordKey, Report> reports_;  // Steps that one peer has reported.
    std::deque<PersistOrder> orders_;
    std::deque<std::pair<std::uint64_t, RecordKey>> written_in_order_;
    std::deque<RecordChange> changes_;
    std::array<std::size_t, 8> counts_{};   // Held, by kind.
    std::array<std::size_t, 8> waiting_{};  // Pending of keys of which none is held.
    std::uint64_t next_ticket_ = 1;
    std::uint8_t bits_ = bucket_bits_min;
    std::vector<std::uint64_t> buckets_ = std::vector<std::uint64_t>(256, 0);
    std::uint64_t root_ = 0;
    std::size_t listed_ = 0;
};

}  // namespace picket::gossip
