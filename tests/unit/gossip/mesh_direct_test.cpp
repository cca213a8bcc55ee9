// What the application sends to one member: packets, reliable messages and pings.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gossip/membership/tags.h"
#include "gossip/mesh.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1h};

SocketAddress place(std::uint8_t number) {
    return {{IpAddress::Family::v4, {10, 0, 0, number}}, 7946};
}

std::unique_ptr<Mesh> agent(TextPool& texts, std::uint8_t number, std::string label = "") {
    Mesh::Options options{.swim = {.name = "a" + std::to_string(number), .address = place(number)}};
    options.swim.meta = encode_tags({{"picket", "1"}});
    options.label = std::move(label);
    wire::KeyRing ring;
    const auto key = wire::Key::from_bytes("0123456789abcdef");
    REQUIRE(key.has_value());
    REQUIRE(ring.add(*key, wire::NonceSequence({1, 2, 3, 4, 5, 6, number})).has_value());
    return std::make_unique<Mesh>(std::move(options), std::move(ring), texts, number, start);
}

// Carries every packet that `from` has ready over to `to`.
void carry_packets(Instant now, Mesh& from, std::uint8_t from_number, Mesh& to) {
    while (const auto packet = from.poll_transmit()) {
        to.on_packet(now, place(from_number), packet->payload);
    }
}

// Lets every stream that `from` dials reach `to`, answer or end.
void carry_streams(Instant now, Mesh& from, Mesh& to) {
    while (const auto dial = from.poll_stream()) {
        if (dial->action != StreamEffect::Action::dial) continue;
        const auto id = to.accept_stream(now);
        REQUIRE(id.has_value());
        to.on_stream_bytes(now, *id, dial->bytes);
        const auto effect = to.poll_stream();
        REQUIRE(effect.has_value());
        if (effect->action == StreamEffect::Action::answer) {
            from.on_stream_bytes(now, dial->id, effect->bytes);
        }
        from.on_stream_ended(now, dial->id, "the other side closed");
    }
}

TEST_CASE("a message to one member arrives as it was sent, from whom it was sent") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    CHECK(a->send(start, place(2), "p hello").has_value());
    const auto packet = a->poll_transmit();
    REQUIRE(packet.has_value());
    CHECK(packet->to == place(2));
    b->on_packet(start, place(1), packet->payload);
    const auto message = b->poll_user();
    REQUIRE(message.has_value());
    CHECK(message->payload == "p hello");
    CHECK(message->channel == UserMessage::Channel::packet);
    CHECK(message->from == place(1));
}

TEST_CASE("what is to be told to all does not ride with a message to one") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    CHECK(a->broadcast(start, Rank::decisions, 1, "p to all", Audience::picket).has_value());
    CHECK(a->send(start, place(2), "p to one").has_value());
    for (unsigned question = 0; question < 20; ++question) {
        a->ping(start, place(2), "a2", 1s);
    }
    carry_packets(start, *a, 1, *b);
    std::vector<std::string> heard;
    while (const auto message = b->poll_user()) heard.push_back(message->payload);
    CHECK(heard == std::vector<std::string>{"p to one"});
}

TEST_CASE("the longest message that fits a packet is sent, and one byte more is refused") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    std::size_t longest = 0;
    for (std::size_t size = 1300; size <= 1400; ++size) {
        std::string noise(size, 'x');
        if (!a->send(start, place(2), noise).has_value()) break;
        longest = size;
        const auto packet = a->poll_transmit();
        REQUIRE(packet.has_value());
        CHECK(packet->payload.size() <= 1400);
        b->on_packet(start, place(1), packet->payload);
        CHECK(b->poll_user().has_value());
    }
    CHECK(longest > 1300);
    const Status refused = a->send(start, place(2), std::string(longest + 1, 'x'));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code() == Code::invalid);
    CHECK_FALSE(a->send(start, place(2), "").has_value());
    CHECK_FALSE(a->poll_transmit().has_value());
}

