#include "tests/sim/model_versions.h"

#include <algorithm>

#include "agent/base/assert.h"

namespace picket::testing {

using namespace gossip;

namespace {

constexpr Instant now{std::chrono::hours(1)};
constexpr WallTime wall{std::chrono::hours(24 * 365 * 50)};
constexpr std::size_t peers = 3;

void write_to_disk(Registry& registry) {
    while (const auto order = registry.poll_persist()) registry.on_persisted(now, order->ticket);
}

}  // namespace

ModelVersions::ModelVersions(CheckKey check, Without without) : without_(without) {
    VerdictRecord verdict{.check = check};
    number_of(verdict);
    verdict.scope = OutageScope::total;
    verdict.epoch = 1001;
    number_of(verdict);
    verdict.epoch = 1;
    verdict.era = era_now + 1;
    number_of(verdict);
}

unsigned ModelVersions::number_of(const VerdictRecord& verdict) {
    const auto known = std::find(versions_.begin(), versions_.end(), verdict);
    if (known != versions_.end()) return static_cast<unsigned>(known - versions_.begin());
    PICKET_ASSERT(versions_.size() < max);
    versions_.push_back(verdict);
    order_.push_back(version_of(verdict));
    return count() - 1;
}

unsigned ModelVersions::after(unsigned held, unsigned heard, Source source) {
    auto& known = after_[source == Source::gossip ? 0 : 1][held][heard];
    if (!known.has_value()) known = decide(held, heard, source);
    return *known;
}

bool ModelVersions::matters(unsigned held, unsigned heard) {
    return after(held, heard, Source::gossip) != held ||
           after(held, heard, Source::anti_entropy) != held;
}

unsigned ModelVersions::decide(unsigned held, unsigned heard, Source source) const {
    if (without_ == Without::acceptance) {
        return join(versions_[held], versions_[heard]) == Record(versions_[held]) ? held : heard;
    }
    if (without_ == Without::order && !forged(heard)) return heard;
    const bool twins =
        order_[held].epoch == order_[heard].epoch && order_[held].sub == order_[heard].sub;
    if (without_ == Without::tie && twins) return held;
    Registry registry;
    registry.put(now, wall, versions_[held], {Source::stored}, peers);
    // Twice, since the same peer may bring it again.
    for (int i = 0; i < 2; ++i) {
        registry.put(now, wall, versions_[heard], {source, AgentId{1}}, peers);
        write_to_disk(registry);
    }
    const auto* verdict = registry.find_as<VerdictRecord>(key_of(versions_[held]));
    return *verdict == versions_[heard] ? heard : held;
}

bool ModelVersions::kept(unsigned held, unsigned written) const {
    Registry registry;
    registry.put(now, wall, versions_[held], {Source::stored}, peers);
    registry.put(now, wall, versions_[written], {Source::own}, peers);
    const RecordKey key = key_of(versions_[held]);
    const bool early = *registry.find_as<VerdictRecord>(key) != versions_[held];
    write_to_disk(registry);
    return !early && *registry.find_as<VerdictRecord>(key) == versions_[written];
}

}  // namespace picket::testing
