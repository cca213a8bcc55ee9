#include "gossip/mesh.h"

#include <doctest/doctest.h>

#include <memory>

#include "gossip/membership/tags.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

SocketAddress place(std::uint8_t number) {
    return {{IpAddress::Family::v4, {10, 0, 0, number}}, 7946};
}

wire::KeyRing keys(std::string_view text) {
    wire::KeyRing ring;
    if (text.empty()) return ring;
    const auto key = wire::Key::from_bytes(text);
    REQUIRE(key.has_value());
    REQUIRE(ring.add(*key, wire::NonceSequence({1, 2, 3, 4, 5, 6, 7})).has_value());
    return ring;
}

std::unique_ptr<Mesh> agent(TextPool& texts, std::uint8_t number, std::string_view key = "",
                            std::string label = "") {
    Mesh::Options options{.swim = {.name = "a" + std::to_string(number), .address = place(number)}};
    options.swim.meta = encode_tags({{"picket", "1"}});
    options.label = std::move(label);
    return std::make_unique<Mesh>(std::move(options), keys(key), texts, number, start);
}

// Lets `a` dial and push/pull with `b`; true when an answer came back.
bool push_pull(Mesh& a, Mesh& b) {
    a.join(start, place(2));
    const auto dial = a.poll_stream();
    REQUIRE(dial.has_value());
    REQUIRE(dial->action == StreamEffect::Action::dial);
    const auto id = b.accept_stream(start);
    REQUIRE(id.has_value());
    for (const char byte : dial->bytes) b.on_stream_bytes(start, *id, {&byte, 1});
    const auto answer = b.poll_stream();
    if (!answer.has_value() || answer->action != StreamEffect::Action::answer) return false;
    a.on_stream_bytes(start, dial->id, answer->bytes);
    return true;
}

TEST_CASE("two agents know each other after a push/pull and one ping, in clear and sealed") {
    for (const char* key : {"", "0123456789abcdef"}) {
        for (const char* label : {"", "blue"}) {
            TextPool texts;
            const auto a = agent(texts, 1, key, label);
            const auto b = agent(texts, 2, key, label);
            CHECK(push_pull(*a, *b));
            CHECK(a->swim().table().find("a2")->liveness == Liveness::alive);
            CHECK(b->swim().table().find("a1") == nullptr);
            while (const auto ping = b->poll_transmit())
                a->on_packet(start, place(2), ping->payload);
            while (const auto ack = a->poll_transmit()) b->on_packet(start, place(1), ack->payload);
            CHECK(b->swim().table().find("a1")->liveness == Liveness::alive);
            CHECK(b->swim().table().find("a1")->picket);
        }
    }
}

TEST_CASE("with a key, what is not authentic reaches nobody") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2, "0123456789abcdef");
    CHECK(push_pull(*a, *b));  // The answer is an error, which `a` cannot read.
    CHECK(b->swim().table().size() == 1);
    CHECK(a->swim().table().size() == 1);
    CHECK(b->faults(wire::Fault::not_encrypted) == 1);
    const auto failure = a->poll_failure();
    REQUIRE(failure.has_value());
    CHECK(failure->join);
    CHECK(failure->to == place(2));
    b->on_packet(start, place(1), std::string(60, '\0'));
    CHECK(b->faults(wire::Fault::not_authentic) == 1);
}

TEST_CASE("a malformed packet changes nothing and is counted") {
    TextPool texts;
    const auto a = agent(texts, 1);
    Random random(3);
    std::uint64_t counted = 0;
    for (int round = 0; round < 2000; ++round) {
        std::string noise(random.below(200), '\0');
        for (char& byte : noise) byte = static_cast<char>(random.next());
        a->on_packet(start, place(9), noise);
    }
    for (std::size_t fault = 0; fault < wire::fault_count; ++fault) {
        counted += a->faults(static_cast<wire::Fault>(fault));
    }
    CHECK(counted > 1500);
    CHECK(a->swim().table().size() == 1);
    CHECK_FALSE(a->poll_event().has_value());
}

TEST_CASE("only so many streams are taken at once, and a silent one ends by itself") {
    TextPool texts;
    const auto a = agent(texts, 1);
    for (std::size_t i = 0; i < Mesh::inbound_streams_max; ++i) {
        CHECK(a->accept_stream(start).has_value());
    }
    CHECK_FALSE(a->accept_stream(start).has_value());
    CHECK(a->streams_refused() == 1);
    a->on_tick(start + 10s);
    std::size_t closed = 0;
    while (const auto effect = a->poll_stream()) {
        if (effect->action == StreamEffect::Action::close) ++closed;
    }
    CHECK(closed == Mesh::inbound_streams_max);
    CHECK(a->accept_stream(start + 10s).has_value());
}

TEST_CASE("who does not answer a join is reported, in words") {
    TextPool texts;
    const auto a = agent(texts, 1);
    a->join(start, place(2));
    const auto dial = a->poll_stream();
    REQUIRE(dial.has_value());
    a->on_tick(start + 10s);
    const auto failure = a->poll_failure();
    REQUIRE(failure.has_value());
    CHECK(failure->reason == "no answer within 10s");
}

