#include "gossip/membership/swim.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "gossip/membership/tags.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};
const wire::Versions serf{1, 5, 2, 2, 5, 5};

SocketAddress place(std::uint8_t number) {
    return {{IpAddress::Family::v4, {10, 0, 0, number}}, 7946};
}

// One agent, "us" at place 1, and what it sends.
struct Agent {
    TextPool texts;
    Swim swim{{.name = "us", .address = place(1), .versions = serf}, texts, 7, start};
    Instant now = start;
    std::vector<PacketRequest> packets;
    std::vector<StreamRequest> streams;
    std::vector<MemberEvent> events;

    void drain() {
        while (auto packet = swim.poll_packet()) packets.push_back(*std::move(packet));
        while (auto stream = swim.poll_stream()) streams.push_back(*std::move(stream));
        while (auto event = swim.poll_event()) events.push_back(*std::move(event));
    }
    void hear(const wire::Message& message, const SocketAddress& from = place(99)) {
        swim.on_message(now, from, message);
        drain();
    }
    void tick_until(Duration since_start) {
        while (swim.next_wakeup() <= start + since_start) {
            now = std::max(now, swim.next_wakeup());
            swim.on_tick(now);
            drain();
        }
        now = start + since_start;
    }
    // A member that a third one vouched for.
    void know(std::string_view name, std::uint8_t number, Incarnation incarnation = 5) {
        hear(wire::Alive{incarnation, name, place(number).ip, 7946, "", serf}, place(200));
        forget_outputs();
    }
    void forget_outputs() {
        drain();
        packets.clear();
        streams.clear();
        events.clear();
    }
    std::optional<Liveness> liveness(std::string_view name) const {
        const MemberView* view = swim.table().find(name);
        return view == nullptr ? std::nullopt : std::optional(view->liveness);
    }
    // How many messages of this kind went to `to`.
    template <typename Message>
    std::vector<Message> sent(const SocketAddress& to) const {
        std::vector<Message> found;
        for (const PacketRequest& packet : packets) {
            if (packet.to != to) continue;
            for (const std::string& bytes : packet.messages) {
                const auto decoded = wire::decode(bytes);
                REQUIRE(decoded.has_value());
                if (const auto* message = std::get_if<Message>(&*decoded)) {
                    found.push_back(*message);
                }
            }
        }
        return found;
    }
};

wire::Alive alive(std::string_view name, std::uint8_t number, Incarnation incarnation) {
    return {incarnation, name, place(number).ip, 7946, "", serf};
}

TEST_CASE("a member that others vouch for is known at once, and told on") {
    Agent agent;
    agent.hear(alive("b", 2, 5), place(3));
    CHECK(agent.liveness("b") == Liveness::alive);
    REQUIRE(agent.events.size() == 1);
    CHECK(agent.events[0].member.name == "b");
    CHECK_FALSE(agent.events[0].before.has_value());
    agent.tick_until(1s);
    CHECK_FALSE(agent.sent<wire::Alive>(place(2)).empty());
}

TEST_CASE("a higher incarnation wins, an equal or lower one changes nothing") {
    Agent agent;
    agent.know("b", 2, 5);
    wire::Alive newer = alive("b", 2, 5);
    newer.meta = "new";
    agent.hear(newer);
    CHECK(agent.events.empty());
    CHECK(agent.swim.ignored(Ignored::stale) == 1);
    newer.incarnation = 6;
    agent.hear(newer);
    REQUIRE(agent.events.size() == 1);
    CHECK(agent.events[0].kind == MemberEvent::Kind::updated);
    CHECK(agent.events[0].member.meta == "new");
}

TEST_CASE("nonsense changes nothing and is counted by its reason") {
    Agent agent;
    agent.know("b", 2, 5);
    wire::Alive odd = alive("c", 3, 5);
    odd.versions = {1, 5, 2, 0, 0, 0};
    agent.hear(odd);
    agent.hear(wire::Alive{5, "c", {}, 7946, "", serf});
    agent.hear(alive("c", 3, 0));
    agent.hear(alive("c", 3, Swim::incarnation_max + 1));
    agent.hear(wire::Suspect{5 + Swim::incarnation_step_max + 1, "b", "us"});
    agent.hear(wire::Suspect{5, "nobody", "b"});
    agent.hear(wire::Suspect{5, "b", "nobody"});
    agent.hear(wire::Dead{5, "b", "nobody"});
    agent.hear(wire::Ack{12345, ""});
    agent.hear(wire::Ping{1, "somebody else", {}});
    CHECK(agent.swim.table().size() == 2);
    CHECK(agent.liveness("b") == Liveness::alive);
    CHECK(agent.events.empty());
    CHECK(agent.packets.empty());
    CHECK(agent.swim.ignored(Ignored::incompatible) == 1);
    CHECK(agent.swim.ignored(Ignored::bad_address) == 1);
    CHECK(agent.swim.ignored(Ignored::absurd_incarnation) == 3);
    CHECK(agent.swim.ignored(Ignored::unknown_member) == 1);
    CHECK(agent.swim.ignored(Ignored::unknown_accuser) == 2);
    CHECK(agent.swim.ignored(Ignored::unknown_sequence) == 1);
    CHECK(agent.swim.ignored(Ignored::not_for_us) == 1);
}

