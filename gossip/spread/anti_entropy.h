// AntiEntropy: two agents compare what they hold, and each gets what it misses
// (agreement.md, 5.4). Gossip is quick and may miss somebody; this finds them.
//
// Every interval the root, 8 bytes that sum up all records, goes to one peer at random,
// which answers with its own; where no answer comes another is asked, so that loss does
// not hide what is missing. Roots that differ for longer than news takes to spread begin
// an exchange: digests of the buckets; the list of what the other holds
// in those that differ; then records both ways, newest first, exchange_bytes_max of them
// at a time. An exchange goes on as long as there is more, one at a time.
//
// Who joins takes what one peer holds, by such an exchange, and then compares roots with
// a second: it is settled. Who has no peers and none to join is settled at once. One that
// is not settled sends no records unasked: they may be those of long ago.
//
// It holds no records itself: those are the registry's, and what comes is for Spread to
// put there. Without I/O, as all of gossip/.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "agent/base/time.h"
#include "gossip/membership/allowance.h"
#include "gossip/spread/exchange.h"
#include "gossip/spread/registry.h"

namespace picket::gossip {

class AntiEntropy {
public:
    static constexpr Duration interval = std::chrono::seconds(5);
    // News are everywhere in less than one (docs/PROTOCOL.md, 2.4).
    static constexpr Duration differing_min = std::chrono::seconds(2);
    static constexpr Duration root_answer_max = std::chrono::seconds(1);
    static constexpr unsigned root_tries_max = 4;
    static constexpr Duration answer_time_max = std::chrono::seconds(3);
    static constexpr Duration settle_retry = std::chrono::seconds(1);
    static constexpr unsigned rounds_max = 256;  // Of one exchange: 16 MiB of records.
    // Questions that are answered: so many at once, and a second.
    static constexpr unsigned answers_burst = 32;
    static constexpr Duration answers_period = std::chrono::milliseconds(50);

    struct Letter {
        AgentId to{};
        Exchange message;
    };
    struct Delivery {
        AgentId from{};
        std::string payload;  // One record, encoded.
    };

    // `registry` must outlive it. `joins`: there is a mesh to be joined.
    AntiEntropy(const Registry& registry, AgentId self, bool joins, std::uint64_t seed,
                Instant now);

    // Picket's agents that are there, ourselves left out.
    void set_peers(Instant now, std::vector<AgentId> peers);
    // The mesh that was to be joined has none.
    void on_alone();
    void on_message(Instant now, const Exchange& message);
    // A peer spoke of something too new for gossip to be believed.
    void on_behind(Instant now, AgentId peer);
    void on_persisted(Instant now);
    void on_tick(Instant now);
    Instant next_wakeup() const;

    std::optional<Letter> poll_letter();
    std::optional<Delivery> poll_delivery();

    bool settled() const { return phase_ == Phase::settled; }
    std::size_t peers() const { return peers_.size(); }
    RootMessage root(bool asks) const;

    std::uint64_t exchanges() const { return exchanges_; }
    std::uint64_t roots_differed() const { return roots_differed_; }
    std::uint64_t unanswered() const { return unanswered_; }  // Beyond answers_burst.

private:
    enum class Phase : std::uint8_t { waiting, snapshot, second_opinion, settled };
    // One that we began.
    struct Open {
        AgentId peer{};
        Instant deadline{};
        unsigned rounds = 0;
        bool more = false;  // There is more to fetch after this round.
        bool awaits_records = false;
        bool awaits_disk = false;
    };

    void on_root(Instant now, const RootMessage& message);
    void on_digests(Instant now, const DigestsMessage& message);
    void on_list(Instant now, const ListMessage& message);
    void on_want(Instant now, const WantMessage& message);
    void on_records(Instant now, const RecordsMessage& message);
    void ask_for_root(Instant now);
    void begin(Instant now, AgentId peer);
    void ask(Instant now);
    void go_on(Instant now);
    void end(Instant now, bool complete);
    void settle(Instant now);
    std::optional<AgentId> choose(std::optional<AgentId> other_than);
    bool known(AgentId peer) const;
    RecordsMessage pack(std::vector<RecordKey> keys) const;
    void send(AgentId to, Exchange message) { letters_.push_back({to, std::move(message)}); }

    const Registry* registry_;
    AgentId self_;
    bool joins_;
    Random random_;
    std::vector<AgentId> peers_;  // Sorted.
    Phase phase_ = Phase::waiting;
    std::optional<AgentId> first_;  // Whose snapshot we took.
    std::optional<Open> open_;
    std::optional<Instant> differs_since_;
    Instant root_at_;
    std::optional<AgentId> asked_;  // For its root.
    Instant asked_until_ = never;
    unsigned asked_times_ = 0;
    Instant settle_at_;
    Allowance answers_{answers_burst, answers_period};
    Allowance behind_{2, std::chrono::milliseconds(500)};
    std::deque<Letter> letters_;
    std::deque<Delivery> deliveries_;
    std::uint64_t exchanges_ = 0;
    std::uint64_t roots_differed_ = 0;
    std::uint64_t unanswered_ = 0;
};

}  // namespace picket::gossip