TEST_CASE("user messages arrive as they were sent, and what fits no packet is refused") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    CHECK(push_pull(*a, *b));
    CHECK(a->broadcast(start, Rank::decisions, 1, "p hello", Audience::picket).has_value());
    CHECK_FALSE(a->broadcast(start, Rank::decisions, 1, "", Audience::picket).has_value());
    CHECK_FALSE(a->broadcast(start, Rank::decisions, 1, std::string(1400, 'x'), Audience::picket)
                    .has_value());
    for (Instant now = start; now <= start + 1s; now += 50ms) {
        a->on_tick(now);
        while (const auto packet = a->poll_transmit()) b->on_packet(now, place(1), packet->payload);
    }
    bool heard = false;
    while (const auto message = b->poll_user()) {
        CHECK(message->from == place(1));
        heard = heard || message->payload == "p hello";
    }
    CHECK(heard);
}

TEST_CASE("picket's state rides in push/pulls that bring picket's state") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    b->set_user_state("p from b");
    CHECK(push_pull(*a, *b));
    CHECK_FALSE(a->poll_user().has_value());
    a->set_user_state("p from a");
    // Now that it is known to be picket's agent, the next one carries it along.
    for (Instant now = start; now <= start + 40s; now += 100ms) {
        a->on_tick(now);
        while (const auto packet = a->poll_transmit()) b->on_packet(now, place(1), packet->payload);
        while (const auto packet = b->poll_transmit()) a->on_packet(now, place(2), packet->payload);
        while (const auto dial = a->poll_stream()) {
            if (dial->action != StreamEffect::Action::dial) continue;
            const auto id = b->accept_stream(now);
            b->on_stream_bytes(now, *id, dial->bytes);
            const auto answer = b->poll_stream();
            if (answer.has_value()) a->on_stream_bytes(now, dial->id, answer->bytes);
        }
    }
    const auto told = b->poll_user();
    REQUIRE(told.has_value());
    bool both = false;
    for (auto message = a->poll_user(); message.has_value(); message = a->poll_user()) {
        both = both ||
               (message->channel == UserMessage::Channel::state && message->payload == "p from b");
    }
    CHECK(both);
}

std::unique_ptr<Mesh> serfs_agent(TextPool& texts, std::uint8_t number) {
    Mesh::Options options{.swim = {.name = "a" + std::to_string(number), .address = place(number)}};
    options.swim.meta = encode_tags({{"picket", "1"}});
    options.compress = false;
    options.swim.versions.delegate_min = 2;
    options.swim.versions.delegate_max = 5;
    options.swim.versions.delegate = 5;
    return std::make_unique<Mesh>(std::move(options), wire::KeyRing(), texts, number, start);
}

TEST_CASE("where no agent of Serf's can be, nobody is told in Serf's words") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    CHECK(push_pull(*a, *b));
    a->leave(start);
    CHECK(a->swim().leaving());
    for (Instant now = start; now <= start + 3s; now += 50ms) {
        a->on_tick(now);
        while (const auto packet = a->poll_transmit()) b->on_packet(now, place(1), packet->payload);
    }
    CHECK_FALSE(b->poll_user().has_value());
}

TEST_CASE("what Serf's agents tell each other goes on past picket's, where there are any") {
    for (const bool mixed : {true, false}) {
        TextPool texts;
        const auto a = serfs_agent(texts, 1);
        const std::string tags = encode_tags({{"picket", "1"}});
        const wire::Alive other{1,
                                "serf",
                                place(3).ip,
                                place(3).port,
                                mixed ? std::string_view() : tags,
                                {1, 5, 2, 2, 5, 5}};
        a->assume(start, {&other, 1});
        while (a->poll_transmit().has_value()) {
        }
        std::string packet;
        wire::encode(wire::User{serf_leave_intent(9, "somebody")}, packet);
        a->on_packet(start, place(3), packet);
        bool told = false;
        for (Instant now = start; now <= start + 1s; now += 50ms) {
            a->on_tick(now);
            while (const auto out = a->poll_transmit()) {
                told = told || out->payload.find("somebody") != std::string_view::npos;
            }
        }
        CHECK(told == mixed);
    }
}

TEST_CASE("Serf's agents hear that we leave before we have left") {
    TextPool texts;
    const auto a = serfs_agent(texts, 1);
    const auto b = serfs_agent(texts, 2);
    CHECK(push_pull(*a, *b));
    a->on_tick(start);
    while (a->poll_transmit().has_value()) {
    }
    a->leave(start);
    CHECK_FALSE(a->swim().leaving());
    bool intent = false;
    for (Instant now = start; now <= start + 3s; now += 50ms) {
        a->on_tick(now);
        while (const auto packet = a->poll_transmit()) b->on_packet(now, place(1), packet->payload);
        while (const auto message = b->poll_user()) intent = intent || message->payload[0] == '\0';
        if (a->swim().leaving()) break;
    }
    CHECK(intent);
    CHECK(a->swim().leaving());
}

}  // namespace
}  // namespace picket::gossip
