// Accusers: how often each member may accuse.
//
// A member that hears nobody, because packets reach it one way only or because it
// is starved, accuses everybody. Its accusations cost it: each takes one from its
// allowance, and comes back only when the accused is indeed found failed. Who is
// right is therefore never held back, also when half a mesh fails at once; who is
// refuted time and again is soon ignored.

#pragma once

#include <span>
#include <unordered_map>

#include "gossip/membership/allowance.h"
#include "gossip/membership/text_pool.h"

namespace picket::gossip {

class Accusers {
public:
    static constexpr unsigned burst = 16;
    // One push/pull may rightly tell of many; whose word that is cannot be known.
    static constexpr unsigned hearsay_burst = 64;
    static constexpr TextId hearsay = no_text;

    // An accusation is forgiven after `period`.
    explicit Accusers(Duration period) : period_(period) {}

    // False when this one has accused too often lately.
    bool may_accuse(Instant now, TextId accuser);

    // What they accused somebody of has proven true.
    void upheld(std::span<const TextId> accusers);

    std::size_t size() const { return allowances_.size(); }

private:
    Duration period_;
    std::unordered_map<TextId, Allowance> allowances_;  // Of those who accused lately.
    Instant swept_{};
};

}  // namespace picket::gossip