TEST_CASE("a ping is answered where its source says, else where it came from") {
    Agent agent;
    agent.hear(wire::Ping{7, "us", {}}, place(9));
    REQUIRE(agent.sent<wire::Ack>(place(9)).size() == 1);
    CHECK(agent.sent<wire::Ack>(place(9))[0].sequence == 7);
    agent.hear(wire::Ping{8, "", {"x", place(10).ip, 7946}}, place(9));
    CHECK(agent.sent<wire::Ack>(place(10)).size() == 1);
}

TEST_CASE("who does not answer becomes suspect, and then failed, each told once") {
    Agent agent;
    agent.know("b", 2);
    agent.tick_until(30s);
    REQUIRE(agent.events.size() == 2);
    CHECK(agent.events[0].member.liveness == Liveness::suspect);
    CHECK(agent.events[1].member.liveness == Liveness::failed);
    CHECK(agent.events[1].before == Liveness::suspect);
    // Asked over TCP, too, and told of the suspicion in the ping itself.
    CHECK(std::ranges::count(agent.streams, StreamRequest::Kind::ping, &StreamRequest::kind) > 0);
    CHECK_FALSE(agent.sent<wire::Suspect>(place(2)).empty());
}

TEST_CASE("a suspect that raises its incarnation is alive again") {
    Agent agent;
    agent.know("b", 2, 5);
    agent.know("c", 3);
    agent.hear(wire::Suspect{5, "b", "c"});
    CHECK(agent.liveness("b") == Liveness::suspect);
    agent.hear(alive("b", 2, 5));
    CHECK(agent.liveness("b") == Liveness::suspect);
    agent.hear(alive("b", 2, 6), place(2));
    CHECK(agent.liveness("b") == Liveness::alive);
    CHECK(agent.events.back().before == Liveness::suspect);
}

TEST_CASE("accused, we refute above the accusation, and tell the accuser at once") {
    Agent agent;
    agent.know("b", 2);
    agent.hear(wire::Suspect{41, "us", "b"}, place(2));
    CHECK(agent.swim.incarnation() == 42);
    CHECK(agent.swim.health_score() == 1);
    const auto told = agent.sent<wire::Alive>(place(2));
    REQUIRE(told.size() == 1);
    CHECK(told[0].incarnation == 42);
    // The same again is old, but whoever says so does not know yet.
    agent.hear(wire::Dead{41, "us", "b"}, place(2));
    CHECK(agent.swim.incarnation() == 42);
    CHECK(agent.sent<wire::Alive>(place(2)).size() == 2);
}

TEST_CASE("who introduces itself is pinged first, and believed when it answers") {
    Agent agent;
    agent.hear(alive("b", 2, 5), place(2));
    CHECK_FALSE(agent.liveness("b").has_value());
    const auto pings = agent.sent<wire::Ping>(place(2));
    REQUIRE(pings.size() == 1);
    CHECK(pings[0].node == "b");
    agent.hear(wire::Suspect{5, "us", "b"}, place(2));  // It may of course speak of us.
    agent.hear(wire::Ack{pings[0].sequence, ""}, place(2));
    CHECK(agent.liveness("b") == Liveness::alive);
}

TEST_CASE("who introduces itself and cannot be reached is no member") {
    Agent agent;
    agent.hear(alive("b", 2, 5), place(2));
    agent.tick_until(5s);
    CHECK_FALSE(agent.liveness("b").has_value());
    REQUIRE(agent.events.size() == 1);
    CHECK(agent.events[0].kind == MemberEvent::Kind::unreachable);
}

TEST_CASE("a living member moves when only the new place answers") {
    Agent agent;
    agent.know("b", 2, 5);
    agent.hear(alive("b", 3, 6));
    CHECK(agent.swim.table().find("b")->address == place(2));
    const auto pings = agent.sent<wire::Ping>(place(3));
    REQUIRE(pings.size() == 1);
    agent.hear(wire::Ack{pings[0].sequence, ""}, place(3));
    agent.tick_until(1600ms);
    CHECK(agent.swim.table().find("b")->address == place(3));
}

