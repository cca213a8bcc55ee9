#include "gossip/agreement/agreement.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <span>

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{std::chrono::hours(1)};
constexpr WallTime wall_begins{std::chrono::hours(24 * 365 * 50)};
constexpr Fingerprint definition{7};

std::string name(std::size_t agent) {
    return "a" + std::to_string(agent);
}

std::string zone(std::size_t agent) {
    return agent % 2 == 0 ? "z0" : "z1";
}

CheckKey key(std::size_t check) {
    return check_key("check-" + std::to_string(check));
}

// One agent, a0, of a mesh whose other members answer its roll calls, and say what the test
// has them say.
class World {
public:
    explicit World(std::size_t agents) : agents_(agents) {
        for (std::size_t agent = 1; agent < agents; ++agent) {
            agreement.on_peer(now, {.name = name(agent), .zone = zone(agent)});
            agreement.set_counted(now, name(agent), true);
        }
        agreement.set_standing(now, {.settled = true});
        run_for(1s);
    }

    void define(std::size_t check, std::optional<std::size_t> witnesses = 5) {
        MeshCheck made;
        made.key = key(check);
        made.name = "check-" + std::to_string(check);
        made.fingerprint = definition;
        made.interval = 10s;
        made.timeout = 3s;
        made.witnesses = witnesses;
        made.ours = true;
        for (std::size_t agent = 0; agent < agents_; ++agent) {
            made.carriers.push_back(agent_id(name(agent)));
        }
        agreement.on_check(now, made);
        run_for(0s);
    }

    // Every attempt ends at once, as `target_answers` says.
    void run_for(Duration duration) {
        const Instant end = now + duration;
        while (true) {
            for (int again = 0; again < 8; ++again) step();
            if (now >= end) return;
            now = std::min(end, std::max(now + 1ms, agreement.next_wakeup()));
        }
    }

    // By rank, as this agent sees them.
    std::vector<std::string> panel(std::size_t check = 0) const {
        std::vector<std::string> names;
        for (const WitnessView& witness : seats(check)) names.push_back(witness.name);
        return names;
    }
    std::vector<WitnessView> seats(std::size_t check = 0) const {
        return agreement.view(now, key(check))->panel;
    }
    std::string other_witness(std::size_t check = 0) const {
        const auto names = panel(check);
        return names[0] == name(0) ? names[1] : names[0];
    }

    VoteRecord vote(const std::string& by, Vote said = Vote::fail, std::size_t check = 0) {
        VoteRecord record;
        record.agent = agent_id(by);
        record.check = key(check);
        record.boot = 1;
        record.seq = ++seq_;
        record.fingerprint = definition;
        record.vote = said;
        record.age = 10ms;
        return record;
    }

    Instant now = start;
    Agreement agreement{{.name = name(0), .zone = zone(0), .boot = 1}, 1, start};
    bool target_answers = true;
    std::set<CheckKey> silent{};  // They do not, whatever the others do.
    bool members_answer = true;
    std::size_t attempts = 0;  // At checks.
    std::size_t proposals = 0;

private:
    void step() {
        if (agreement.next_wakeup() <= now) {
            agreement.on_tick(now, wall_begins + (now - start));
        }
        while (const auto ping = agreement.poll_ping()) {
            if (members_answer) agreement.on_roll_call_answer(now, ping->call, ping->name);
        }
        while (const auto attempt = agreement.poll_attempt()) {
            if (!agreement.on_started(now, attempt->check, attempt->id)) continue;
            if (attempt->host.empty()) ++attempts;
            Answer answer;
            const bool answers = target_answers && !silent.contains(attempt->check);
            answer.finding = answers ? Answer::Finding::passed : Answer::Finding::failed;
            answer.latency = 1ms;
            agreement.on_answer(now, attempt->check, attempt->id, answer);
        }
        while (agreement.poll_proposal()) ++proposals;
        while (agreement.poll_dispatch()) {
        }
        while (agreement.poll_event()) {
        }
    }

    std::size_t agents_;
    std::uint32_t seq_ = 0;
};

