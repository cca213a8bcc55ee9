// A small seeded generator, passed in wherever picket needs chance.

#pragma once

#include <cstdint>

#include "agent/base/assert.h"

namespace picket {

// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). Not for secrets.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15u;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
        return mixed ^ (mixed >> 31);
    }

    // Uniform in [0, bound). Requires bound > 0.
    std::uint64_t below(std::uint64_t bound) {
        PICKET_ASSERT(bound > 0);
        return next() % bound;
    }

    // True `numerator` times in `denominator`.
    bool chance(std::uint64_t numerator, std::uint64_t denominator) {
        return below(denominator) < numerator;
    }

private:
    std::uint64_t state_;
};

}  // namespace picket
