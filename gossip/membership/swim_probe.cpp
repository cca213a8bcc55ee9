// How Swim finds out who lives: memberlist.md, section 12.

#include <algorithm>

#include "agent/base/assert.h"
#include "gossip/membership/swim.h"

namespace picket::gossip {
namespace {

// What a member must speak to be asked over TCP, and to send nacks and checksums.
constexpr std::uint8_t protocol_with_tcp_ping = 3;
constexpr std::uint8_t protocol_with_nack = 4;
constexpr std::uint8_t protocol_with_checksum = 5;

SocketAddress answer_address(const SocketAddress& from, const wire::Source& source) {
    if (!source.ip.has_value()) return from;
    const SocketAddress claimed{*source.ip, source.port};
    return usable(claimed) ? claimed : from;
}

}  // namespace

void Swim::probe(Instant now) {
    if (round_.running() || now < probe_at_) return;
    probe_at_ = now + options_.timings.probe_interval;
    bool wrapped = false;
    while (true) {
        const MemberView* view = table_.advance();
        if (view == nullptr) {
            if (wrapped) {
                // Nobody is there whose answer could speak for us: an interval that came on
                // time does. Else who stood still while alone would never trust itself again.
                if (awake_since_ != now) awareness_.add(-1);
                return;
            }
            wrapped = true;
            reap(now);
            table_.shuffle(random_);
        } else if (view->name != self_ && present(view->liveness)) {
            return begin_probe(now, *view);
        }
    }
}

void Swim::begin_probe(Instant now, const MemberView& target) {
    const Timings& timings = options_.timings;
    const std::uint32_t sequence = ++sequence_;
    probe_stream_.reset();
    round_.begin({target.name, target.address, target.incarnation}, sequence,
                 now + timings.probe_timeout, now + awareness_.scale(timings.probe_interval));
    PacketRequest packet{target.address, {}, false};
    wire::encode(wire::Ping{sequence, text(target.name), source()}, packet.messages.emplace_back());
    if (target.liveness == Liveness::suspect) {
        // The suspect learns of it now, not when gossip comes round to it.
        wire::encode(wire::Suspect{target.incarnation, text(target.name), options_.name},
                     packet.messages.emplace_back());
        packet.checksum = target.versions.protocol_max >= protocol_with_checksum;
    }
    fill(packet, Audience::everybody);
    packets_.push_back(std::move(packet));
}

void Swim::ask_others(Instant now) {
    const ProbeRound::Target& target = round_.target();
    const auto relays =
        table_.choose(random_, options_.timings.indirect_checks, [&](const MemberView& view) {
            return view.name != self_ && view.name != target.name &&
                   view.liveness == Liveness::alive;
        });
    for (const MemberView& relay : relays) {
        const bool nack = relay.versions.protocol_max >= protocol_with_nack;
        send(relay.address,
             wire::IndirectPing{round_.sequence(), text(target.name), target.address.ip,
                                target.address.port, nack, source()});
        round_.on_asked(relay.address, nack);
    }
    const MemberView* view = table_.find(target.name);
    if (view == nullptr || view->versions.protocol_max < protocol_with_tcp_ping) return;
    probe_stream_ = open_stream({.kind = StreamRequest::Kind::ping,
                                 .to = target.address,
                                 .timeout = round_.deadline() - now,
                                 .node = std::string(text(target.name)),
                                 .sequence = round_.sequence()});
}

void Swim::conclude_probe(Instant now, ProbeRound::Verdict verdict) {
    const ProbeRound::Target& target = round_.target();
    MemberView* view = table_.find(target.name);
    if (verdict != ProbeRound::Verdict::silent) {
        awareness_.add(-1);
        const bool tcp_only = verdict == ProbeRound::Verdict::answered_over_tcp;
        if (view == nullptr || view->tcp_only == tcp_only) return;
        view->tcp_only = tcp_only;
        return event(tcp_only ? MemberEvent::Kind::tcp_only : MemberEvent::Kind::udp_again, *view);
    }
    // It may have said something new meanwhile.
    if (view == nullptr || view->incarnation != target.incarnation) return;
    accuse(now, *view, self_, {target.incarnation, text(target.name), options_.name});
}

void Swim::on_ping(const SocketAddress& from, const wire::Ping& ping) {
    if (!is_for_us(ping.node)) return ignore(Ignored::not_for_us);
    send(answer_address(from, ping.source), wire::Ack{ping.sequence, {}});
}

void Swim::on_indirect_ping(Instant now, const SocketAddress& from,
                            const wire::IndirectPing& ping) {
    SocketAddress target{ping.target, ping.port};
    if (target.port == 0) target.port = options_.address.port;
    if (!usable(target)) return ignore(Ignored::bad_address);
    const Relays::Asker asker{answer_address(from, ping.source), ping.sequence};
    if (!relays_.open(now, ++sequence_, asker, ping.nack)) return ignore(Ignored::relays_full);
    send(target, wire::Ping{sequence_, ping.node, source()});
}

void Swim::on_ack(Instant now, std::uint32_t sequence) {
    if (round_.on_ack(sequence)) {
        if (const auto verdict = round_.conclude(now)) conclude_probe(now, *verdict);
    } else if (introductions_.on_ack(sequence)) {
        run_introductions(now);
    } else if (const auto asker = relays_.on_ack(sequence)) {
        send(asker->address, wire::Ack{asker->sequence, {}});
    } else {
        ignore(Ignored::unknown_sequence);
    }
}

void Swim::on_tcp_answer(Instant now, std::uint64_t stream, std::uint32_t sequence) {
    advance(now);
    const auto found = streams_.find(stream);
    if (found == streams_.end()) return;
    const bool right = found->second.sequence == sequence;
    streams_.erase(found);
    if (!right) return ignore(Ignored::unknown_sequence);
    if (probe_stream_ == stream) {
        probe_stream_.reset();
        if (round_.running()) round_.on_tcp_answer();
    } else if (introductions_.on_ack(sequence)) {
        run_introductions(now);
    }
}

// A suspect that lives answers an accusation at once. Beyond the allowance a suspicion
// ends unasked, as it does with memberlist.
void Swim::ask_suspects(Instant now) {
    while (const auto suspect = suspicions_.poll_question(now)) {
        if (!may_ask_.take(now)) continue;
        const MemberView& view = *table_.find(*suspect);
        send(view.address, wire::Suspect{view.incarnation, text(view.name), options_.name});
    }
}

void Swim::run_relays(Instant now) {
    while (const auto asker = relays_.poll_nack(now)) {
        send(asker->address, wire::Nack{asker->sequence});
    }
}

void Swim::introduce(Instant now, const wire::Alive& alive, const SocketAddress& address,
                     const std::optional<SocketAddress>& old) {
    if (leaving_) return ignore(Ignored::after_leave);
    const Claim claim{std::string(alive.node), std::string(alive.meta), address, alive.incarnation,
                      alive.versions};
    if (!introductions_.open(now, claim, old, sequence_ + 1)) {
        return ignore(Ignored::introduction_dropped);
    }
    sequence_ += 2;
}

void Swim::run_introductions(Instant now) {
    while (const auto concluded = introductions_.poll_concluded(now)) {
        const wire::Alive alive = concluded->claim.alive();
        switch (concluded->verdict) {
            case Introductions::Verdict::admitted:
                on_alive(now, alive, std::nullopt, Word::verified);
                break;
            case Introductions::Verdict::conflict:
                notice(now, MemberEvent::Kind::conflict, alive);
                break;
            case Introductions::Verdict::unreachable:
                notice(now, MemberEvent::Kind::unreachable, alive);
                break;
        }
    }
    while (const auto question = introductions_.poll_question(now)) {
        if (question->over_tcp) {
            open_stream({.kind = StreamRequest::Kind::ping,
                         .to = question->to,
                         .timeout = 2 * options_.timings.probe_timeout,
                         .node = question->name,
                         .sequence = question->sequence});
        } else {
            send(question->to, wire::Ping{question->sequence, question->name, source()});
        }
    }
}

// At the end of each turn of probes, as memberlist does. Here failed and left
// members alike become tombstones.
void Swim::reap(Instant now) {
    graveyard_.expire(now);
    std::vector<TextId> gone;
    for (const MemberView& view : table_.views()) {
        const bool old = now - view.since >= options_.timings.gossip_to_the_dead;
        if (view.name != self_ && !present(view.liveness) && old) gone.push_back(view.name);
    }
    for (const TextId name : gone) {
        graveyard_.bury(*table_.find(name));
        table_.erase(name);
    }
}

}  // namespace picket::gossip