TEST_CASE("what a vote is disregarded for is counted by its reason, and shown nowhere") {
    World world(30);
    world.define(0);
    const std::string witness = world.other_witness();
    const auto refused = [&](const VoteRecord& vote, Disregarded reason) {
        CAPTURE(to_text(reason));
        const std::uint64_t before = world.agreement.disregarded(reason);
        world.agreement.on_vote(world.now, vote);
        CHECK(world.agreement.disregarded(reason) == before + 1);
        for (const WitnessView& seat : world.seats()) {
            CHECK_FALSE(seat.vote.has_value());
        }
    };
    VoteRecord vote = world.vote(witness);
    vote.check = key(9);
    refused(vote, Disregarded::unknown_check);
    refused(world.vote("stranger"), Disregarded::unknown_agent);
    vote = world.vote(witness);
    vote.fingerprint = Fingerprint{8};
    refused(vote, Disregarded::wrong_definition);
    vote = world.vote(witness);
    vote.era = era_now + 1;
    refused(vote, Disregarded::wrong_era);
    vote = world.vote(witness);
    vote.epoch = Agreement::epoch_step_max + 1;
    refused(vote, Disregarded::absurd_epoch);

    // Beyond the accepted ranks: most of thirty.
    std::size_t beyond = 0;
    for (std::size_t agent = 1; agent < 30; ++agent) {
        const std::uint64_t before = world.agreement.disregarded(Disregarded::not_a_witness);
        world.agreement.on_vote(world.now, world.vote(name(agent), Vote::ok));
        beyond += world.agreement.disregarded(Disregarded::not_a_witness) - before;
    }
    CHECK(beyond >= 30 - PanelSize{5, 3}.accepted_ranks() - 1);
    CHECK(beyond <= 30 - PanelSize{5, 3}.accepted_ranks());
}

TEST_CASE("a vote of an epoch that is over, or said before, changes nothing") {
    World world(5);
    world.define(0);
    const std::string witness = world.other_witness();
    const VoteRecord said = world.vote(witness, Vote::ok);
    world.agreement.on_vote(world.now, said);
    VoteRecord replayed = said;
    replayed.vote = Vote::fail;
    world.agreement.on_vote(world.now, replayed);
    CHECK(world.agreement.disregarded(Disregarded::replayed) == 1);

    world.agreement.on_verdict(world.now, {.check = key(0), .epoch = 2});
    world.run_for(0s);
    world.agreement.on_vote(world.now, world.vote(witness));
    CHECK(world.agreement.disregarded(Disregarded::old_epoch) == 1);
    for (const WitnessView& seat : world.seats()) {
        if (seat.vote) CHECK(seat.vote->vote == Vote::ok);
    }
}

TEST_CASE("a suspicion that is replayed makes no attempt") {
    World world(5);
    world.define(0);
    world.run_for(20s);
    const auto suspicion = [&](std::uint32_t seq, std::uint32_t round) {
        SuspicionRecord record;
        record.agent = agent_id(world.other_witness());
        record.check = key(0);
        record.boot = 1;
        record.seq = seq;
        record.fingerprint = definition;
        record.round = round;
        return record;
    };
    world.agreement.on_suspicion(world.now, suspicion(10, 1));
    world.run_for(5s);
    CHECK(world.attempts == 1);
    world.agreement.on_suspicion(world.now, suspicion(11, 2));
    world.run_for(5s);
    CHECK(world.attempts == 2);
    for (const std::uint32_t seq : {10U, 11U}) {
        world.agreement.on_suspicion(world.now, suspicion(seq, seq - 9));
        world.run_for(5s);
    }
    CHECK(world.attempts == 2);
    CHECK(world.agreement.disregarded(Disregarded::replayed) == 2);
}

TEST_CASE("what lay in the queues of an agent that stood still passes for no news") {
    World world(5);
    world.define(0);
    world.run_for(20s);
    const std::vector<std::string> panel = world.panel();
    const auto say = [&] {
        for (const std::string& witness : panel) {
            if (witness != name(0)) world.agreement.on_vote(world.now, world.vote(witness));
        }
        world.run_for(900ms);
    };
    const std::size_t before = world.proposals;
    world.now += 60s;  // Nothing is called meanwhile.
    say();
    CHECK(world.proposals == before);
    world.run_for(5s);
    say();
    CHECK(world.proposals > before);
}

TEST_CASE("a witness whose seat moves asks at its old slot once more") {
    World world(9);
    std::size_t check = 0;
    const auto rank = [&] {
        const auto seat = world.agreement.seat(key(check));
        return seat ? seat->rank : 99;
    };
    // One that has a seat behind others', and so moves up when they die.
    for (world.define(check); rank() < 2 || rank() > 4;) world.define(++check);
    const Seat seat = *world.agreement.seat(key(check));
    world.agreement.on_slot(world.now, key(check));
    world.run_for(1s);
    REQUIRE(world.attempts == 1);
    const auto first = world.panel(check)[0];
    world.agreement.on_peer(world.now, {.name = first, .zone = "z0", .liveness = Liveness::failed});
    world.run_for(1s);
    REQUIRE(world.agreement.seat(key(check)).has_value());
    REQUIRE(*world.agreement.seat(key(check)) != seat);
    world.run_for(7s);
    CHECK(world.attempts == 1);
    world.run_for(2s);  // An interval after its last slot; nobody calls its new one.
    CHECK(world.attempts == 2);
    world.run_for(20s);
    CHECK(world.attempts == 2);
}

