// SpreadNet: a few agents' Spread over a made-up network, with a clock of its own.
//
// What Mesh and the database do beside it is done here in the simplest way: members are
// told, broadcasts go out in gossip ticks from a SpreadQueue, letters arrive a little
// later, records are on disk a moment after they were ordered. One seed, one history.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "gossip/spread/spread.h"

namespace picket::testing {

class SpreadNet {
public:
    struct Options {
        std::size_t agents = 5;
        std::uint64_t seed = 1;
        unsigned loss_percent = 0;
        Duration disk = std::chrono::milliseconds(2);  // From an order to on_persisted.
    };
    using Disk = std::map<gossip::RecordKey, std::string>;

    // All agents but the first have a mesh to join. All start, and know each other.
    explicit SpreadNet(const Options& options);
    ~SpreadNet();

    void run_for(Duration duration);
    Instant now() const { return now_; }
    WallTime wall() const { return WallTime(wall_epoch + now_.time_since_epoch()); }

    gossip::Spread& operator[](std::size_t agent) { return *agents_[agent].spread; }
    bool up(std::size_t agent) const { return agents_[agent].spread != nullptr; }
    // Lets an agent's outputs take effect, after a call on it.
    void pump(std::size_t agent);
    static std::string name(std::size_t agent) { return "a" + std::to_string(agent); }
    static SocketAddress address(std::size_t agent);
    // Agents of other names, who are told nothing and say nothing.
    void add_foreign(const std::string& name);

    void crash(std::size_t agent);
    // With what was on its disk, or with what is given, or nothing.
    void start(std::size_t agent, gossip::Boot boot, std::optional<Disk> disk = std::nullopt);
    const Disk& disk(std::size_t agent) const { return agents_[agent].disk; }
    void fail_disk(std::size_t agent, bool failing) { agents_[agent].disk_fails = failing; }

    // Nothing passes from or to these, and after some seconds membership has noticed.
    void cut_off(std::set<std::size_t> side);
    void heal();

    // A roll call of everybody's that passes, or not, as `passes` says.
    void roll_calls(const std::function<bool(std::size_t)>& passes);

    // A packet as if from `from`, whoever made it.
    void deliver(std::size_t to, const std::string& payload, const SocketAddress& from);

    std::vector<gossip::SpreadEvent> take_events(std::size_t agent);
    // Whether all that are up hold the same verdict of `check`.
    bool agree(gossip::CheckKey check);
    bool roots_equal();
    // Payload bytes of picket's messages so far, each with what its packet costs.
    std::uint64_t bytes() const { return bytes_; }
    std::uint64_t letters() const { return letters_; }

private:
    static constexpr Duration wall_epoch = std::chrono::hours(24 * 365 * 50);
    static constexpr Duration tick = std::chrono::milliseconds(200);

    struct Agent {
        std::unique_ptr<gossip::Spread> spread;
        gossip::SpreadQueue queue;
        std::vector<gossip::SpreadEvent> events;
        Disk disk;
        bool disk_fails = false;
        unsigned life = 0;
        Instant wakeup = never;
    };
    struct Due {
        Instant at;
        std::uint64_t order = 0;
        std::function<void()> happen;
        bool operator>(const Due& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    void at(Instant when, std::function<void()> happen);
    void meet(std::size_t a, std::size_t b, gossip::Liveness liveness);
    void gossip(std::size_t agent);
    void transmit(std::size_t from, std::size_t to, const std::string& payload, Duration delay);
    bool passes(std::size_t a, std::size_t b) const {
        return side_.contains(a) == side_.contains(b);
    }

    Options options_;
    Random random_;
    Instant now_{std::chrono::hours(1)};
    std::uint64_t order_ = 0;
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::vector<Agent> agents_;
    std::set<std::size_t> side_;
    std::uint64_t bytes_ = 0;
    std::uint64_t letters_ = 0;
};

}  // namespace picket::testing
