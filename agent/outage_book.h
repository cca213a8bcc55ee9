// OutageBook: which outages of the mesh are stored as open, and the end of those that nobody
// will ever close.
//
// The mesh closes an outage by a verdict. Where a check is defined nowhere any more, or its host
// was forgotten, no verdict will come: the outage ends here, with a note that says why. If the
// check comes back while the mesh still holds its outage, that is open again.
//
// Pure: what is to be stored is returned.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "gossip/spread/ids.h"
#include "storage/records.h"

namespace picket {

class OutageBook {
public:
    // An agent that carries a check alone may restart meanwhile.
    static constexpr Duration unwatched_max = std::chrono::minutes(1);

    // It is held like this now, or was stored so at the start. Returns it as it is to be stored:
    // what ended for want of anybody who watches it stays over, whatever more is learnt of it.
    storage::Outage note(gossip::CheckKey check, const storage::Outage& outage);

    // No verdict will end it. Nothing where none is open.
    std::optional<storage::Outage> end(gossip::CheckKey check, WallTime wall,
                                       std::string_view note);

    // The mesh holds nothing of the check any more.
    void forget(gossip::CheckKey check);

    // Whether somebody watches it; absent: this agent cannot tell.
    using Watched = std::function<std::optional<bool>(const storage::Outage&)>;
    // Those that end now as nobody watches them, and those that are watched again.
    std::vector<storage::Outage> review(Instant now, WallTime wall, const Watched& watched);

    // Of one that is open; null where none is.
    const storage::Outage* open(gossip::CheckKey check) const;
    // As it was noted, where it is open or the last that was closed; else null.
    const storage::Outage* noted(gossip::CheckKey check, std::uint32_t epoch) const;

private:
    struct Open {
        storage::Outage outage;  // As it would be stored if it were watched.
        std::optional<Instant> unwatched_since{};
        std::optional<WallTime> ended{};  // For want of anybody who watches it.
    };
    std::map<gossip::CheckKey, Open> open_;
    std::map<gossip::CheckKey, storage::Outage> closed_;  // The last one of each.
};

}  // namespace picket
