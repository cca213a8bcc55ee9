// Swim: who is in the mesh, and who has stopped answering.
//
// SWIM with Lifeguard, as memberlist does it (memberlist.md, sections 9 to 13).
// Every probe interval one member is asked whether it lives. One that does not
// answer becomes suspect, and failed unless it says otherwise in time; it does so by
// raising its incarnation. What changes is told on in a few packets each, and every
// so often two agents tell each other all they know (a push/pull).
//
// Where memberlist is known to go wrong (section 17) this does otherwise, in ways
// that a stock peer takes for ordinary traffic:
//
// * Tombstones outlive reaping. A stale alive is refused, and set right: the member
//   itself is told what is believed of it, and so is whoever still believes it alive.
// * The incarnation given at construction continues that of the last run.
// * A member may move: its new address is accepted when the old one does not answer.
// * One may leave and join again.
// * After a partition of any length the mesh heals: seeds and members that failed
//   are tried again, ever more rarely, about once a minute by somebody in the end.
// * Who introduces itself is believed once it has been reached (introductions.h),
//   and accusations cost the accuser (accusers.h).
// * Who lists incompatible versions is left out, not the whole push/pull refused.
// * A second push/pull follows the first after a second: in a mesh that starts all at
//   once some word always gets lost, and would otherwise wait for half a minute.
// * An agent that was stopped for a while first reads what came in meanwhile, and
//   declares nobody failed before it has.
// * Nacks leave in time (relays.h), and queues are bounded where they are filled.
// * Broadcasts ride only with what goes to a member drawn by lot.
//
// This is a state machine without I/O, on decoded messages. It is told what happened
// (`on_*`, and join() and the like); after each call the caller takes out what
// should happen next (`poll_*`) until there is nothing, and comes back at
// next_wakeup(). Time must not go back. What is nonsensical or outdated changes
// nothing, and is counted by its reason.

#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/random.h"
#include "gossip/membership/accusers.h"
#include "gossip/membership/awareness.h"
#include "gossip/membership/broadcast_queue.h"
#include "gossip/membership/graveyard.h"
#include "gossip/membership/introductions.h"
#include "gossip/membership/member_table.h"
#include "gossip/membership/probe_round.h"
#include "gossip/membership/relays.h"
#include "gossip/membership/suspicion.h"
#include "gossip/membership/timings.h"
#include "gossip/spread/spread_queue.h"
#include "gossip/wire/messages.h"
#include "gossip/wire/stream_messages.h"

