// Spread: what picket's agents tell each other beside membership, kept and told on.
//
// It composes the records that an agent holds (registry.h), the comparing with other
// agents (anti_entropy.h), the checks of the mesh (catalog.h) and who counts
// (reference.h), and has one face for whoever drives it:
//
//   in   members as membership sees them; user messages from Mesh; our own records;
//        what the database has stored, and that it has stored it; time
//   out  records to be persisted; messages to be broadcast, or sent to one agent; the
//        user state of push/pulls; events for whatever changed
//
// It decides nothing about checks: votes and suspicions pass through as events, once
// it is certain that they come from whom they name. A record that is not believed is
// counted by its reason, never shown, and never told on. An agent that is not settled
// tells nothing unasked.
//
// Persist, then send: broadcasts follow on_persisted(). Without I/O, as all of gossip/;
// after each call the driver takes out what the poll functions hold, until nothing is
// left, and calls on_tick at next_wakeup(). Wall time is only for what is kept for days.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "agent/base/time.h"
#include "gossip/membership/allowance.h"
#include "gossip/membership/node.h"
#include "gossip/spread/anti_entropy.h"
#include "gossip/spread/catalog.h"
#include "gossip/spread/reference.h"
#include "gossip/spread/registry.h"
#include "gossip/spread/spread_queue.h"

namespace picket::gossip {

// To be told to all of picket's agents: Mesh::broadcast.
struct Broadcast {
    Rank rank = Rank::details;
    std::uint64_t key = 0;
    std::string payload{};
};

// To one of them: Mesh::send, or Mesh::send_reliably.
struct Letter {
    enum class Way : std::uint8_t { packet, reliable };
    std::string to{};  // Its name,
    SocketAddress address{};
    Way way = Way::packet;
    std::string payload{};
};

// ---- Keys of records of which there is one for each check, or agent

constexpr RecordKey verdict_key(CheckKey check) {
    return {RecordKind::verdict, static_cast<std::uint64_t>(check), 0};
}
constexpr RecordKey presence_key(AgentId agent) {
    return {RecordKind::presence, static_cast<std::uint64_t>(agent), 0};
}

// ---- Events

// From the agent that it names, which is a member; nothing else is checked.
struct VoteHeard {
    VoteRecord vote;
};
struct SuspicionHeard {
    SuspicionRecord suspicion;
};
// A verdict, evidence, a notice, presence or a reference record came to be held, or went.
// `before` is what was held of the key; Spread's reads give what is held now.
using RecordHeld = RecordChange;
struct CatalogChanged {};
// Somebody counts now, or does not any more.
struct ReferenceChanged {
    std::string name;
    bool counts = false;
};
struct NowSettled {};
// Our boot is higher now, as another run of ours was ahead or we had been forgotten. To
// be persisted; votes carry it.
struct BootRaised {
    Boot boot = 0;
};
using SpreadEvent = std::variant<VoteHeard, SuspicionHeard, RecordHeld, CatalogChanged,
                                 ReferenceChanged, NowSettled, BootRaised>;

class Spread {
public:
    static constexpr std::size_t events_max = 4096;  // Of votes and suspicions; then dropped.
    static constexpr Duration presence_kept = std::chrono::hours(1);  // Of who is gone.
    // Of checks in no catalog: as long as the reasons are, since whoever takes the check up
    // again within that time must go on from its number.
    static constexpr Duration unclaimed_kept = Registry::evidence_kept;
    static constexpr Duration sweep_interval = std::chrono::minutes(1);
    // Who has joined a mesh of others' agents has by then been told of every member; where none is
    // picket's it is the first.
    static constexpr Duration foreign_only_after = std::chrono::seconds(3);

    struct Options {
        std::string name;
        std::string zone{};
        Boot boot = 1;
        std::uint32_t capabilities = 0;
        Labels labels{};
        bool joins = false;  // There is a mesh to be joined.
    };

    struct Peer {
        std::string name{};
        std::string zone{};
        SocketAddress address{};
        Liveness liveness = Liveness::alive;
        Instant since{};
    };

    Spread(Options options, std::uint64_t seed, Instant now);
    Spread(const Spread&) = delete;
    Spread& operator=(const Spread&) = delete;

    // ---- In

    // What the database holds, before anything else. False: it is malformed, or of
    // another era.
    bool restore(Instant now, WallTime wall, std::string_view payload);
    // For each MemberEvent of Mesh's. Foreign members are looked past, but that there are some
    // tells one that knows nobody of picket's that it is alone, not cut off.
    void on_member(Instant now, WallTime wall, const Member& member);
    // False: the message is not of these kinds.
    bool on_user(Instant now, WallTime wall, std::string_view payload,
                 const std::optional<SocketAddress>& from);
    void on_persisted(Instant now, WallTime wall, std::uint64_t ticket);
    void on_roll_call(Instant now, WallTime wall, bool passed);
    void on_tick(Instant now, WallTime wall);

