#include "tests/support/spread_net.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "gossip/membership/tags.h"

namespace picket::testing {

using namespace gossip;
using namespace std::chrono_literals;

namespace {

// UDP and IP, checksum, compound, encryption; shared by all messages of a packet, and
// counted for each letter.
constexpr std::size_t packet_overhead = 28 + 5 + 2 + 29;

Member member(std::size_t agent, Liveness liveness) {
    Member member;
    member.name = SpreadNet::name(agent);
    member.address = SpreadNet::address(agent);
    member.liveness = liveness;
    member.picket = true;
    member.meta = encode_tags({{"picket", "1"}, {"zone", "z" + std::to_string(agent % 3)}});
    return member;
}

}  // namespace

SpreadNet::SpreadNet(const Options& options)
    : options_(options), random_(options.seed), agents_(options.agents) {
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) start(agent, 1);
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) {
        at(now_ + Duration(random_.below(200'000)), [this, agent] { gossip(agent); });
    }
}

SpreadNet::~SpreadNet() = default;

SocketAddress SpreadNet::address(std::size_t agent) {
    SocketAddress address;
    address.ip.bytes = {10, 0, static_cast<std::uint8_t>(agent >> 8),
                        static_cast<std::uint8_t>(agent & 0xff)};
    address.port = 7946;
    return address;
}

void SpreadNet::at(Instant when, std::function<void()> happen) {
    due_.push({when, order_++, std::move(happen)});
}

void SpreadNet::run_for(Duration duration) {
    const Instant end = now_ + duration;
    while (!due_.empty() && due_.top().at <= end) {
        const Due due = due_.top();
        due_.pop();
        now_ = std::max(now_, due.at);
        due.happen();
    }
    now_ = end;
}

void SpreadNet::meet(std::size_t a, std::size_t b, Liveness liveness) {
    if (a == b || !up(a)) return;
    agents_[a].spread->on_member(now_, wall(), member(b, liveness));
    pump(a);
}

void SpreadNet::add_foreign(const std::string& foreign) {
    Member stranger = member(200, Liveness::alive);
    stranger.name = foreign;
    stranger.picket = false;
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) {
        agents_[agent].spread->on_member(now_, wall(), stranger);
        pump(agent);
    }
}

void SpreadNet::start(std::size_t agent, Boot boot, std::optional<Disk> disk) {
    Agent& self = agents_[agent];
    PICKET_ASSERT(self.spread == nullptr);
    ++self.life;
    self.queue = {};
    self.wakeup = never;
    if (disk.has_value()) self.disk = *std::move(disk);
    Spread::Options options;
    options.name = name(agent);
    options.zone = "z" + std::to_string(agent % 3);
    options.boot = boot;
    options.joins = agent != 0;
    self.spread = std::make_unique<Spread>(std::move(options), random_.next(), now_);
    for (const auto& [key, payload] : self.disk) self.spread->restore(now_, wall(), payload);
    pump(agent);
    for (std::size_t other = 0; other < agents_.size(); ++other) {
        if (!up(other) || !passes(agent, other)) continue;
        meet(agent, other, Liveness::alive);
        meet(other, agent, Liveness::alive);
    }
}

void SpreadNet::crash(std::size_t agent) {
    agents_[agent].spread.reset();
    for (std::size_t other = 0; other < agents_.size(); ++other) {
        at(now_ + 3s, [this, agent, other] {
            if (!up(agent)) meet(other, agent, Liveness::failed);
        });
    }
}

void SpreadNet::cut_off(std::set<std::size_t> side) {
    side_ = std::move(side);
    at(now_ + 3s, [this] {
        for (std::size_t a = 0; a < agents_.size(); ++a) {
            for (std::size_t b = 0; b < agents_.size(); ++b) {
                if (!passes(a, b)) meet(a, b, Liveness::failed);
            }
        }
    });
}

void SpreadNet::heal() {
    side_.clear();
    for (std::size_t a = 0; a < agents_.size(); ++a) {
        for (std::size_t b = 0; b < agents_.size(); ++b) {
            if (up(b)) meet(a, b, Liveness::alive);
        }
    }
}

void SpreadNet::roll_calls(const std::function<bool(std::size_t)>& passes) {
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) {
        if (!up(agent)) continue;
        agents_[agent].spread->on_roll_call(now_, wall(), passes(agent));
        pump(agent);
    }
}

