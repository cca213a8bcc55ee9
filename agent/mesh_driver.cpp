#include "agent/mesh_driver.h"

#include <algorithm>
#include <utility>

#include "agent/io/clock.h"
#include "agent/io/local_socket.h"

namespace picket {

using gossip::StreamEffect;
using gossip::StreamId;

MeshDriver::MeshDriver(io::Loop& loop, gossip::Mesh& mesh, const SocketAddress& bind, Events events)
    : loop_(loop), mesh_(mesh), events_(std::move(events)), timer_(loop, [this] { on_timer(); }) {
    if (!io::unspecified(bind.ip)) source_ = bind.ip;
}

Result<std::unique_ptr<MeshDriver>> MeshDriver::open(io::Loop& loop, gossip::Mesh& mesh,
                                                     const SocketAddress& bind, Events events) {
    std::unique_ptr<MeshDriver> driver(new MeshDriver(loop, mesh, bind, std::move(events)));
    MeshDriver* raw = driver.get();
    driver->server_ = PICKET_TRY(io::StreamServer::open(
        loop, bind, [raw](io::FileDescriptor connection, const SocketAddress& peer) {
            raw->on_accepted(std::move(connection), peer);
        }));
    driver->udp_ = PICKET_TRY(io::UdpSocket::open(
        loop, bind, [raw](std::span<const io::Datagram> batch) { raw->on_batch(batch); }));
    driver->timer_.set(driver->next_wakeup());
    return driver;
}

void MeshDriver::act(const std::function<void(gossip::Mesh&, Instant)>& action) {
    const Instant now = io::monotonic_now();
    action(mesh_, now);
    pump(now);
}

void MeshDriver::on_batch(std::span<const io::Datagram> batch) {
    const Instant now = io::monotonic_now();
    for (const io::Datagram& datagram : batch) {
        mesh_.on_packet(now, datagram.from, datagram.bytes);
    }
    pump(now);
}

void MeshDriver::on_timer() {
    const Instant now = io::monotonic_now();
    std::erase_if(streams_, [&](const auto& stream) { return now >= stream.second.close_at; });
    mesh_.on_tick(now);
    pump(now);
}

void MeshDriver::on_accepted(io::FileDescriptor connection, const SocketAddress& peer) {
    const Instant now = io::monotonic_now();
    if (const auto id = mesh_.accept_stream(now)) {
        streams_[*id].connection =
            std::make_unique<io::TcpStream>(loop_, std::move(connection), peer, stream_events(*id));
    }
    pump(now);
}

io::TcpStream::Events MeshDriver::stream_events(StreamId id) {
    return {.on_connected = nullptr,
            .on_bytes =
                [this, id](std::string_view bytes) {
                    const Instant now = io::monotonic_now();
                    mesh_.on_stream_bytes(now, id, bytes);
                    pump(now);
                },
            .on_end = [this, id](io::StreamEnd) { on_peer_ended(id); },
            .on_finished = [this, id] { on_answer_sent(id); },
            .on_error = [this,
                         id](const io::StreamError& error) { on_stream_over(id, error.message); }};
}

void MeshDriver::on_peer_ended(StreamId id) {
    Stream& stream = streams_.at(id);
    stream.peer_ended = true;
    if (stream.close_at == never) return on_stream_over(id, "closed by the other side");
    if (stream.answer_sent) streams_.erase(id);
}

void MeshDriver::on_answer_sent(StreamId id) {
    Stream& stream = streams_.at(id);
    stream.answer_sent = true;
    if (stream.peer_ended) streams_.erase(id);
}

void MeshDriver::on_stream_over(StreamId id, const std::string& reason) {
    const Instant now = io::monotonic_now();
    streams_.erase(id);
    mesh_.on_stream_ended(now, id, reason);
    pump(now);
}

void MeshDriver::pump(Instant now) {
    // An event's handler may act: the outer call carries that out.
    if (std::exchange(pumping_, true)) return;
    do {
        while (pump_once()) {
        }
        events_.on_turn(now);
    } while (pump_once());
    pumping_ = false;
    timer_.set(next_wakeup());
}

bool MeshDriver::pump_once() {
    bool any = false;
    while (const auto transmit = mesh_.poll_transmit()) {
        udp_->send(transmit->to, transmit->payload);
        any = true;
    }
    while (auto effect = mesh_.poll_stream()) {
        carry_out(*std::move(effect));
        any = true;
    }
    while (const auto event = mesh_.poll_event()) {
        events_.on_member(*event);
        any = true;
    }
    while (auto message = mesh_.poll_user()) {
        events_.on_user(*std::move(message));
        any = true;
    }
    while (const auto failure = mesh_.poll_failure()) {
        events_.on_failure(*failure);
        any = true;
    }
    while (const auto delivery = mesh_.poll_delivery()) {
        events_.on_delivery(*delivery);
        any = true;
    }
    while (const auto pong = mesh_.poll_pong()) {
        events_.on_pong(*pong);
        any = true;
    }
    return any;
}

void MeshDriver::carry_out(StreamEffect effect) {
    switch (effect.action) {
        case StreamEffect::Action::dial: {
            Stream& stream = streams_[effect.id];
            stream.connection = std::make_unique<io::TcpStream>(
                loop_, io::TcpStream::Options{.peer = effect.to, .source = source_for(effect.to)},
                stream_events(effect.id));
            stream.connection->write(std::move(effect.bytes));
            return;
        }
        case StreamEffect::Action::answer:
            return say_farewell(effect.id, std::move(effect.bytes));
        case StreamEffect::Action::close:
            streams_.erase(effect.id);
            return;
    }
}

// Closing at once could cut the answer off: what the peer has sent beyond its message
// would make of the close a reset.
void MeshDriver::say_farewell(StreamId id, std::string bytes) {
    const auto stream = streams_.find(id);
    if (stream == streams_.end()) return;
    const auto waiting = [](const auto& entry) { return entry.second.close_at != never; };
    if (std::ranges::count_if(streams_, waiting) >= static_cast<std::ptrdiff_t>(farewells_max)) {
        // The oldest has the lowest number of those that wait.
        streams_.erase(std::ranges::find_if(streams_, waiting));
    }
    stream->second.connection->write(std::move(bytes));
    stream->second.connection->finish();
    stream->second.close_at = io::monotonic_now() + farewell_max;
}

std::optional<IpAddress> MeshDriver::source_for(const SocketAddress& to) const {
    return source_.has_value() && source_->family == to.ip.family ? source_ : std::nullopt;
}

Instant MeshDriver::next_wakeup() const {
    Instant wakeup = mesh_.next_wakeup();
    for (const auto& [id, stream] : streams_) wakeup = std::min(wakeup, stream.close_at);
    return wakeup;
}

}  // namespace picket
