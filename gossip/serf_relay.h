// SerfRelay: which of Serf's own messages to tell on.
//
// Serf spreads its events, queries and intents as gossip: whoever hears one for the
// first time tells it on. A member that does not is a hole: in a mesh of a few agents
// of each kind one event in twenty missed one of Serf's. So picket's agents tell on what
// they do not act upon, once, and only what is whole: a message that is not could
// bring a peer down.
//
// The newest `remembered_max` are known again. At most `burst` at once, and then one
// every `period`, are told on; the rest is left to Serf's agents. Both together keep
// two relays from telling each other the same for ever.

#pragma once

#include <cstddef>
#include <deque>
#include <string_view>
#include <unordered_set>

#include "gossip/membership/allowance.h"

namespace picket::gossip {

class SerfRelay {
public:
    static constexpr std::size_t remembered_max = 1024;
    static constexpr unsigned burst = 64;
    static constexpr Duration period = std::chrono::milliseconds(20);

    // Whether this user message is to be told on; asked again, it is not.
    bool take(Instant now, std::string_view payload);

private:
    std::unordered_set<std::size_t> known_;  // Hashes: a false match is told on by others.
    std::deque<std::size_t> order_;
    Allowance allowance_{burst, period};
};

}  // namespace picket::gossip
