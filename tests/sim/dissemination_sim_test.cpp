// How far and how fast a verdict spreads: the shipping registry, queue and anti-entropy
// of up to ten thousand agents, with gossip ticks and a lossy network made up around
// them. What Swim does with a queue (its ticks, and the first copies that leave at once)
// is done here with as few words as possible; a disk is immediate.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "gossip/membership/allowance.h"
#include "gossip/spread/anti_entropy.h"
#include "gossip/spread/registry.h"
#include "gossip/spread/spread_queue.h"

namespace picket::testing {
namespace {

using namespace gossip;
using namespace std::chrono_literals;

constexpr Duration tick = 200ms;
constexpr std::size_t fanout = 3;
constexpr WallTime wall{std::chrono::hours(24 * 365 * 50)};

class Dissemination {
public:
    Dissemination(std::size_t agents, unsigned loss_percent, std::uint64_t seed)
        : random_(seed), loss_percent_(loss_percent), agents_(agents) {
        // In a large mesh anti-entropy knows 64 peers each, drawn once: all of them ten
        // thousand times would not fit, and who is asked is drawn at random anyway.
        std::set<std::size_t> offsets;
        while (offsets.size() < std::min<std::size_t>(32, (agents - 1) / 2)) {
            offsets.insert(1 + random_.below((agents - 1) / 2));
        }
        for (std::size_t i = 0; i < agents; ++i) {
            Agent& agent = agents_[i];
            agent.registry = std::make_unique<Registry>();
            agent.exchange = std::make_unique<AntiEntropy>(*agent.registry, AgentId{i}, false,
                                                           random_.next(), now_);
            std::vector<AgentId> peers;
            for (const std::size_t offset : offsets) {
                peers.push_back(AgentId{(i + offset) % agents});
                peers.push_back(AgentId{(i + agents - offset) % agents});
            }
            agent.exchange->set_peers(now_, std::move(peers));
            agent.tick_phase = Duration(random_.below(static_cast<std::uint64_t>(tick.count())));
            wake(i, agent.exchange->next_wakeup());
        }
    }

    void propose(std::size_t agent, const VerdictRecord& verdict) {
        key_ = key_of(verdict);
        wanted_ = digest(verdict);
        proposed_at_ = now_;
        agents_[agent].registry->put(now_, wall, verdict, {Source::own, {}}, 0);
        follow(agent);
    }

    void run_for(Duration duration) {
        const Instant end = now_ + duration;
        while (!due_.empty() && due_.top().at <= end) {
            const Due due = due_.top();
            due_.pop();
            now_ = std::max(now_, due.at);
            happen(due);
        }
        now_ = end;
    }

