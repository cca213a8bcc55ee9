#include "tests/support/random_record.h"

#include <algorithm>
#include <iterator>

#include "gossip/spread/record_codec.h"

namespace picket::testing {
namespace {

using namespace gossip;

std::uint32_t small(Random& random) {
    return static_cast<std::uint32_t>(random.below(4));
}

// Now and then at the edge of its type.
std::uint32_t any(Random& random) {
    const std::uint64_t drawn = random.next();
    return random.chance(1, 8) ? 0xffff'ffff
                               : static_cast<std::uint32_t>(drawn >> (32 + drawn % 32));
}

Duration age(Random& random) {
    return std::chrono::milliseconds(random.below(100'000));
}

WallTime time(Random& random) {
    return from_milliseconds(static_cast<std::int64_t>(random.below(std::uint64_t{1} << 42)));
}

template <typename Choice>
Choice choose(Random& random, Choice last) {
    return static_cast<Choice>(random.below(static_cast<std::uint64_t>(last) + 1));
}

std::vector<std::string> names(Random& random, std::size_t names_max, std::size_t bytes_max) {
    std::vector<std::string> list(random.below(names_max + 1));
    for (std::string& name : list) name = random_text(random, bytes_max);
    std::ranges::sort(list);
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
}

}  // namespace

std::string random_text(Random& random, std::size_t bytes_max) {
    std::string text(random.below(bytes_max + 1), ' ');
    for (char& c : text) c = static_cast<char>(random.next());
    return text;
}

PresenceRecord random_presence(Random& random) {
    PresenceRecord record;
    record.agent = AgentId{random.below(3)};
    record.boot = small(random);
    record.seq = small(random);
    for (std::uint8_t& byte : record.catalog.bytes) byte = static_cast<std::uint8_t>(random.next());
    record.fit = random.chance(1, 2);
    record.unfit_reason = random_text(random, reason_bytes_max);
    record.capabilities = any(random);
    record.labels.resize(random.below(4));
    for (auto& label : record.labels) label = {random_text(random, 20), random_text(random, 20)};
    return record;
}

ReferenceRecord random_reference(Random& random) {
    ReferenceRecord record;
    record.name = "a" + std::to_string(random.below(3));
    record.boot = small(random);
    record.status = choose(random, ReferenceStatus::forgotten);
    record.seen_hours = small(random);
    record.zone = random_text(random, zone_bytes_max);
    return record;
}

VoteRecord random_vote(Random& random) {
    VoteRecord record;
    record.agent = AgentId{random.below(2)};
    record.check = CheckKey{random.below(2)};
    record.boot = small(random);
    record.seq = small(random);
    record.fingerprint = Fingerprint{random.next()};
    record.era = any(random);
    record.epoch = any(random);
    record.vote = choose(random, Vote::abstain);
    record.failure = static_cast<FailureCode>(random.next());
    record.message = random_text(random, message_bytes_max);
    record.streak = any(random);
    record.age = age(random);
    record.round = any(random);
    return record;
}

SuspicionRecord random_suspicion(Random& random) {
    SuspicionRecord record;
    record.agent = AgentId{random.below(2)};
    record.check = CheckKey{random.below(2)};
    record.boot = small(random);
    record.seq = small(random);
    record.fingerprint = Fingerprint{random.next()};
    record.epoch = any(random);
    record.direction = choose(random, SuspicionRecord::Direction::recovering);
    record.round = any(random);
    record.age = age(random);
    return record;
}

VerdictRecord random_verdict(Random& random) {
    VerdictRecord record;
    record.check = CheckKey{random.below(3)};
    record.epoch = small(random);
    record.sub = small(random);
    if (record.outage()) {
        record.scope = random.chance(1, 2) ? OutageScope::partial : OutageScope::total;
    }
    record.backing = choose(random, Backing::one_of_two);
    record.zones_failing = names(random, panel_max, zone_bytes_max);
    record.zones_passing = names(random, panel_max, zone_bytes_max);
    record.failure = static_cast<FailureCode>(random.next());
    record.proposer = AgentId{random.next()};
    record.first_failure_at = time(random);
    record.opened_at = time(random);
    record.closed_at = time(random);
    record.evidence = EvidenceHash{random.next()};
    return record;
}

EvidenceRecord random_evidence(Random& random) {
    EvidenceRecord record;
    record.check = CheckKey{random.below(2)};
    record.epoch = small(random);
    record.sub = small(random);
    record.rule = choose(random, Rule::restore);
    record.panel = static_cast<std::uint8_t>(random.below(panel_max + 1));
    record.quorum = static_cast<std::uint8_t>(random.below(panel_max + 1));
    record.begins_at = time(random);
    record.witnesses.resize(1 + random.below(panel_max));
    for (auto& witness : record.witnesses) {
        witness = {random_text(random, 40), random_text(random, zone_bytes_max)};
    }
    const auto witness = [&] {
        return static_cast<std::uint8_t>(random.below(record.witnesses.size()));
    };
    record.votes.resize(random.below(panel_max + 1));
    for (auto& vote : record.votes) {
        vote = {witness(), choose(random, Vote::abstain), static_cast<FailureCode>(random.next()),
                random_text(random, message_bytes_max), age(random)};
    }
    record.discounted.resize(random.below(4));
    for (auto& discount : record.discounted) {
        discount = {witness(), random_text(random, reason_bytes_max)};
    }
    record.roll_call = {any(random), any(random), any(random)};
    record.timeline.resize(random.below(timeline_max + 1));
    for (auto& moment : record.timeline) {
        moment = {age(random), witness(), choose(random, TimelineEvent::proposed)};
    }
    fit(record);
    return record;
}

NoticeRecord random_notice(Random& random) {
    NoticeRecord record;
    record.side = AgentId{random.below(3)};
    record.revision = small(random);
    record.over = random.chance(1, 2);
    record.known = any(random);
    record.answering = any(random);
    record.needed = any(random);
    record.since = time(random);
    record.at = time(random);
    record.missing = names(random, 6, 60);
    record.zones = names(random, panel_max, zone_bytes_max);
    return record;
}

Record random_record(Random& random) {
    switch (random.below(7)) {
        case 0:
            return random_presence(random);
        case 1:
            return random_reference(random);
        case 2:
            return random_vote(random);
        case 3:
            return random_suspicion(random);
        case 4:
            return random_verdict(random);
        case 5:
            return random_evidence(random);
        default:
            return random_notice(random);
    }
}

}  // namespace picket::testing
