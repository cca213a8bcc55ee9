// What one agent holds about one member of the mesh.
//
// A member is named; everything else about it may change. Its incarnation is a
// number that only the member itself raises, so that of two statements about it the
// later can be told from the earlier (memberlist.md, section 10).

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/address.h"
#include "agent/base/time.h"
#include "gossip/membership/text_pool.h"
#include "gossip/wire/messages.h"

namespace picket::gossip {

using Incarnation = std::uint32_t;

enum class Liveness : std::uint8_t {
    alive,
    suspect,  // Did not answer; has until its suspicion runs out to say otherwise.
    failed,   // Declared so by the mesh.
    left,     // By its own word.
};

constexpr std::size_t liveness_count = 4;

std::string_view to_text(Liveness liveness);

constexpr bool present(Liveness liveness) {
    return liveness == Liveness::alive || liveness == Liveness::suspect;
}

// As the table holds it: small, because a mesh of ten thousand agents holds a
// hundred million of them in one simulation. Whoever stores a view outside the
// table holds no reference to its texts.
struct MemberView {
    TextId name = no_text;
    TextId meta = no_text;
    SocketAddress address;
    Incarnation incarnation = 0;
    wire::Versions versions;
    Liveness liveness = Liveness::failed;
    bool picket = false;    // Its metadata says that it understands picket's own messages.
    bool tcp_only = false;  // Answered our probes over TCP alone, and that was told.
    Instant since{};        // Of its liveness.
    Instant answered{};     // When it, or who spoke of it, was last set right.
};
static_assert(sizeof(MemberView) <= 64);

// For people and for the modules above: a value that owns its texts.
struct Member {
    std::string name{};
    std::string meta{};
    SocketAddress address{};
    Incarnation incarnation = 0;
    wire::Versions versions{};
    Liveness liveness = Liveness::failed;
    bool picket = false;
    Instant since{};

    bool operator==(const Member&) const = default;
};

// The same place, be an IPv4 address written in 4 bytes or mapped into 16.
bool same_endpoint(const SocketAddress& a, const SocketAddress& b);

// An address to which a packet for one host can be sent.
bool usable(const SocketAddress& address);

// Both can speak what the other speaks, in memberlist's protocol and in the
// delegate's. A member that cannot is not let in: a stock peer that found it in a
// push/pull would refuse the whole of it (memberlist.md, section 9).
bool compatible(const wire::Versions& a, const wire::Versions& b);

}  // namespace picket::gossip