namespace picket::gossip {

// Messages for one packet, encoded, from their type byte on.
struct PacketRequest {
    SocketAddress to;
    std::vector<std::string> messages{};
    bool checksum = false;  // The receiver is known to understand one.
};

// A stream to be opened. Its end is told with on_stream_failed, or by what it brought:
// on_push_pull, on_tcp_answer.
struct StreamRequest {
    enum class Kind : std::uint8_t { push_pull, ping };
    std::uint64_t id = 0;
    Kind kind = Kind::push_pull;
    SocketAddress to{};
    Duration timeout{};          // For all of it.
    bool join = false;           // Of a push/pull.
    bool picket = false;         // The other side is known to be one of picket's agents.
    std::string node{};          // Of a ping: who is meant.
    std::uint32_t sequence = 0;  // Of a ping.
};

// One per change, whoever told of it and however often.
struct MemberEvent {
    enum class Kind : std::uint8_t {
        changed,      // Its liveness, from `before`, which is empty for one never seen.
        updated,      // Its metadata or address.
        tcp_only,     // It answers over TCP alone: UDP seems blocked.
        udp_again,    // No more so.
        conflict,     // Another agent uses its name; `member.address` is the other's.
        unreachable,  // It introduced itself, but could not be reached where it said.
    };
    Kind kind = Kind::changed;
    Member member;
    std::optional<Liveness> before;
};

// Why a message changed nothing.
enum class Ignored : std::uint8_t {
    stale,            // Older than what is known, or nothing new. Most gossip is.
    unknown_member,   // An accusation of somebody never heard of.
    unknown_accuser,  // By somebody never heard of.
    accused_too_often,
    not_for_us,            // A ping for an agent of another name.
    unknown_sequence,      // An answer to nothing, or too late.
    incompatible,          // Versions that do not fit ours.
    bad_address,           // None that a packet can be sent to.
    absurd_incarnation,    // So high that the member could not refute it.
    mesh_full,             // members_max reached.
    relays_full,           // Relays::open_max reached.
    introduction_dropped,  // Introductions::open_max reached, or already under way.
    after_leave,           // We have left.
};
constexpr std::size_t ignored_count = 13;

class Swim {
public:
    // An incarnation is accepted up to the first, and in steps of at most the second.
    static constexpr Incarnation incarnation_max = 0xffff'fff0;
    static constexpr Incarnation incarnation_step_max = 1u << 30;
    static constexpr std::size_t seeds_max = 64;          // The oldest goes for a new one.
    static constexpr std::size_t streams_max = 64;        // Further ones are not opened.
    static constexpr std::size_t leave_told_at_once = 8;  // Told directly that we leave.
    static constexpr std::size_t verdict_told_at_once = 3;
    static constexpr unsigned verdicts_at_once_burst = 50;  // And as many a second.
    static constexpr unsigned questions_burst = 64;         // To suspects, and as many a second.

    struct Options {
        std::string name;
        SocketAddress address;  // As advertised.
        std::string meta{};
        wire::Versions versions{};
        Timings timings = timings::lan;
        Incarnation incarnation = 1;             // Above any that this name used before.
        std::size_t packet_budget_bytes = 1398;  // For messages with their overhead.
        std::size_t members_max = 20'000;
        std::size_t broadcasts_max = 4096;  // Of membership; for others' see spread_queue.h.
    };

    // `texts` must outlive it. The same seed and inputs give the same outputs.
    // Requires a name and a usable address.
    Swim(Options options, TextPool& texts, std::uint64_t seed, Instant now);

    // A message that came in a packet from `from`. User messages are not for Swim.
    void on_message(Instant now, const SocketAddress& from, const wire::Message& message);

    // What the other side of a push/pull said: `stream` is the request's id, or
    // nothing where the other side dialled. For the answer to it take push_pull_state
    // first.
    void on_push_pull(Instant now, const wire::PushPull& state,
                      std::optional<std::uint64_t> stream);
    void on_tcp_answer(Instant now, std::uint64_t stream, std::uint32_t sequence);
    void on_stream_failed(Instant now, std::uint64_t stream);
    void on_tick(Instant now);

    // Pushes and pulls with whoever is at `seed`, now, and again whenever no living
    // member is known to be there.
    void join(Instant now, const SocketAddress& seed);
    void leave(Instant now);
    // True once leave() is told as often as it can be, or its time is over.
    bool leave_done(Instant now) const;
    // Joins again after leave(), under a new incarnation.
    void rejoin(Instant now);
    void set_meta(Instant now, std::string_view meta);
    // Takes these for alive without a word to anybody, as known from before. Who is
    // known already, implausible or beyond members_max is left out.
    void assume(Instant now, std::span<const wire::Alive> members);
    // Drops a member that is failed or left, tombstone and all. False for any other.
    bool forget(std::string_view name);

    // Tells the application's message (encoded, from its type byte on) to the mesh.
    // A verdict leaves at once for a few of picket's agents, as far as the allowance goes.
    void broadcast(Instant now, Rank rank, std::uint64_t key, std::string message,
                   Audience audience);