TEST_CASE("a message over a stream is delivered once the other side has taken it") {
    TextPool texts;
    const auto a = agent(texts, 1, "blue");
    const auto b = agent(texts, 2, "blue");
    const std::string payload(100'000, 'p');
    const std::uint64_t ticket = a->send_reliably(start, place(2), payload);
    CHECK_FALSE(a->poll_delivery().has_value());
    carry_streams(start, *a, *b);
    const auto delivery = a->poll_delivery();
    REQUIRE(delivery.has_value());
    CHECK(delivery->ticket == ticket);
    CHECK(delivery->delivered);
    CHECK_FALSE(a->poll_delivery().has_value());
    const auto message = b->poll_user();
    REQUIRE(message.has_value());
    CHECK(message->payload == payload);
    CHECK(message->channel == UserMessage::Channel::stream);
}

TEST_CASE("a message that nobody took is not delivered, and the reason is told") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto other_mesh = agent(texts, 2, "green");
    const std::uint64_t foreign = a->send_reliably(start, place(2), "p 1");
    carry_streams(start, *a, *other_mesh);
    const std::uint64_t refused = a->send_reliably(start, place(3), "p 2");
    const auto dial = a->poll_stream();
    REQUIRE(dial.has_value());
    a->on_stream_ended(start, dial->id, "connection refused");
    const std::uint64_t silent = a->send_reliably(start, place(4), "p 3");
    while (a->poll_stream().has_value()) {
    }
    a->on_tick(start + 10s);
    std::map<std::uint64_t, std::string> reasons;
    while (const auto delivery = a->poll_delivery()) {
        CHECK_FALSE(delivery->delivered);
        reasons[delivery->ticket] = delivery->reason;
    }
    CHECK(reasons.at(foreign) == "the other side closed");
    CHECK(reasons.at(refused) == "connection refused");
    CHECK(reasons.at(silent) == "no answer within 10s");
    CHECK_FALSE(a->poll_failure().has_value());
}

TEST_CASE("a receiver without room does not say that it took a message") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    for (std::size_t i = 0; i < Mesh::user_messages_max; ++i) {
        a->send_reliably(start, place(2), "p");
        carry_streams(start, *a, *b);
        CHECK(a->poll_delivery()->delivered);
    }
    a->send_reliably(start, place(2), "p");
    carry_streams(start, *a, *b);
    CHECK_FALSE(a->poll_delivery()->delivered);
    CHECK(b->user_messages_dropped() == 1);
}

TEST_CASE("only so many messages are on their way, so many wait, and more are refused at once") {
    TextPool texts;
    const auto a = agent(texts, 1);
    std::vector<StreamId> dialled;
    const auto collect = [&] {
        while (const auto effect = a->poll_stream()) {
            if (effect->action == StreamEffect::Action::dial) dialled.push_back(effect->id);
        }
    };
    for (std::size_t i = 0; i < Outbox::in_flight_max; ++i) a->send_reliably(start, place(2), "p");
    collect();
    CHECK(dialled.size() == Outbox::in_flight_max);
    for (std::size_t i = 0; i < Outbox::waiting_max; ++i) a->send_reliably(start, place(2), "p");
    collect();
    CHECK(dialled.size() == Outbox::in_flight_max);
    CHECK_FALSE(a->poll_delivery().has_value());
    const std::uint64_t refused = a->send_reliably(start, place(2), "p");
    const auto delivery = a->poll_delivery();
    REQUIRE(delivery.has_value());
    CHECK(delivery->ticket == refused);
    CHECK(delivery->reason == "1024 messages are waiting already");
    // Each that ends makes room for the next.
    a->on_stream_ended(start, dialled.front(), "reset");
    collect();
    CHECK(dialled.size() == Outbox::in_flight_max + 1);
}

TEST_CASE("an outbox holds so many bytes, and a message so many") {
    Outbox outbox;
    outbox.post(place(2), std::string(Outbox::message_bytes_max, 'x'));
    outbox.post(place(2), std::string(Outbox::message_bytes_max, 'x'));
    CHECK_FALSE(outbox.poll_delivery().has_value());
    outbox.post(place(2), "x");
    CHECK_FALSE(outbox.poll_delivery()->delivered);
    const auto letter = outbox.poll_letter();
    REQUIRE(letter.has_value());
    outbox.on_delivered(letter->ticket);
    CHECK(outbox.poll_delivery()->delivered);
    outbox.post(place(2), std::string(Outbox::message_bytes_max + 1, 'x'));
    CHECK_FALSE(outbox.poll_delivery()->delivered);
    CHECK(outbox.bytes() == Outbox::message_bytes_max);
}

TEST_CASE("a ping tells how long the answer took") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    const std::uint64_t ticket = a->ping(start, place(2), "a2", 1s);
    carry_packets(start + 3ms, *a, 1, *b);
    carry_packets(start + 7ms, *b, 2, *a);
    const auto pong = a->poll_pong();
    REQUIRE(pong.has_value());
    CHECK(pong->ticket == ticket);
    CHECK(pong->node == "a2");
    CHECK(pong->answered);
    CHECK(pong->round_trip == 7ms);
    a->on_tick(start + 2s);
    CHECK_FALSE(a->poll_pong().has_value());
}