    // Since it was proposed, in ticks; sorted. Who does not hold it is left out.
    std::vector<double> rounds() const {
        std::vector<double> rounds;
        for (const Agent& agent : agents_) {
            if (agent.held_at == never) continue;
            rounds.push_back(to_seconds(agent.held_at - proposed_at_) / to_seconds(tick));
        }
        std::ranges::sort(rounds);
        return rounds;
    }
    // Since it was proposed, until the last agent held it.
    Duration complete_after() const {
        Duration longest{};
        for (const Agent& agent : agents_) {
            if (agent.held_at != never) longest = std::max(longest, agent.held_at - proposed_at_);
        }
        return longest;
    }
    std::uint64_t packets() const { return packets_; }

private:
    struct Agent {
        std::unique_ptr<Registry> registry;
        std::unique_ptr<AntiEntropy> exchange;
        SpreadQueue queue;
        Allowance eager{50, 20ms};
        Duration tick_phase{};
        bool ticking = false;
        Instant wakeup = never;
        Instant held_at = never;
    };
    enum class Kind : std::uint8_t { record, exchange, wake, gossip };
    struct Due {
        Instant at;
        std::uint64_t order;
        Kind kind;
        std::size_t to;
        std::shared_ptr<const std::string> payload;
        bool operator>(const Due& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    void at(Instant when, Kind kind, std::size_t to,
            std::shared_ptr<const std::string> payload = nullptr) {
        due_.push({when, order_++, kind, to, std::move(payload)});
    }
    void wake(std::size_t agent, Instant when) {
        if (when >= agents_[agent].wakeup) return;
        agents_[agent].wakeup = std::max(when, now_);
        at(agents_[agent].wakeup, Kind::wake, agent);
    }
    bool lost() { return random_.chance(loss_percent_, 100); }
    Duration delay() { return Duration(200 + random_.below(1800)); }

    void happen(const Due& due) {
        Agent& agent = agents_[due.to];
        switch (due.kind) {
            case Kind::record:
                agent.registry->put(now_, wall, *decode_record(*due.payload), {Source::gossip, {}},
                                    fanout);
                break;
            case Kind::exchange:
                agent.exchange->on_message(now_, *decode_exchange(*due.payload));
                break;
            case Kind::wake:
                if (now_ < agent.wakeup) return;
                agent.wakeup = never;
                agent.exchange->on_tick(now_);
                break;
            case Kind::gossip:
                agent.ticking = false;
                gossip(due.to);
                schedule_tick(due.to);
                return;
        }
        follow(due.to);
    }

    void follow(std::size_t index) {
        Agent& agent = agents_[index];
        while (const auto delivery = agent.exchange->poll_delivery()) {
            agent.registry->put(now_, wall, *decode_record(delivery->payload),
                                {Source::anti_entropy, delivery->from}, fanout);
        }
        while (const auto order = agent.registry->poll_persist()) {
            agent.registry->on_persisted(now_, order->ticket);
        }
        while (const auto change = agent.registry->poll_change()) {
            const Record& record = *agent.registry->find(change->key);
            if (change->key == key_ && digest(record) == wanted_) agent.held_at = now_;
            agent.queue.push(Rank::verdicts, 1 + change->key.subject, encode(record),
                             Audience::picket);
            if (agent.eager.take(now_)) gossip(index);
            schedule_tick(index);
        }
        agent.exchange->on_persisted(now_);
        while (const auto letter = agent.exchange->poll_letter()) {
            const bool packet = std::holds_alternative<RootMessage>(letter->message);
            if (packet && lost()) continue;
            at(now_ + (packet ? delay() : 3 * delay()), Kind::exchange,
               static_cast<std::size_t>(letter->to),
               std::make_shared<const std::string>(encode(letter->message)));
        }
        wake(index, agent.exchange->next_wakeup());
    }

    void gossip(std::size_t index) {
        for (const std::size_t to : others(index)) {
            std::vector<std::string> messages;
            agents_[index].queue.fill(650, agents_.size(), Audience::picket, messages);
            if (messages.empty()) return;
            ++packets_;
            if (lost()) continue;
            for (std::string& message : messages) {
                at(now_ + delay(), Kind::record, to,
                   std::make_shared<const std::string>(std::move(message)));
            }
        }
    }

    std::set<std::size_t> others(std::size_t index) {
        std::set<std::size_t> chosen;
        while (chosen.size() < std::min(fanout, agents_.size() - 1)) {
            const std::size_t to = random_.below(agents_.size());
            if (to != index) chosen.insert(to);
        }
        return chosen;
    }

    void schedule_tick(std::size_t index) {
        Agent& agent = agents_[index];
        if (agent.ticking || agent.queue.empty()) return;
        agent.ticking = true;
        const Duration into = (now_.time_since_epoch() + tick - agent.tick_phase) % tick;
        at(now_ + tick - into, Kind::gossip, index);
    }

    Random random_;
    unsigned loss_percent_;
    std::vector<Agent> agents_;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::uint64_t order_ = 0;
    Instant now_{std::chrono::hours(1)};
    Instant proposed_at_{};
    RecordKey key_{};
    std::uint64_t wanted_ = 0;
    std::uint64_t packets_ = 0;
};

VerdictRecord outage(std::uint32_t epoch) {
    return {.check = CheckKey{7},
            .epoch = epoch,
            .scope = epoch % 2 == 1 ? OutageScope::total : OutageScope::none};
}

struct Case {
    std::size_t agents;
    double rounds_max;  // Of the 99th percentile; docs/PROTOCOL.md
    std::uint64_t seeds;
};

void check_convergence(const Case& size, unsigned loss_percent) {
    std::vector<double> all;
    std::size_t missed = 0;
    Duration slowest{};
    for (std::uint64_t seed = 1; seed <= size.seeds; ++seed) {
        CAPTURE(seed);
        Dissemination mesh(size.agents, loss_percent, seed);
        mesh.run_for(10s);
        mesh.propose(seed % size.agents, outage(1));
        mesh.run_for(4s);
        const std::vector<double> rounds = mesh.rounds();
        all.insert(all.end(), rounds.begin(), rounds.end());
        missed += size.agents - rounds.size();
        mesh.run_for(14s);
        CHECK(mesh.rounds().size() == size.agents);
        // Gossip is over after a second; then two periods, a tenth late each.
        CHECK(mesh.complete_after() <= 1s + 2 * AntiEntropy::interval * 11 / 10);
        slowest = std::max(slowest, mesh.complete_after());
    }
    std::ranges::sort(all);
    const double p99 = all[all.size() * 99 / 100];
    MESSAGE(
        fmt::format("{} agents, {} % loss: median {:.1f} rounds, p99 {:.1f}, worst {:.1f}; "
                    "{} of {} told by anti-entropy, all within {}",
                    size.agents, loss_percent, all[all.size() / 2], p99, all.back(), missed,
                    size.agents * size.seeds, format_duration(slowest)));
    CHECK(p99 <= size.rounds_max);
}

TEST_CASE("hardly a verdict needs anti-entropy to be with all agents of a small mesh") {
    for (const std::size_t agents : {5U, 12U, 30U}) {
        std::size_t missed = 0;
        for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
            Dissemination mesh(agents, 0, seed);
            mesh.propose(seed % agents, outage(1));
            mesh.run_for(3s);
            missed += mesh.rounds().size() < agents;
        }
        MESSAGE(fmt::format("{} agents: {} of 2,000 verdicts missed somebody", agents, missed));
        CHECK(missed <= 4);
    }
}

TEST_CASE("a verdict is with all agents in a few gossip rounds, whatever the network loses") {
    const char* runs =
        std::getenv("RUNS");  // As make sim has it: more, for whoever looks for more.
    const std::uint64_t scale = runs == nullptr || *runs == 0 ? 1 : 3;
    for (const unsigned loss_percent : {0u, 20u}) {
        check_convergence({100, 8, 40 * scale}, loss_percent);
        check_convergence({1000, 10, 5 * scale}, loss_percent);
        check_convergence({10'000, 11, scale}, loss_percent);
    }
}

TEST_CASE("a hundred verdicts at once are with all agents soon, those gossip dropped included") {
    for (const unsigned loss_percent : {0u, 20u}) {
        Dissemination mesh(100, loss_percent, 1);
        mesh.run_for(10s);
        for (std::uint64_t check = 0; check < 400; ++check) {
            VerdictRecord record = outage(1);
            record.check = CheckKey{check};
            mesh.propose(check % 100, record);
        }
        mesh.run_for(25s);
        CHECK(mesh.rounds().size() == 100);
    }
}

}  // namespace
}  // namespace picket::testing
