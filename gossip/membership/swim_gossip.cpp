// How Swim tells what it believes, and finds again whom it lost: memberlist.md,
// section 13, and the healing that section 17 asks for.

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/membership/swim.h"

namespace picket::gossip {
namespace {

constexpr std::uint8_t protocol_with_checksum = 5;

}  // namespace

// Only for whom lot has drawn. Acks, relays and the application's own packets carry no
// broadcasts, unlike memberlist's: a roll call has all agents ask the same few at once,
// and would use up what may be sent of a broadcast on those who know it. Of fifty
// agents one then learnt of a failure ten seconds late, in three failures of ten.
//
// Membership and the application take turns in going first; each has half of the room
// at least, and what one leaves is the other's.
void Swim::fill(PacketRequest& packet, Audience audience) {
    if (broadcasts_.empty() && application_.empty()) return;
    std::size_t used = 0;
    for (const std::string& message : packet.messages) {
        used += message.size() + BroadcastQueue::overhead_bytes;
    }
    if (used >= options_.packet_budget_bytes) return;
    std::size_t room = options_.packet_budget_bytes - used;
    const unsigned transmits_max = transmit_limit(options_.timings, table_.size());
    const auto ours = [&](std::size_t budget) {
        return broadcasts_.fill(budget, transmits_max, audience, packet.messages);
    };
    const auto others = [&](std::size_t budget) {
        return application_.fill(budget, table_.size(), audience, packet.messages);
    };
    if (std::exchange(application_first_, !application_first_)) {
        room -= others(room - std::min(room / 2, broadcasts_.bytes(audience)));
        ours(room);
    } else {
        room -= ours(room - std::min(room / 2, application_.bytes(audience)));
        others(room);
    }
}

void Swim::broadcast(Instant now, Rank rank, std::uint64_t key, std::string message,
                     Audience audience) {
    advance(now);
    application_.push(rank, key, std::move(message), audience);
    if (rank == Rank::verdicts && eager_.take(now)) tell_at_once(verdict_told_at_once);
    schedule_gossip(now);
}

// The newest of what was sent least goes first, so that it is in each of these packets.
void Swim::tell_at_once(std::size_t members) {
    const auto targets = table_.choose(random_, members, [&](const MemberView& view) {
        return view.name != self_ && view.picket && view.liveness == Liveness::alive;
    });
    for (const MemberView& target : targets) {
        PacketRequest packet{target.address};
        packet.checksum = target.versions.protocol_max >= protocol_with_checksum;
        fill(packet, Audience::picket);
        if (!packet.messages.empty()) packets_.push_back(std::move(packet));
    }
}

void Swim::send_user(Instant now, const SocketAddress& to, std::string message) {
    advance(now);
    // All of picket's agents understand a checksum.
    PacketRequest packet{.to = to, .checksum = true};
    packet.messages.push_back(std::move(message));
    packets_.push_back(std::move(packet));
}

void Swim::send_ping(Instant now, const SocketAddress& to, std::string_view node,
                     std::uint32_t sequence) {
    advance(now);
    send(to, wire::Ping{sequence, node, source()});
}

// Ticks are only made while there is something to tell.
void Swim::schedule_gossip(Instant now) {
    if (gossip_at_ != never) return;
    const Duration interval = options_.timings.gossip_interval;
    const Duration into = (now.time_since_epoch() + interval - gossip_phase_) % interval;
    gossip_at_ = now + interval - into;
}

void Swim::gossip(Instant now) {
    if (now < gossip_at_) return;
    gossip_at_ = never;
    const auto targets =
        table_.choose(random_, options_.timings.gossip_nodes, [&](const MemberView& view) {
            if (view.name == self_ || view.liveness == Liveness::left) return false;
            // The failed are told too for a while, so that they can refute it.
            return view.liveness != Liveness::failed ||
                   now - view.since <= options_.timings.gossip_to_the_dead;
        });
    for (const MemberView& target : targets) {
        PacketRequest packet{target.address, {}, false};
        packet.checksum = target.versions.protocol_max >= protocol_with_checksum;
        fill(packet, target.picket ? Audience::picket : Audience::everybody);
        if (!packet.messages.empty()) packets_.push_back(std::move(packet));
    }
    // Whom there is nobody to tell waits for the next member, which is told on itself.
    const bool waiting = !broadcasts_.empty() || !application_.empty();
    if (waiting && !targets.empty()) schedule_gossip(now);
}

std::optional<std::uint64_t> Swim::open_stream(StreamRequest request) {
    if (streams_.size() >= streams_max) return std::nullopt;
    request.id = next_stream_++;
    streams_.emplace(request.id, Stream{request.kind, request.join, request.sequence});
    stream_requests_.push_back(std::move(request));
    return stream_requests_.back().id;
}

void Swim::on_stream_failed(Instant now, std::uint64_t stream) {
    advance(now);
    streams_.erase(stream);
    if (probe_stream_ == stream) probe_stream_.reset();
}

void Swim::push_pull() {
    const auto chosen = table_.choose(random_, 1, [this](const MemberView& view) {
        return view.name != self_ && view.liveness == Liveness::alive;
    });
    if (chosen.empty()) return;
    open_stream({.to = chosen.front().address,
                 .timeout = options_.timings.stream_timeout,
                 .picket = chosen.front().picket});
}

void Swim::join(Instant now, const SocketAddress& address) {
    advance(now);
    const auto known = std::ranges::find_if(
        seeds_, [&](const Seed& seed) { return same_endpoint(seed.address, address); });
    if (known != seeds_.end()) {
        known->next_at = now;
    } else {
        if (seeds_.size() >= seeds_max) seeds_.erase(seeds_.begin());
        seeds_.push_back({address, no_text, now, options_.timings.probe_interval});
    }
    if (!leaving_) retry_seeds(now);
}

bool Swim::reached(Seed& seed) const {
    const auto there = [&](const MemberView& view) {
        return present(view.liveness) && same_endpoint(view.address, seed.address);
    };
    if (const MemberView* view = table_.find(seed.member); view != nullptr && there(*view)) {
        return true;
    }
    const auto views = table_.views();
    const auto found = std::ranges::find_if(views, there);
    seed.member = found == views.end() ? no_text : found->name;
    return found != views.end();
}

bool Swim::reached(const SocketAddress& address) const {
    return std::ranges::any_of(table_.views(), [&](const MemberView& view) {
        return view.name != self_ && present(view.liveness) && same_endpoint(view.address, address);
    });
}

void Swim::retry_seeds(Instant now) {
    const Timings& timings = options_.timings;
    for (Seed& seed : seeds_) {
        if (now < seed.next_at) continue;
        if (reached(seed)) {  // Or it is our own address.
            seed.delay = timings.probe_interval;
            seed.next_at = now + timings.heal_interval;
            continue;
        }
        open_stream({.to = seed.address, .timeout = timings.stream_timeout, .join = true});
        // Up to a tenth more, so that a mesh started at once does not retry at once.
        const auto tenth = static_cast<std::uint64_t>(seed.delay.count() / 10);
        seed.next_at = now + seed.delay + Duration(random_.below(tenth + 1));
        seed.delay = std::min(2 * seed.delay, timings.heal_interval_max);
    }
}

// Somebody in the mesh, not everybody, tries each failed member: about once in
// heal_interval at first, and ever more rarely down to once in heal_interval_max.
// Each agent saves up its share of that, and makes one try when it has a whole one.
void Swim::heal(Instant now) {
    const Timings& timings = options_.timings;
    heal_at_ = now + timings.heal_interval;
    std::vector<SocketAddress> lost;
    double due = 0;
    const auto consider = [&](Liveness liveness, const SocketAddress& address, Instant since) {
        if (liveness != Liveness::failed) return;
        const Duration pause =
            std::clamp((now - since) / 8, timings.heal_interval, timings.heal_interval_max);
        due += to_seconds(timings.heal_interval) / to_seconds(pause);
        lost.push_back(address);
    };
    if (table_.count(Liveness::failed) > 0) {
        for (const MemberView& view : table_.views()) {
            consider(view.liveness, view.address, view.since);
        }
    }
    graveyard_.each([&](TextId, const Tombstone& stone) {
        consider(stone.liveness, stone.address, stone.since);
    });
    if (lost.empty()) return;
    heal_credit_ +=
        due / static_cast<double>(std::max<std::size_t>(1, table_.count(Liveness::alive)));
    if (heal_credit_ < 1) return;
    heal_credit_ = std::min(heal_credit_ - 1, 1.0);
    const SocketAddress& address = lost[random_.below(lost.size())];
    open_stream({.to = address, .timeout = timings.stream_timeout});
}

}  // namespace picket::gossip
