// Relays: the members that this agent asks on behalf of others.
//
// Each request gets a sequence number of our own. The answer is passed back; when
// none has come at 80 % of the probe timeout the asker is told that (the peers wait
// for all of it, and their nack comes too late: memberlist.md, section 12.4). An
// answer later than that, within the timeout, is still passed back.
//
// At `open_max` further requests are refused, which the asker takes for our own bad
// health.

#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "agent/base/address.h"
#include "agent/base/time.h"

namespace picket::gossip {

class Relays {
public:
    static constexpr std::size_t open_max = 1024;

    struct Asker {
        SocketAddress address;
        std::uint32_t sequence = 0;  // The asker's.
    };

    explicit Relays(Duration probe_timeout) : timeout_(probe_timeout) {}

    // False at open_max. Our own `sequence` numbers must be given in the order of their use.
    bool open(Instant now, std::uint32_t sequence, const Asker& asker, bool nack);

    // Whom to tell that the target answered; it is then closed.
    std::optional<Asker> on_ack(std::uint32_t sequence);

    // Whom to tell that it did not; repeat until there is none.
    std::optional<Asker> poll_nack(Instant now);

    Instant next_wakeup() const;
    std::size_t size() const { return open_.size(); }

private:
    struct Relay {
        std::uint32_t sequence = 0;
        Asker asker;
        Instant nack_at;
        Instant expires_at;
        bool nack = false;  // Still to be told.
        bool closed = false;
    };

    Duration timeout_;
    std::deque<Relay> open_;  // In the order of their ends, since each lasts as long.
};

}  // namespace picket::gossip