TEST_CASE("a ping that is not answered ends at its deadline, and an answer after it is nothing") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    a->ping(start, place(2), "somebody else", 100ms);
    a->ping(start, place(2), "a2", 300ms);
    CHECK(a->next_wakeup() <= start + 100ms);
    carry_packets(start, *a, 1, *b);
    a->on_tick(start + 100ms);
    const auto pong = a->poll_pong();
    REQUIRE(pong.has_value());
    CHECK(pong->node == "somebody else");
    CHECK_FALSE(pong->answered);
    CHECK(pong->reason == "no answer within 100ms");
    CHECK_FALSE(a->poll_pong().has_value());
    a->on_tick(start + 300ms);
    CHECK_FALSE(a->poll_pong()->answered);
    carry_packets(start + 301ms, *b, 2, *a);
    CHECK_FALSE(a->poll_pong().has_value());
    CHECK(a->swim().ignored(Ignored::unknown_sequence) == 1);
}

TEST_CASE("a roll call of 256 members asked four times in a second is answered by all") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    std::map<std::uint64_t, bool> answered;
    for (int round = 0; round < 4; ++round) {
        const Instant now = start + round * 250ms;
        for (int member = 0; member < 256; ++member) {
            answered[a->ping(now, place(2), "a2", 1s)] = false;
        }
        carry_packets(now, *a, 1, *b);
    }
    carry_packets(start + 800ms, *b, 2, *a);
    while (const auto pong = a->poll_pong()) answered[pong->ticket] = pong->answered;
    CHECK(answered.size() == 1024);
    CHECK(std::ranges::all_of(answered, [](const auto& entry) { return entry.second; }));
}

TEST_CASE("pings beyond the limit end at once, unasked") {
    TextPool texts;
    const auto a = agent(texts, 1);
    for (std::size_t i = 0; i < Pings::open_max; ++i) a->ping(start, place(2), "a2", 1s);
    CHECK_FALSE(a->poll_pong().has_value());
    while (a->poll_transmit().has_value()) {
    }
    a->ping(start, place(2), "a2", 1s);
    CHECK(a->poll_pong()->reason == "4096 pings are under way already");
    CHECK_FALSE(a->poll_transmit().has_value());
}

TEST_CASE("a ping over a stream is answered by the member that is meant, and refused by a host") {
    TextPool texts;
    const auto a = agent(texts, 1);
    const auto b = agent(texts, 2);
    a->ping(start, place(2), "a2", 1s, Mesh::Over::stream);
    CHECK_FALSE(a->poll_transmit().has_value());
    carry_streams(start + 5ms, *a, *b);
    CHECK(a->poll_pong()->answered);
    a->ping(start + 1s, place(2), "a3", 1s, Mesh::Over::stream);
    carry_streams(start + 1s, *a, *b);
    CHECK(a->poll_pong()->reason == "the other side closed");
    a->ping(start + 2s, place(4), "a4", 1s, Mesh::Over::stream);
    const auto dial = a->poll_stream();
    REQUIRE(dial.has_value());
    a->on_stream_ended(start + 2s, dial->id, "connection refused");
    CHECK(a->poll_pong()->reason == "connection refused");
    a->ping(start + 3s, place(4), "a4", 1s, Mesh::Over::stream);
    a->on_tick(start + 4s);
    CHECK(a->poll_pong()->reason == "no answer within 1s");
}

TEST_CASE("only so many pings are open over streams") {
    TextPool texts;
    const auto a = agent(texts, 1);
    for (std::size_t i = 0; i < Mesh::ping_streams_max; ++i) {
        a->ping(start, place(4), "a4", 1s, Mesh::Over::stream);
    }
    CHECK_FALSE(a->poll_pong().has_value());
    a->ping(start, place(4), "a4", 1s, Mesh::Over::stream);
    CHECK(a->poll_pong()->reason == "256 pings over streams are under way already");
    a->on_tick(start + 1s);
    while (a->poll_pong().has_value()) {
    }
    a->ping(start + 1s, place(4), "a4", 1s, Mesh::Over::stream);
    CHECK_FALSE(a->poll_pong().has_value());
}

}  // namespace
}  // namespace picket::gossip