TEST_CASE("a second agent of a living member's name is a conflict, not a move") {
    Agent agent;
    agent.know("b", 2, 5);
    agent.hear(alive("b", 3, 6));
    agent.hear(wire::Ack{agent.sent<wire::Ping>(place(3))[0].sequence, ""}, place(3));
    agent.hear(wire::Ack{agent.sent<wire::Ping>(place(2))[0].sequence, ""}, place(2));
    CHECK(agent.swim.table().find("b")->address == place(2));
    CHECK(agent.events.back().kind == MemberEvent::Kind::conflict);
}

TEST_CASE("a tombstone refuses a stale alive, and sets right who told it and whom it is about") {
    Agent agent;
    agent.know("b", 2, 5);
    agent.know("c", 3);
    agent.hear(wire::Dead{5, "b", "c"});
    CHECK(agent.liveness("b") == Liveness::failed);
    agent.tick_until(60s);
    CHECK_FALSE(agent.liveness("b").has_value());
    CHECK(agent.swim.tombstones() >= 1);
    agent.forget_outputs();
    agent.hear(alive("b", 2, 5), place(4));
    CHECK_FALSE(agent.liveness("b").has_value());
    REQUIRE(agent.sent<wire::Dead>(place(2)).size() == 1);
    CHECK(agent.sent<wire::Dead>(place(2))[0].node == "b");
    CHECK(agent.sent<wire::Suspect>(place(4)).size() == 1);
    agent.hear(alive("b", 2, 5), place(4));  // Not for every copy that comes.
    CHECK(agent.sent<wire::Dead>(place(2)).size() == 1);
    agent.hear(alive("b", 2, 6), place(4));
    CHECK(agent.liveness("b") == Liveness::alive);
    CHECK(agent.swim.members().size() == agent.swim.table().size() + agent.swim.tombstones());
}

TEST_CASE("what a push/pull says failed is suspect; what it says left has left") {
    Agent agent;
    agent.know("b", 2, 5);
    agent.know("c", 3, 5);
    wire::PushPull state;
    state.nodes.push_back({"b", place(2).ip, 7946, "", 5, wire::NodeCondition::dead, serf});
    state.nodes.push_back({"c", place(3).ip, 7946, "", 5, wire::NodeCondition::left, serf});
    state.nodes.push_back({"d", place(4).ip, 7946, "", 5, wire::NodeCondition::dead, serf});
    wire::Versions poisoned{};
    poisoned.protocol_max = 0;
    state.nodes.push_back({"e", place(5).ip, 7946, "", 5, wire::NodeCondition::alive, poisoned});
    state.nodes.push_back({"f", place(6).ip, 7946, "", 5, wire::NodeCondition::alive, serf});
    agent.swim.on_push_pull(agent.now, state, 1);
    CHECK(agent.liveness("b") == Liveness::suspect);
    CHECK(agent.liveness("c") == Liveness::left);
    CHECK_FALSE(agent.liveness("d").has_value());
    CHECK_FALSE(agent.liveness("e").has_value());  // One bad entry does not spoil the rest.
    CHECK(agent.liveness("f") == Liveness::alive);
}

TEST_CASE("one accuser alone cannot have the whole mesh suspected") {
    Agent agent;
    for (int number = 0; number < 60; ++number) {
        agent.know("m" + std::to_string(number), static_cast<std::uint8_t>(10 + number));
    }
    for (int number = 1; number < 60; ++number) {
        agent.hear(wire::Suspect{5, "m" + std::to_string(number), "m0"});
    }
    CHECK(agent.swim.table().count(Liveness::suspect) == Accusers::burst);
    CHECK(agent.swim.ignored(Ignored::accused_too_often) == 59 - Accusers::burst);
}

TEST_CASE("who leaves says so at once, answers still, and is back under a new incarnation") {
    Agent agent;
    agent.know("b", 2);
    agent.tick_until(100ms);
    agent.swim.leave(agent.now);
    agent.drain();
    const auto told = agent.sent<wire::Dead>(place(2));
    REQUIRE(told.size() == 1);
    CHECK(told[0].from == "us");
    CHECK_FALSE(agent.swim.leave_done(agent.now));
    agent.hear(wire::Ping{7, "us", {}}, place(2));
    CHECK(agent.sent<wire::Ack>(place(2)).size() == 1);
    agent.hear(wire::Suspect{9, "us", "b"}, place(2));
    CHECK(agent.swim.self().liveness == Liveness::left);
    agent.tick_until(6s);
    CHECK(agent.swim.leave_done(agent.now));
    const Incarnation before = agent.swim.incarnation();
    agent.swim.rejoin(agent.now);
    CHECK(agent.swim.incarnation() == before + 1);
    CHECK(agent.swim.self().liveness == Liveness::alive);
}

