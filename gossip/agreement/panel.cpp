#include "gossip/agreement/panel.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/random.h"
#include "gossip/spread/record.h"

namespace picket::gossip {
namespace {

constexpr std::size_t witnesses_default = 5;

struct Ranked {
    std::uint64_t score;
    const Carrier* carrier;
};

// Equal scores, which nobody will see, by the id.
bool worse(const Ranked& a, const Ranked& b) {
    return a.score != b.score ? a.score < b.score : a.carrier->agent > b.carrier->agent;
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

// Two digests make one number that says nothing of either.
std::uint64_t score(CheckKey check, AgentId agent) {
    Random mix(static_cast<std::uint64_t>(check) ^
               Random(static_cast<std::uint64_t>(agent)).next());
    return mix.next();
}

namespace {

// Of those whose score is `least` or higher; nothing where they are too few.
std::optional<Ranking> ranking_from(std::uint64_t least, CheckKey check,
                                    const std::vector<Carrier>& carriers, std::size_t seats,
                                    std::size_t ranks) {
    std::vector<Ranked> heap;
    ZoneCount seen;
    for (const Carrier& carrier : carriers) {
        seen.of(carrier.zone) += 1;
        const std::uint64_t points = score(check, carrier.agent);
        if (points >= least) heap.push_back({points, &carrier});
    }
    std::make_heap(heap.begin(), heap.end(), worse);
    seats = std::min(seats, carriers.size());
    const std::size_t wanted = std::max(ranks, seats);
    ranks = std::min(wanted, carriers.size());

    const std::size_t spread = std::max<std::size_t>(1, std::min(seats, seen.zones()));
    const std::size_t share = (seats + spread - 1) / spread;
    std::vector<Ranked> order;
    std::vector<Ranked> passed_over;
    ZoneCount seated;
    while (!heap.empty() && (order.size() < seats || order.size() + passed_over.size() < ranks)) {
        std::pop_heap(heap.begin(), heap.end(), worse);
        const Ranked candidate = heap.back();
        heap.pop_back();
        std::size_t& taken = seated.of(candidate.carrier->zone);
        const bool sits = order.size() < seats && taken < share;
        taken += sits;
        (sits ? order : passed_over).push_back(candidate);
    }
    const bool enough = order.size() == seats && order.size() + passed_over.size() >= ranks;
    if (!enough && least > 0) return std::nullopt;
    const bool full = order.size() == seats && ranks == wanted;
    // Those passed over come by their score, whether a zone had its share or the panel
    // was full.
    const std::size_t more = std::min(passed_over.size(), ranks - order.size());
    order.insert(order.end(), passed_over.begin(),
                 passed_over.begin() + static_cast<std::ptrdiff_t>(more));

    Ranking found;
    for (const Ranked& ranked : order) found.order.push_back(ranked.carrier->agent);
    if (full && !order.empty()) {
        found.bar = std::ranges::min_element(order, {}, &Ranked::score)->score;
    }
    return found;
}

}  // namespace

// Of a large mesh only the best few are looked at, unless zones ask for more: scores are as good
// as random, so about `few` of all carriers are that high.
Ranking ranking(CheckKey check, const std::vector<Carrier>& carriers, std::size_t seats,
                std::size_t ranks) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    const std::size_t few = 6 * std::max(ranks, seats);
    const std::uint64_t least = carriers.size() <= few ? 0 : most - most / carriers.size() * few;
    const auto found = ranking_from(least, check, carriers, seats, ranks);
    return found.has_value() ? *found : *ranking_from(0, check, carriers, seats, ranks);
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