    // Our own verdict, evidence or notice.
    void put(Instant now, WallTime wall, Record record);
    // Our own vote, suspicion, or whatever one agent should hear. Dropped where `to` is not there.
    void send(AgentId to, const Record& record);
    void set_checks(Instant now, WallTime wall, const std::vector<FileBlob>& files);
    void set_fitness(Instant now, WallTime wall, bool fit, std::string_view unfit_reason);
    // By an operator's word. How many no longer count.
    std::size_t forget(Instant now, WallTime wall, std::string_view name);
    std::size_t forget_zone(Instant now, WallTime wall, std::string_view zone);
    void leave(Instant now, WallTime wall);

    // ---- Out

    std::optional<PersistOrder> poll_persist() { return registry_.poll_persist(); }
    std::optional<Broadcast> poll_broadcast();
    std::optional<Letter> poll_letter();
    std::optional<SpreadEvent> poll_event();
    // What push/pulls carry along; whenever it changed.
    std::optional<std::string> poll_user_state();
    Instant next_wakeup() const;

    // ---- Reads

    bool settled() const { return settled_; }
    // Settled, and of everybody who is here we know what it carries.
    bool knows_everybody() const;
    AgentId self() const { return self_; }
    Boot boot() const { return presence_.boot; }
    const PresenceRecord& own_presence() const { return presence_; }
    const VerdictRecord* verdict(CheckKey check) const;
    // Of one version; and of all of an epoch that there is evidence of, in their order.
    const EvidenceRecord* evidence(CheckKey check, std::uint32_t epoch,
                                   std::uint32_t sub = 0) const;
    std::vector<const EvidenceRecord*> evidence_of_epoch(CheckKey check, std::uint32_t epoch) const;
    const PresenceRecord* presence(AgentId agent) const;
    const Peer* peer(AgentId agent) const;
    const Registry& registry() const { return registry_; }
    const Catalog& catalog() const { return catalog_; }
    const Reference& reference() const { return reference_; }
    const AntiEntropy& anti_entropy() const { return anti_entropy_; }

    std::uint64_t refused(Refusal refusal) const {
        return refused_[static_cast<std::size_t>(refusal)];
    }
    std::uint64_t faults(wire::Fault fault) const {
        return faults_[static_cast<std::size_t>(fault)];
    }
    std::uint64_t events_dropped() const { return events_dropped_; }

private:
    void on_foreign(Instant now, const Member& member);
    std::size_t forget(Instant now, WallTime wall, std::vector<ReferenceRecord> records);

    // spread_records.cpp: what came from others, and what follows from it.
    void on_record(Instant now, WallTime wall, Record record, Origin origin);
    template <typename R>
    void on_witness(Instant now, const R& record, const std::optional<SocketAddress>& from);
    void on_exchange(Instant now, const Exchange& message);
    std::optional<AgentId> agent_at(const SocketAddress& address) const;

    // Until nothing is left that follows from something else.
    void settle_all(Instant now, WallTime wall);
    bool take_deliveries(Instant now, WallTime wall);
    bool take_changes(Instant now, WallTime wall);
    void on_change(Instant now, WallTime wall, const RecordChange& change);
    void take_letters();
    // Somebody carries this check, or it is the liveness of a host that counts.
    bool claimed(CheckKey check) const;
    void list(const RecordKey& key);
    void list_all();
    void list_host(const ReferenceRecord& host);
    void tell(const RecordKey& key, const Origin& origin);
    void announce(Instant now, WallTime wall);
    std::size_t put_reference(Instant now, WallTime wall, std::vector<ReferenceRecord> records);
    void raise_boot(Instant now, WallTime wall, Boot boot);
    void check_settled(Instant now, WallTime wall);
    void update_peers(Instant now);
    void sweep(Instant now, WallTime wall);
    void event(SpreadEvent event);
    void count(Refusal refusal) { ++refused_[static_cast<std::size_t>(refusal)]; }
    void count(wire::Fault fault) { ++faults_[static_cast<std::size_t>(fault)]; }

    Options options_;
    AgentId self_;
    PresenceRecord presence_;  // Our own.
    Registry registry_;
    AntiEntropy anti_entropy_;
    Catalog catalog_;
    Reference reference_;

    std::unordered_map<AgentId, Peer> peers_;
    std::map<SocketAddress, AgentId> addresses_;
    Instant peers_at_ = never;  // When the changed list of peers is handed on.
    std::unordered_map<CheckKey, std::string> hosts_;  // Of everybody in the reference.
    std::map<CheckKey, Instant> unclaimed_since_;
    std::vector<RecordKey> to_tell_;  // Reference records by an operator's word.
    bool settled_ = false;
    bool left_ = false;         // By its own word: it does not come back in this run.
    Instant alone_at_ = never;  // When we take it that nobody else here is picket's.
    Instant sweep_at_;
    std::optional<std::uint64_t> told_root_;                      // In the user state.
    Allowance corrections_{20, std::chrono::milliseconds(50)};    // Of votes for an older epoch.
    Allowance blob_answers_{32, std::chrono::milliseconds(100)};  // Of up to 1 MiB each.

    std::deque<Broadcast> broadcasts_;
    std::deque<Letter> letters_;
    std::deque<SpreadEvent> events_;
    std::size_t witness_events_ = 0;
    std::array<std::uint64_t, refusal_count> refused_{};
    std::array<std::uint64_t, wire::fault_count> faults_{};
    std::uint64_t events_dropped_ = 0;
};

}  // namespace picket::gossip
