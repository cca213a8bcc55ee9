#include "gossip/agreement/panel.h"

#include <algorithm>
#include <span>

#include "agent/base/assert.h"
#include "agent/base/random.h"
#include "gossip/spread/record.h"

namespace picket::gossip {
namespace {

constexpr std::size_t witnesses_default = 5;

struct Ranked {
    std::uint64_t score;
    AgentId agent;
    bool operator==(const Ranked&) const = default;
};

// Equal scores, which nobody will see, by the id.
bool better(const Ranked& a, const Ranked& b) {
    return a.score != b.score ? a.score > b.score : a.agent < b.agent;
}

// The best of a zone, who come first.
struct Zone {
    ZoneId id;
    std::vector<Ranked> best;

    void offer(const Ranked& candidate, std::size_t seats) {
        if (seats == 0 || (best.size() == seats && better(best.back(), candidate))) return;
        best.insert(std::ranges::upper_bound(best, candidate, better), candidate);
        if (best.size() > seats) best.pop_back();
    }
};

Zone& zone_in(std::vector<Zone>& zones, ZoneId id) {
    const auto found = std::ranges::find(zones, id, &Zone::id);
    if (found != zones.end()) return *found;
    zones.push_back({id, {}});
    return zones.back();
}

// Who sits: by score, but no zone has more than its share. Fewer than `seats` where the others
// have nobody left.
std::vector<Ranked> seated(const std::vector<Zone>& zones, std::size_t seats) {
    std::vector<Ranked> order;
    if (seats == 0) return order;
    const std::size_t spread = std::min(seats, zones.size());
    const std::size_t share = (seats + spread - 1) / spread;
    for (const Zone& zone : zones) {
        const std::size_t most = std::min(share, zone.best.size());
        order.insert(order.end(), zone.best.begin(),
                     zone.best.begin() + static_cast<std::ptrdiff_t>(most));
    }
    std::ranges::sort(order, better);
    order.resize(std::min(order.size(), seats));
    return order;
}

}  // namespace

PanelSize panel_size(std::optional<std::size_t> witnesses, std::optional<std::size_t> quorum,
                     std::size_t carriers) {
    const std::size_t seats =
        std::min({witnesses.value_or(witnesses_default), carriers, panel_max});
    if (seats == 0) return {};
    const std::size_t wanted = quorum.value_or(seats / 2 + 1);
    return {seats, std::clamp<std::size_t>(wanted, 1, seats)};
}

// Two digests make one number that says nothing of either.
std::uint64_t score(CheckKey check, AgentId agent) {
    Random mix(static_cast<std::uint64_t>(check) ^
               Random(static_cast<std::uint64_t>(agent)).next());
    return mix.next();
}

Ranking ranking(CheckKey check, const std::vector<Carrier>& carriers, std::size_t seats,
                std::size_t ranks) {
    seats = std::min(seats, carriers.size());
    const std::size_t wanted = std::max(ranks, seats);
    ranks = std::min(wanted, carriers.size());

    std::vector<Ranked> all;
    all.reserve(carriers.size());
    std::vector<Zone> zones;
    for (const Carrier& carrier : carriers) {
        all.push_back({score(check, carrier.agent), carrier.agent});
        zone_in(zones, carrier.zone).offer(all.back(), seats);
    }
    std::vector<Ranked> order = seated(zones, seats);
    const std::size_t sitting = order.size();

    // The others come by their score, whether their zone had its share or the panel was full.
    std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(ranks), better);
    for (const Ranked& candidate : all) {
        if (order.size() == ranks) break;
        const std::span seats_taken = std::span(order).first(sitting);
        if (std::ranges::find(seats_taken, candidate) == seats_taken.end()) {
            order.push_back(candidate);
        }
    }

    Ranking found;
    for (const Ranked& ranked : order) found.order.push_back(ranked.agent);
    const bool full = sitting == seats && ranks == wanted;
    if (full && !order.empty()) found.bar = std::ranges::min(order, {}, &Ranked::score).score;
    return found;
}

Duration slot_offset(CheckKey check, Duration interval, AgentId agent, std::size_t rank,
                     std::size_t witnesses) {
    PICKET_ASSERT(interval.count() > 0 && witnesses > 0 && rank < witnesses);
    const auto whole = static_cast<std::uint64_t>(interval.count());
    if (witnesses == 1) return Duration(static_cast<Duration::rep>(score(check, agent) % whole));
    const std::uint64_t share = whole / witnesses;
    const std::uint64_t jitter_max = share / 10;  // 5 % either way.
    const std::uint64_t jitter = jitter_max == 0 ? 0 : score(check, agent) % jitter_max;
    const std::uint64_t offset =
        static_cast<std::uint64_t>(check) % whole + rank * share + whole + jitter - jitter_max / 2;
    return Duration(static_cast<Duration::rep>(offset % whole));
}

}  // namespace picket::gossip