TEST_CASE("a seed is tried until a member is there, ever more rarely") {
    Agent agent;
    agent.swim.join(agent.now, place(9));
    agent.drain();
    REQUIRE(agent.streams.size() == 1);
    CHECK(agent.streams[0].join);
    for (Duration end = 1s; end <= 10min; end += 1s) {
        agent.tick_until(end);
        for (const StreamRequest& stream : agent.streams) {
            agent.swim.on_stream_failed(agent.now, stream.id);
        }
    }
    CHECK(agent.streams.size() >= 10);
    CHECK(agent.streams.size() <= 16);
    CHECK_FALSE(agent.swim.reached(place(9)));
    agent.forget_outputs();
    agent.know("seed", 9);
    CHECK(agent.swim.reached(place(9)));
}

TEST_CASE("the application has half of a packet, and the rest when nobody else wants it") {
    Agent agent;
    for (int number = 0; number < 100; ++number) {
        agent.know("a-member-with-a-long-name-" + std::to_string(number), 2);
    }
    agent.swim.broadcast(agent.now, Rank::details, 0, '\x08' + std::string(600, 'x'),
                         Audience::everybody);
    agent.tick_until(200ms);
    bool found = false;
    for (const PacketRequest& packet : agent.packets) {
        std::size_t bytes = 0;
        std::size_t user_bytes = 0;
        for (const std::string& message : packet.messages) {
            bytes += message.size() + 2;
            if (message.front() == '\x08') user_bytes += message.size() + 2;
        }
        CHECK(bytes <= 1398);
        if (user_bytes > 0) {
            found = true;
            CHECK(bytes - user_bytes > 600);  // And membership has the other half.
        }
    }
    CHECK(found);
}

TEST_CASE(
    "a verdict leaves at once, to three of picket's agents, and not more often than allowed") {
    Agent agent;
    const std::string tags = encode_tags({{"picket", "1"}});
    for (std::uint8_t number = 2; number < 10; ++number) {
        wire::Alive member = alive("p", number, 5);
        const std::string name = "p" + std::to_string(number);
        member.node = name;
        member.meta = tags;
        agent.hear(member);
        agent.know("foreign" + std::to_string(number), static_cast<std::uint8_t>(number + 50));
    }
    agent.forget_outputs();
    agent.swim.broadcast(agent.now, Rank::details, 1, "\x08 details", Audience::picket);
    agent.drain();
    CHECK(agent.packets.empty());
    agent.swim.broadcast(agent.now, Rank::verdicts, 2, "\x08 verdict", Audience::picket);
    agent.drain();
    REQUIRE(agent.packets.size() == 3);
    for (const PacketRequest& packet : agent.packets) {
        CHECK(packet.to.ip.bytes[3] < 10);
        CHECK(std::ranges::count(packet.messages, "\x08 verdict") == 1);
    }
    agent.forget_outputs();
    for (std::uint64_t key = 3; key < 103; ++key) {
        agent.swim.broadcast(agent.now, Rank::verdicts, key, "\x08 verdict", Audience::picket);
    }
    agent.drain();
    CHECK(agent.packets.size() == 3 * (Swim::verdicts_at_once_burst - 1));
}

TEST_CASE("an agent that was stopped hears the others out before it declares them failed") {
    Agent agent;
    agent.know("b", 2, 5);
    agent.know("c", 3);
    agent.hear(wire::Suspect{5, "b", "c"});
    agent.now = start + 60s;
    agent.swim.on_tick(agent.now);
    CHECK(agent.liveness("b") == Liveness::suspect);
    CHECK(agent.swim.health_score() == 1);
    agent.hear(alive("b", 2, 6), place(2));
    CHECK(agent.liveness("b") == Liveness::alive);
}

TEST_CASE("a lone agent that stood still trusts itself again, once its timers come on time") {
    Agent agent;
    for (const Duration until : {10s, 20s, 30s}) {
        agent.tick_until(until - 5s);
        agent.now = start + until;
        agent.swim.on_tick(agent.now);
        agent.drain();
        CHECK(agent.swim.health_score() == 1);
    }
    agent.tick_until(40s);
    CHECK(agent.swim.health_score() == 0);
}

TEST_CASE("only what is failed or left can be forgotten") {
    Agent agent;
    agent.know("b", 2, 5);
    CHECK_FALSE(agent.swim.forget("b"));
    CHECK_FALSE(agent.swim.forget("us"));
    CHECK_FALSE(agent.swim.forget("nobody"));
    agent.hear(wire::Dead{5, "b", "b"});
    CHECK(agent.liveness("b") == Liveness::left);
    CHECK(agent.swim.forget("b"));
    CHECK_FALSE(agent.liveness("b").has_value());
}

}  // namespace
}  // namespace picket::gossip