TEST_CASE("where all carriers witness, the verdict is still the panel's") {
    constexpr std::size_t agents = 40;
    constexpr PanelSize size{5, 3};
    std::vector<Carrier> carriers;
    const std::vector<std::string> zones{"z0", "z1"};
    for (std::size_t agent = 0; agent < agents; ++agent) {
        carriers.push_back({agent_id(name(agent)), zone_id(zones[agent % 2])});
    }
    const auto by_rank = [&](std::size_t check) {
        return ranking(key(check), carriers, size.seats, agents).order;
    };
    std::size_t check = 0;  // One that we have a say in.
    const auto ours = [&] {
        const auto ranks = by_rank(check);
        return std::ranges::count(std::span(ranks).first(size.seats), agent_id(name(0)));
    };
    while (ours() == 0) ++check;
    World world(agents);
    world.define(check, std::nullopt);
    REQUIRE(world.seats(check).size() == size.seats);
    // Who is accepted has not voted; all others, and they are many, say FAIL.
    const auto ranks = by_rank(check);
    for (std::size_t agent = 1; agent < agents; ++agent) {
        const auto at = std::ranges::find(ranks, agent_id(name(agent))) - ranks.begin();
        if (static_cast<std::size_t>(at) < size.accepted_ranks()) continue;
        world.agreement.on_vote(world.now, world.vote(name(agent), Vote::fail, check));
    }
    world.run_for(5s);
    const auto shown = world.agreement.view(world.now, key(check))->voters;
    CHECK(shown.size() == agents - size.accepted_ranks());
    CHECK(world.proposals == 0);
}

// It has a seat in some 25 of 200 checks, and cannot reach what all others reach.
TEST_CASE("an agent is broken by its own checks, however many others the mesh has") {
    World world(40);
    constexpr std::size_t checks = 200;
    std::vector<std::size_t> seats;
    for (std::size_t check = 0; check < checks; ++check) {
        world.define(check);
        if (world.agreement.seat(key(check)).has_value()) seats.push_back(check);
    }
    REQUIRE(seats.size() >= 10);
    REQUIRE(seats.size() < checks / 4);
    world.target_answers = false;
    for (const std::size_t check : seats) world.agreement.on_slot(world.now, key(check));
    world.run_for(3s);
    CHECK_FALSE(world.agreement.unfit_reason(world.now).has_value());
    // Two that are contradicted say nothing by themselves.
    for (const std::size_t check : std::span(seats).first(2)) {
        for (const std::string& witness : world.panel(check)) {
            if (witness == name(0)) continue;
            world.agreement.on_vote(world.now, world.vote(witness, Vote::ok, check));
        }
    }
    world.run_for(100ms);
    const auto unfit = world.agreement.unfit_reason(world.now);
    REQUIRE(unfit.has_value());
    CHECK(*unfit == "most of its checks fail, and others contradict it");
}

// What it asks for by its suspicion is there before it has made its vote.
TEST_CASE("an agent is contradicted also by those who look sooner than it accuses") {
    for (const bool accuses : {true, false}) {
        CAPTURE(accuses);
        World world(40);
        std::vector<std::size_t> seats;
        for (std::size_t check = 0; check < 200; ++check) {
            world.define(check);
            if (world.agreement.seat(key(check)).has_value()) seats.push_back(check);
        }
        world.target_answers = false;
        for (const std::size_t check : seats) world.agreement.on_slot(world.now, key(check));
        world.run_for(500ms);
        for (const std::size_t check : seats) {
            for (const std::string& witness : world.panel(check)) {
                if (witness == name(0)) continue;
                world.agreement.on_vote(world.now, world.vote(witness, Vote::ok, check));
            }
        }
        world.run_for(100ms);
        CHECK_FALSE(world.agreement.unfit_reason(world.now).has_value());
        // Its second attempts may pass: then it has accused nobody.
        world.target_answers = !accuses;
        world.run_for(3s);
        CHECK(world.agreement.unfit_reason(world.now).has_value() == accuses);
    }
}