    // Sends the application's message (likewise encoded) to one of picket's agents.
    void send_user(Instant now, const SocketAddress& to, std::string message);
    // Asks whoever is at `to`, who must be `node`, for an ack of this number, which must
    // be one of next_sequence()'s. The ack is for the caller to take out.
    void send_ping(Instant now, const SocketAddress& to, std::string_view node,
                   std::uint32_t sequence);
    std::uint32_t next_sequence() { return ++sequence_; }

    std::optional<PacketRequest> poll_packet();
    std::optional<StreamRequest> poll_stream();
    std::optional<MemberEvent> poll_event();
    Instant next_wakeup() const;

    // All we know, for a push/pull. Its texts are good until the next call.
    wire::PushPull push_pull_state(bool join) const;
    // Whether a ping for `node` is ours to answer.
    bool is_for_us(std::string_view node) const { return node.empty() || node == options_.name; }

    const MemberTable& table() const { return table_; }
    // The table's, and those that have been reaped since they failed or left.
    std::vector<Member> members() const;
    const MemberView& self() const { return *table_.find(self_); }
    Incarnation incarnation() const { return self().incarnation; }  // To be persisted.
    bool leaving() const { return leaving_; }
    unsigned health_score() const { return awareness_.score(); }
    // Whether a living member other than we is known to be at `seed`.
    bool reached(const SocketAddress& seed) const;
    const BroadcastQueue& broadcasts() const { return broadcasts_; }
    const SpreadQueue& application_broadcasts() const { return application_; }
    std::size_t tombstones() const { return graveyard_.size(); }
    std::uint64_t ignored(Ignored reason) const {
        return ignored_[static_cast<std::size_t>(reason)];
    }

private:
    // How far a word that somebody is alive is to be believed.
    enum class Word {
        vouched,     // A member says so.
        introduced,  // It may be the member's own.
        verified,    // Its address has answered us.
    };
    // Who brought a message: nobody in particular where it came over a stream.
    using From = std::optional<SocketAddress>;
    struct Seed {
        SocketAddress address;
        TextId member = no_text;  // Who was last found there.
        Instant next_at;
        Duration delay;
    };
    struct Stream {
        StreamRequest::Kind kind;
        bool join;
        std::uint32_t sequence;
    };

    // swim_rules.cpp: what is believed of whom.
    void on_alive(Instant now, const wire::Alive& heard, const From& from, Word word);
    void on_alive_about_us(Instant now, const wire::Alive& alive, const From& from);
    void on_stale_alive(Instant now, const wire::Alive& alive, MemberView& view, const From& from);
    void on_suspect(Instant now, const wire::Suspect& suspect, const From& from);
    void on_dead(Instant now, const wire::Dead& dead, const From& from);
    bool plausible(const wire::Alive& alive, const SocketAddress& address);
    bool plausible(Incarnation incarnation, const MemberView& view);
    void accept(Instant now, const wire::Alive& alive, MemberView& view, bool fresh);
    void accuse(Instant now, MemberView& view, TextId accuser, const wire::Suspect& suspect);
    std::optional<TextId> accuser(std::string_view from);  // Counts one that is unknown.
    void declare(Instant now, MemberView& view, const wire::Dead& dead);
    void refute(Instant now, Incarnation accused, const From& from);
    void raise_incarnation(Incarnation above);
    void announce(Instant now);
    wire::Alive alive_of(const MemberView& view) const;
    void tell_our_state(Instant now, const From& to);
    struct Belief {  // Of a table's view, or of a tombstone.
        Liveness liveness;
        Incarnation incarnation;
        Instant* answered;
    };
    void set_right(Instant now, const wire::Alive& stale, const Belief& belief, const From& from);