void SpreadNet::deliver(std::size_t to, const std::string& payload, const SocketAddress& from) {
    agents_[to].spread->on_user(now_, wall(), payload, from);
    pump(to);
}

std::vector<SpreadEvent> SpreadNet::take_events(std::size_t agent) {
    pump(agent);
    return std::exchange(agents_[agent].events, {});
}

void SpreadNet::transmit(std::size_t from, std::size_t to, const std::string& payload,
                         Duration delay) {
    if (to >= agents_.size() || !passes(from, to)) return;
    at(now_ + delay, [this, from, to, payload] {
        if (up(to) && passes(from, to)) deliver(to, payload, address(from));
    });
}

void SpreadNet::pump(std::size_t agent) {
    Agent& self = agents_[agent];
    Spread& spread = *self.spread;
    while (auto broadcast = spread.poll_broadcast()) {
        self.queue.push(broadcast->rank, broadcast->key, std::move(broadcast->payload),
                        Audience::picket);
    }
    while (auto letter = spread.poll_letter()) {
        ++letters_;
        bytes_ += letter->payload.size() + packet_overhead;
        const std::size_t to = std::stoul(letter->to.substr(1));
        const bool packet = letter->way == Letter::Way::packet;
        if (packet && random_.chance(options_.loss_percent, 100)) continue;
        transmit(agent, to, letter->payload,
                 Duration(packet ? 200 + random_.below(1800) : 1000 + random_.below(5000)));
    }
    while (auto order = spread.poll_persist()) {
        if (self.disk_fails) continue;
        at(now_ + options_.disk, [this, agent, life = self.life, order = *std::move(order)] {
            Agent& writer = agents_[agent];
            if (!up(agent) || writer.life != life) return;
            if (order.payload.empty()) writer.disk.erase(order.key);
            if (!order.payload.empty()) writer.disk[order.key] = order.payload;
            writer.spread->on_persisted(now_, wall(), order.ticket);
            pump(agent);
        });
    }
    while (auto event = spread.poll_event()) self.events.push_back(*std::move(event));
    while (spread.poll_user_state().has_value()) {
    }
    const Instant wakeup = std::max(spread.next_wakeup(), now_);
    if (wakeup >= self.wakeup) return;
    self.wakeup = wakeup;
    at(wakeup, [this, agent, wakeup] {
        if (!up(agent) || agents_[agent].wakeup != wakeup) return;
        agents_[agent].wakeup = never;
        agents_[agent].spread->on_tick(now_, wall());
        pump(agent);
    });
}

void SpreadNet::gossip(std::size_t agent) {
    at(now_ + tick, [this, agent] { gossip(agent); });
    if (!up(agent)) return;
    for (int target = 0; target < 3; ++target) {
        const std::size_t to = random_.below(agents_.size());
        if (to == agent) continue;
        std::vector<std::string> messages;
        agents_[agent].queue.fill(1300, agents_.size(), Audience::picket, messages);
        const bool lost = random_.chance(options_.loss_percent, 100);
        for (const std::string& message : messages) {
            bytes_ += message.size() + 3;
            if (!lost) transmit(agent, to, message, Duration(200 + random_.below(1800)));
        }
    }
}

bool SpreadNet::agree(CheckKey check) {
    const VerdictRecord* first = nullptr;
    bool any = false;
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) {
        if (!up(agent)) continue;
        const VerdictRecord* verdict = agents_[agent].spread->verdict(check);
        if (verdict == nullptr) return false;
        if (any && !(*verdict == *first)) return false;
        first = verdict;
        any = true;
    }
    return any;
}

bool SpreadNet::roots_equal() {
    std::set<std::uint64_t> roots;
    for (std::size_t agent = 0; agent < agents_.size(); ++agent) {
        if (up(agent)) roots.insert(agents_[agent].spread->registry().root());
    }
    return roots.size() == 1;
}

}  // namespace picket::testing