TEST_CASE("of two agents one that falls silent with all targets leaves nothing to be decided") {
    World world(2);
    for (const std::size_t check : {0U, 1U}) world.define(check);
    const auto interval = [&] {
        for (const std::size_t check : {0U, 1U}) world.agreement.on_slot(world.now, key(check));
        world.run_for(10s);
    };
    interval();
    const std::size_t before = world.proposals;
    // Our uplink goes; what answered us a moment ago is no proof that it did not.
    world.target_answers = false;
    world.members_answer = false;
    interval();
    world.agreement.on_peer(world.now,
                            {.name = name(1), .zone = zone(1), .liveness = Liveness::failed});
    for (int i = 0; i < 12; ++i) interval();
    CHECK(world.proposals == before);

    // One target answers, so the other is down.
    world.target_answers = true;
    world.silent.insert(key(0));
    for (int i = 0; i < 3; ++i) interval();
    CHECK(world.proposals > before);
}

TEST_CASE("a roll call that failed by a moment's loss is made again, though nobody is missing") {
    World world(3);
    world.define(0);
    world.members_answer = false;
    world.target_answers = false;
    world.agreement.on_slot(world.now, key(0));
    world.run_for(5s);
    CHECK_FALSE(world.agreement.quorum());
    world.members_answer = true;
    world.run_for(Agreement::standing_roll_call);
    CHECK(world.agreement.quorum());
}

TEST_CASE("an outage that a fresh agent hears of has had no other before it") {
    World world(3);
    world.define(0);
    world.agreement.on_verdict(
        world.now,
        {.check = key(0), .epoch = 3, .scope = OutageScope::total, .opened_at = wall_begins});
    CHECK(world.agreement.view(world.now, key(0))->closes_in <= Agreement::dwell_calm);
}

TEST_CASE("an outage of a host that was not met since is held again, and ends when it answers") {
    World world(6);
    const CheckKey host = check_key("host/a5");
    world.agreement.on_peer_gone(world.now, "a5");  // It counts, and nobody has met it.
    world.agreement.on_verdict(
        world.now,
        {.check = host, .epoch = 1, .scope = OutageScope::total, .opened_at = wall_begins});
    world.run_for(1s);
    CHECK(world.agreement.state(world.now, host) == State::down);
    world.agreement.set_counted(world.now, "a5", false);
    world.run_for(1s);
    CHECK(world.agreement.state(world.now, host) == State::pending);  // Nobody's host any more.
    CHECK_FALSE(world.agreement.view(world.now, host).has_value());
}

TEST_CASE("a host that was suspected, and answers, is kept in mind for two minutes only") {
    World world(6);
    const auto is = [&](Liveness liveness) {
        world.agreement.on_peer(world.now, {.name = "a5", .zone = zone(5), .liveness = liveness});
    };
    CHECK(world.agreement.checks() == 0);
    is(Liveness::suspect);
    world.run_for(1s);
    is(Liveness::alive);
    world.run_for(Agreement::host_rests_for - 1s);
    CHECK(world.agreement.checks() == 1);
    // It lasts as long as it is suspected, and from then on.
    is(Liveness::suspect);
    world.run_for(2 * Agreement::host_rests_for);
    CHECK(world.agreement.checks() == 1);
    is(Liveness::alive);
    world.run_for(Agreement::host_rests_for + 1s);
    CHECK(world.agreement.checks() == 0);
}

TEST_CASE("a host that was told down is kept in mind after it is up again") {
    World world(6);
    const CheckKey host = check_key("host/a5");
    world.agreement.on_verdict(world.now, {.check = host, .epoch = 2});
    world.run_for(10 * Agreement::host_rests_for);
    CHECK(world.agreement.view(world.now, host)->verdict->epoch == 2);
}

TEST_CASE("a panel of whom too few are fit knows nothing after two intervals, until enough are") {
    World world(5);
    world.define(0);
    const auto is_fit = [&](std::size_t agent, bool fit) {
        world.agreement.on_peer(world.now, {.name = name(agent), .zone = zone(agent), .fit = fit});
    };
    const auto reason = [&] { return world.agreement.view(world.now, key(0))->unknown_reason; };
    is_fit(1, false);
    world.run_for(10s);
    is_fit(2, false);
    world.run_for(40s);
    CHECK(reason().empty());  // Three are fit.
    is_fit(3, false);         // The first is about to lose its seat.
    world.run_for(8s);
    CHECK(world.panel().size() == 5);
    world.run_for(3s);
    CHECK(world.panel().size() == 4);
    CHECK(reason().empty());
    world.run_for(9s);
    CHECK(world.panel().size() == 3);
    is_fit(4, false);
    world.run_for(19s);
    CHECK(reason().empty());
    world.run_for(2s);
    CHECK(reason() == "too few fit witnesses");
    CHECK(world.agreement.state(world.now, key(0)) == State::unknown);
    is_fit(4, true);
    CHECK(reason().empty());
}

}  // namespace
}  // namespace picket::gossip
