// The verdicts of the small model (agreement_model.h), each with a number, and what an agent
// makes of one that it hears of. A Registry decides that, the shipping one: whether a version
// is accepted of whoever brings it, and whether it is later than the one held.

#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "gossip/spread/registry.h"

namespace picket::testing {

// A rule that the model goes without, so that it must find what the rule is for.
enum class Without {
    nothing,
    epochs_of_votes,  // Votes on what is over count.
    acceptance,       // Whatever is the later version is taken, whoever brings it.
    order,            // What arrives last is held.
    tie,              // Of two of one number what arrived first stays.
    disk,             // A version is sent before it is on the disk.
};

class ModelVersions {
public:
    static constexpr std::size_t max = 32;
    static constexpr unsigned first = 0;  // It was judged once, and is up.
    // Of nobody in this mesh: one peer tells of an epoch a thousand further, and of the mesh
    // as it was before a reset. Both are outages.
    static constexpr unsigned far = 1;
    static constexpr unsigned other_era = 2;

    ModelVersions(gossip::CheckKey check, Without without);

    // Found, or added.
    unsigned number_of(const gossip::VerdictRecord& verdict);
    const gossip::VerdictRecord& operator[](unsigned number) const { return versions_[number]; }
    static constexpr unsigned lies = 1U << far | 1U << other_era;
    static bool forged(unsigned number) { return (lies >> number & 1) != 0; }
    unsigned count() const { return static_cast<unsigned>(versions_.size()); }

    // What is held after `heard` came: by gossip, or by an exchange with one peer.
    unsigned after(unsigned held, unsigned heard, gossip::Source source);
    // Whether an agent may still make something of `heard`.
    bool matters(unsigned held, unsigned heard);
    // Whether what this agent writes itself is held, and is shown only once it is on the disk.
    bool kept(unsigned held, unsigned written) const;
    bool less(unsigned a, unsigned b) const { return order_[a] < order_[b]; }

private:
    unsigned decide(unsigned held, unsigned heard, gossip::Source source) const;

    const Without without_;
    std::vector<gossip::VerdictRecord> versions_;
    std::vector<gossip::VerdictVersion> order_;
    // By source, held and heard.
    std::array<std::array<std::array<std::optional<unsigned>, max>, max>, 2> after_{};
};

}  // namespace picket::testing
