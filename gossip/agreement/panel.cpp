#include "gossip/agreement/panel.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/random.h"
#include "gossip/spread/record.h"

namespace picket::gossip {
namespace {

constexpr std::size_t witnesses_default = 5;

// Two digests make one number that says nothing of either.
std::uint64_t score(CheckKey check, AgentId agent) {
    Random mix(static_cast<std::uint64_t>(check) ^
               Random(static_cast<std::uint64_t>(agent)).next());
    return mix.next();
}

struct Ranked {
    std::uint64_t score;
    const Carrier* carrier;
};

// Best first; equal scores, which nobody will see, by the id.
bool better(const Ranked& a, const Ranked& b) {
    return a.score != b.score ? a.score > b.score : a.carrier->agent < b.carrier->agent;
}

class ZoneCount {
public:
    std::size_t& of(std::string_view zone) {
        for (auto& [name, count] : counts_) {
            if (name == zone) return count;
        }
        return counts_.emplace_back(zone, 0).second;
    }
    std::size_t zones() const { return counts_.size(); }

private:
    std::vector<std::pair<std::string_view, std::size_t>> counts_;
};

}  // namespace

PanelSize panel_size(std::optional<std::size_t> witnesses, std::optional<std::size_t> quorum,
                     std::size_t carriers) {
    const std::size_t seats =
        std::min({witnesses.value_or(witnesses_default), carriers, panel_max});
    if (seats == 0) return {};
    const std::size_t wanted = quorum.value_or(seats / 2 + 1);
    return {seats, std::clamp<std::size_t>(wanted, 1, seats)};
}

std::vector<AgentId> ranking(CheckKey check, const std::vector<Carrier>& carriers,
                             std::size_t seats, std::size_t ranks) {
    std::vector<Ranked> ranked;
    ranked.reserve(carriers.size());
    ZoneCount seen;
    for (const Carrier& carrier : carriers) {
        ranked.push_back({score(check, carrier.agent), &carrier});
        seen.of(carrier.zone) += 1;
    }
    std::sort(ranked.begin(), ranked.end(), better);
    seats = std::min(seats, ranked.size());
    ranks = std::min(std::max(ranks, seats), ranked.size());
    if (ranks == 0) return {};

    const std::size_t spread = std::max<std::size_t>(1, std::min(seats, seen.zones()));
    const std::size_t share = (seats + spread - 1) / spread;
    std::vector<AgentId> order;
    std::vector<const Ranked*> passed_over;
    ZoneCount seated;
    for (const Ranked& candidate : ranked) {
        if (order.size() < seats) {
            std::size_t& taken = seated.of(candidate.carrier->zone);
            if (taken >= share) {
                passed_over.push_back(&candidate);
                continue;
            }
            ++taken;
            order.push_back(candidate.carrier->agent);
            continue;
        }
        passed_over.push_back(&candidate);
    }
    // Those passed over come by their score, whether a zone had its share or the panel
    // was full.
    for (const Ranked* candidate : passed_over) {
        if (order.size() >= ranks) break;
        order.push_back(candidate->carrier->agent);
    }
    return order;
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
