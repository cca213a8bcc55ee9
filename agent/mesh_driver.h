// MeshDriver: moves bytes and time between the sockets and gossip::Mesh.
//
// The only place where gossip meets the operating system. It decides nothing: what
// arrives goes into the Mesh, what the Mesh says goes out, and it is woken when it
// asked to be. UDP and TCP share one port.
//
// A stream ends when the Mesh says so. One that it answers is closed after the other
// side has read the answer, or after farewell_max; at most farewells_max wait for that,
// then the oldest is closed.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/io/loop.h"
#include "agent/io/stream_server.h"
#include "agent/io/tcp_stream.h"
#include "agent/io/timer.h"
#include "agent/io/udp_socket.h"
#include "gossip/mesh.h"

namespace picket {

class MeshDriver {
public:
    static constexpr Duration farewell_max = std::chrono::seconds(10);
    static constexpr std::size_t farewells_max = 64;

    // What the Mesh has for whoever is above. Called on the loop, one at a time; they
    // may act(), and must not destroy the driver.
    struct Events {
        std::function<void(const gossip::MemberEvent&)> on_member;
        std::function<void(gossip::UserMessage)> on_user;
        std::function<void(const gossip::StreamFailure&)> on_failure;
        std::function<void(const gossip::Delivery&)> on_delivery;
        std::function<void(const gossip::Pong&)> on_pong;
        std::function<void(Instant now)> on_turn;  // After all of the above.
    };

    // `mesh` must outlive the driver. Fails where the address cannot be bound.
    static Result<std::unique_ptr<MeshDriver>> open(io::Loop& loop, gossip::Mesh& mesh,
                                                    const SocketAddress& bind, Events events);
    MeshDriver(const MeshDriver&) = delete;
    MeshDriver& operator=(const MeshDriver&) = delete;

    // Has `action` do something with the Mesh, then carries out what follows from it.
    void act(const std::function<void(gossip::Mesh& mesh, Instant now)>& action);

    const io::UdpSocket::Counters& packets() const { return udp_->counters(); }
    std::uint64_t streams_accepted() const { return server_->accepted(); }
    std::uint64_t accept_errors() const { return server_->accept_errors(); }

private:
    struct Stream {
        std::unique_ptr<io::TcpStream> connection;
        // Of one that is answered: it is closed once both sides have finished, or then.
        Instant close_at = never;
        bool answer_sent = false;
        bool peer_ended = false;
    };
    using Streams = std::map<gossip::StreamId, Stream>;

    MeshDriver(io::Loop& loop, gossip::Mesh& mesh, const SocketAddress& bind, Events events);

    void on_batch(std::span<const io::Datagram> batch);
    void on_accepted(io::FileDescriptor connection, const SocketAddress& peer);
    void on_timer();
    io::TcpStream::Events stream_events(gossip::StreamId id);
    void on_answer_sent(gossip::StreamId id);
    void on_peer_ended(gossip::StreamId id);
    void on_stream_over(gossip::StreamId id, const std::string& reason);
    void pump(Instant now);
    bool pump_once();
    void carry_out(gossip::StreamEffect effect);
    void say_farewell(gossip::StreamId id, std::string bytes);
    std::optional<IpAddress> source_for(const SocketAddress& to) const;
    Instant next_wakeup() const;

    io::Loop& loop_;
    gossip::Mesh& mesh_;
    Events events_;
    std::optional<IpAddress> source_;  // Of the streams we dial.
    bool pumping_ = false;
    Streams streams_;
    io::Timer timer_;
    std::unique_ptr<io::UdpSocket> udp_;
    std::unique_ptr<io::StreamServer> server_;
};

}  // namespace picket
