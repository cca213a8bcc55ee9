#include "gossip/key_rotation.h"

#include <doctest/doctest.h>

#include "agent/base/random.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;
using wire::KeyAnswer;
using wire::KeyOperation;
using wire::KeyRequest;
using State = KeyRotation::Peer::State;

KeyRequest request() {
    return {.id = 7, .from = "a1", .operation = KeyOperation::use, .key = {}, .subject = 42};
}

KeyRotation rotation(Instant now) {
    return {request(), {{.name = "a2"}, {.name = "a3"}}, {}, now};
}

std::string sent(KeyRotation& rotation, Instant now) {
    std::string names;
    while (const auto peer = rotation.poll_send(now)) names += peer->name + " ";
    return names;
}

TEST_CASE("all are asked at once, and it is done when all have answered") {
    const Instant now{1s};
    KeyRotation rotation = gossip::rotation(now);
    CHECK(sent(rotation, now) == "a2 a3 ");
    CHECK(sent(rotation, now).empty());
    rotation.on_answer({.id = 7, .from = "a2", .error = {}, .ring = {42}});
    CHECK_FALSE(rotation.done(now));
    rotation.on_answer({.id = 7, .from = "a3", .error = "no such key", .ring = {1}});
    CHECK(rotation.done(now));
    CHECK(rotation.peers()[0].state == State::confirmed);
    CHECK(rotation.peers()[1].state == State::refused);
    CHECK(rotation.peers()[1].reason == "no such key");
}

TEST_CASE("who does not answer is asked again, sooner where the request did not arrive") {
    Instant now{1s};
    KeyRotation rotation = gossip::rotation(now);
    sent(rotation, now);
    rotation.on_undelivered(now, "a2", "connection refused");
    CHECK(rotation.next_wakeup() == now + 500ms);
    now += 500ms;
    CHECK(sent(rotation, now) == "a2 ");
    CHECK(rotation.next_wakeup() == now + 1500ms);
    now += 1500ms;
    CHECK(sent(rotation, now) == "a3 ");
}

TEST_CASE("when the time is over, who has not answered is known, and why") {
    Instant now{1s};
    KeyRotation rotation = gossip::rotation(now);
    sent(rotation, now);
    rotation.on_answer({.id = 7, .from = "a2", .error = {}, .ring = {42}});
    now += 8s;
    CHECK(rotation.done(now));
    CHECK(sent(rotation, now).empty());
    CHECK(rotation.peers()[1].state == State::waiting);
    CHECK(rotation.peers()[1].reason == "no answer within 8s");
}

TEST_CASE("an answer to something else, from somebody else, or once more, changes nothing") {
    const Instant now{1s};
    KeyRotation rotation = gossip::rotation(now);
    rotation.on_answer({.id = 8, .from = "a2", .error = {}, .ring = {}});
    rotation.on_answer({.id = 7, .from = "a9", .error = {}, .ring = {}});
    CHECK(rotation.peers()[0].state == State::waiting);
    rotation.on_answer({.id = 7, .from = "a2", .error = {}, .ring = {42}});
    rotation.on_answer({.id = 7, .from = "a2", .error = "late", .ring = {}});
    CHECK(rotation.peers()[0].state == State::confirmed);
    CHECK(rotation.peers()[0].ring == std::vector<wire::KeyId>{42});
}

TEST_CASE("key messages are read as they were written") {
    const KeyRequest install{.id = UINT64_MAX,
                             .from = std::string(255, 'x'),
                             .operation = KeyOperation::install,
                             .key = std::string(32, '\xff'),
                             .subject = 1};
    CHECK(wire::decode_key_request(encode(install)) == install);
    CHECK(wire::decode_key_request(encode(request())) == request());
    const KeyAnswer answer{.id = 7, .from = "a2", .error = "why", .ring = {1, UINT64_MAX}};
    CHECK(wire::decode_key_answer(encode(answer)) == answer);
    CHECK(encode(request()).substr(0, 3) == "\x70\x01\x40");
    CHECK(encode(answer).substr(0, 3) == "\x70\x01\x41");
}

TEST_CASE("a key message that breaks a rule is refused") {
    const auto fault = [](const KeyRequest& broken) {
        return wire::decode_key_request(encode(broken)).error();
    };
    KeyRequest broken = request();
    broken.key = std::string(16, 'k');  // Of a use.
    CHECK(fault(broken) == wire::Fault::out_of_range);
    broken.operation = KeyOperation::install;
    broken.key = std::string(15, 'k');
    CHECK(fault(broken) == wire::Fault::out_of_range);
    broken.key = std::string(33, 'k');
    CHECK(fault(broken) == wire::Fault::too_long);
    broken = request();
    broken.from.clear();
    CHECK(fault(broken) == wire::Fault::bad_name);
    const KeyAnswer crowded{
        .id = 7, .from = "a2", .error = {}, .ring = std::vector<wire::KeyId>(9)};
    CHECK(wire::decode_key_answer(encode(crowded)).error() == wire::Fault::too_long);
}

TEST_CASE("whatever follows its header, a key message is read or refused") {
    Random random(3);
    const std::string good = encode(request());
    for (int i = 0; i < 20'000; ++i) {
        std::string bytes = good.substr(0, 3 + random.below(good.size() - 2));
        if (bytes.size() > 3)
            bytes[3 + random.below(bytes.size() - 3)] = static_cast<char>(random.next());
        static_cast<void>(wire::decode_key_request(bytes));
        bytes[2] = wire::key_answer_kind;
        static_cast<void>(wire::decode_key_answer(bytes));
    }
}

}  // namespace
}  // namespace picket::gossip
