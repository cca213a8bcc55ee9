// Reference: who counts in a roll call (agreement.md, 3.5).
//
// Picket's agents by name, kept when they are gone: only so can a side that lost the
// others tell that it is the smaller one. Foreign members never count.
//
// * An agent counts once it has written itself in, which it does when it is settled and
//   a roll call of its own has passed. Before that it is a guest: one that joined a
//   side without a quorum does not make that side larger.
// * Who leaves by its own word is taken out by everybody who hears of it.
// * Who vanished is forgotten after forget_after, counted only from one passed roll call
//   to the next: a side that is cut off forgets nobody. All agents write the same record.
// * An operator may forget by name or by zone. A newer boot of the name clears it.
// * That somebody is out is kept from the hour when it was taken out, however long before it
//   had written itself in: a mesh at rest makes no roll calls.
//
// The records are the registry's: this reads them, and says which are to be put there.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "gossip/spread/record.h"

namespace picket::gossip {

class Reference {
public:
    static constexpr Duration forget_after = std::chrono::minutes(10);
    // Passed roll calls further apart say nothing about the time between them.
    static constexpr Duration passes_apart_max = std::chrono::seconds(30);
    // How often an agent says again that it is there; who left is kept by that.
    static constexpr std::uint32_t refresh_hours = 24;

    struct Options {
        std::string name;
        std::string zone{};
        bool joins = false;  // There is a mesh to be joined.
    };
    explicit Reference(Options options) : options_(std::move(options)) {}

    // What the registry holds now, or that it holds none any more.
    void on_record(const ReferenceRecord& record);
    void on_erased(std::string_view name);

    // Picket's members as membership sees them.
    void on_present(Instant now, std::string_view name);
    void on_vanished(Instant now, std::string_view name);
    // The mesh was reached, and has no other picket agent.
    void on_alone() { met_anybody_ = true; }
    // By its own word. The record to put, if it counted.
    std::optional<ReferenceRecord> on_left(WallTime wall, std::string_view name) const;

    // A roll call of ours has ended. The records to put: of those that are forgotten by
    // it, and our own where we are to be written in. `boot` is ours.
    std::vector<ReferenceRecord> on_roll_call(Instant now, WallTime wall, bool passed, Boot boot,
                                              bool settled);

    // By an operator's word: whoever counts; of a zone, whoever of it is not there.
    std::optional<ReferenceRecord> forget(WallTime wall, std::string_view name) const;
    std::vector<ReferenceRecord> forget_zone(WallTime wall, std::string_view zone) const;
    ReferenceRecord leave(WallTime wall, Boot boot) const;

    // Names that count, sorted.
    const std::vector<std::string>& counted() const;
    bool counts(std::string_view name) const;
    // Of those, who is not there, with their zones.
    std::vector<ReferenceRecord> missing() const;
    // We do not count ourselves yet.
    bool guest() const { return guest_; }
    // There is a mesh to be joined, and nobody of picket's in it has ever been heard of.
    bool waiting_for_mesh() const;
    // We are held left or forgotten, or another run of ours is ahead: the boot that
    // would clear it.
    std::optional<Boot> boot_needed(Boot boot) const;
    // How long a vanished member has been missed, as far as it counts.
    Duration missed_for(std::string_view name) const;

private:
    struct Presence {
        bool here = false;
        Instant since{};    // Of being gone.
        Duration missed{};  // Of that, between passed roll calls.
    };

    bool here(std::string_view name) const;
    static std::uint32_t hours(WallTime wall);
    static ReferenceRecord taken_out(ReferenceRecord record, ReferenceStatus why, WallTime wall);

    Options options_;
    std::map<std::string, ReferenceRecord, std::less<>> records_;
    std::map<std::string, Presence, std::less<>> presences_;
    std::optional<Instant> passed_at_;
    bool met_anybody_ = false;
    bool guest_ = true;
    mutable std::vector<std::string> counted_;
    mutable bool stale_ = false;
};

}  // namespace picket::gossip