    // swim_probe.cpp: who lives.
    void probe(Instant now);
    void begin_probe(Instant now, const MemberView& target);
    void ask_others(Instant now);
    void conclude_probe(Instant now, ProbeRound::Verdict verdict);
    void on_ping(const SocketAddress& from, const wire::Ping& ping);
    void on_indirect_ping(Instant now, const SocketAddress& from, const wire::IndirectPing& ping);
    void on_ack(Instant now, std::uint32_t sequence);
    void ask_suspects(Instant now);
    void run_relays(Instant now);
    void run_introductions(Instant now);
    void introduce(Instant now, const wire::Alive& alive, const SocketAddress& address,
                   const std::optional<SocketAddress>& old);
    void reap(Instant now);
    void notice_pause(Instant now);
    Instant next_declaration() const;

    // swim_gossip.cpp: telling it.
    void gossip(Instant now);
    void push_pull();
    void heal(Instant now);
    void retry_seeds(Instant now);
    bool reached(Seed& seed) const;
    void schedule_gossip(Instant now);
    void fill(PacketRequest& packet, Audience audience);
    void tell_at_once(std::size_t members);
    std::optional<std::uint64_t> open_stream(StreamRequest request);
    // By itself: broadcasts ride only with what goes to a member drawn by lot.
    template <typename Message>
    void send(const SocketAddress& to, const Message& message);
    template <typename Message>
    void tell(Instant now, TextId about, const Message& message);

    void ignore(Ignored reason) { ++ignored_[static_cast<std::size_t>(reason)]; }
    void advance(Instant now);
    void event(MemberEvent::Kind kind, const MemberView& view,
               std::optional<Liveness> before = std::nullopt);
    void notice(Instant now, MemberEvent::Kind kind, const wire::Alive& alive);
    std::string_view text(TextId id) const { return texts_->text(id); }
    MemberView& us() { return *table_.find(self_); }
    wire::Source source() const {
        return {options_.name, options_.address.ip, options_.address.port};
    }

    Options options_;
    TextPool* texts_;
    Random random_;
    Instant now_;
    MemberTable table_;
    Graveyard graveyard_;
    TextId self_;
    Awareness awareness_;
    Suspicions suspicions_;
    Accusers accusers_;
    BroadcastQueue broadcasts_;
    SpreadQueue application_;
    bool application_first_ = false;  // In the next packet.
    Allowance eager_;                 // Of verdicts that leave at once.
    ProbeRound round_;
    Relays relays_;
    Introductions introductions_;
    Allowance answers_;     // Setting right costs packets that nobody asked for.
    Allowance self_tells_;  // Telling who accuses us with an old number, too.
    Allowance may_ask_;     // To suspects whose time is nearly over.
    Allowance notices_;     // Of conflicts and of the unreachable; refuting our double.

    Instant awake_since_{};  // When this agent last found that it had been stopped.
    bool leaving_ = false;
    Instant left_at_{};
    std::uint32_t sequence_;
    std::uint64_t next_stream_ = 1;
    Instant probe_at_;
    Instant gossip_at_ = never;
    Duration gossip_phase_;  // So that agents started together do not all speak at once.
    Instant push_pull_at_;
    Instant settle_at_ = never;  // Of the one push/pull that follows joining.
    bool joined_ = false;        // A join has succeeded, since the start or rejoin().
    Instant heal_at_;
    double heal_credit_;
    std::vector<Seed> seeds_;
    std::map<std::uint64_t, Stream> streams_;
    std::optional<std::uint64_t> probe_stream_;
    std::deque<PacketRequest> packets_;
    std::deque<StreamRequest> stream_requests_;
    std::deque<MemberEvent> events_;
    std::array<std::uint64_t, ignored_count> ignored_{};
};

template <typename Message>
void Swim::send(const SocketAddress& to, const Message& message) {
    PacketRequest packet{to, {}, false};
    wire::encode(message, packet.messages.emplace_back());
    packets_.push_back(std::move(packet));
}

template <typename Message>
void Swim::tell(Instant now, TextId about, const Message& message) {
    std::string bytes;
    wire::encode(message, bytes);
    broadcasts_.push(about, std::move(bytes));
    schedule_gossip(now);
}

}  // namespace picket::gossip
