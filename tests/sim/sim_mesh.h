// SimMesh: a whole mesh of the shipping code in one thread, with a clock and a
// network of its own.
//
// Each agent is a gossip::Mesh, bytes and all; what stands here in place of the
// driver only moves bytes and time. One seed gives one history: of a failing run the
// seed is all that is needed to see it again.
//
// Beside the agents it keeps what an onlooker knows: who runs, who is stopped, who
// can reach whom. The checkers compare that with what the agents believe.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "gossip/mesh.h"
#include "tests/sim/sim_network.h"

namespace picket::testing {

// What runs on top of each agent's Mesh, as the Council does in an agent. `now` is what
// the agent's clock shows.
class SimApplication {
public:
    virtual ~SimApplication() = default;
    // Its mesh has just been made anew, and has sent nothing yet.
    virtual void on_start(AgentIndex agent) = 0;
    virtual void on_member(AgentIndex agent, const gossip::MemberEvent& event) = 0;
    // After each input: takes out what the mesh has for it, and gives it what is to be
    // sent. True when it gave it anything.
    virtual bool on_pump(AgentIndex agent) = 0;
    virtual Instant next_wakeup(AgentIndex agent) const = 0;
};

class SimMesh {
public:
    struct Options {
        std::size_t agents = 5;
        std::size_t zones = 0;                // Agents are spread over so many; 0: they have none.
        std::size_t begin = ~std::size_t{0};  // So many start by themselves.
        std::uint64_t seed = 1;
        Weather weather{};
        gossip::Timings timings = gossip::timings::lan;
        bool compress = false;    // Costs most of the time, and changes no decision.
        std::string key{};        // 16, 24 or 32 bytes; empty for none.
        Duration start_spread{};  // Agents start within this time.
        bool converged = false;   // They know each other from the start.
        bool trace = true;        // And each agent's incarnations are watched.
    };

    // Agents 1 and up join by way of agent 0, and of agent 1.
    explicit SimMesh(const Options& options);
    ~SimMesh();
    SimMesh(const SimMesh&) = delete;
    SimMesh& operator=(const SimMesh&) = delete;

    void run_for(Duration duration);
    Duration elapsed() const { return now_.time_since_epoch() - epoch; }

    enum class Memory { kept, lost };
    void crash(AgentIndex agent);
    // Starts a crashed agent again: with its incarnation, or like a new one; where it
    // was, or at another address.
    void restart(AgentIndex agent, Memory memory, bool elsewhere = false);
    // Does nothing for so long, and then everything that came in meanwhile.
    void pause(AgentIndex agent, Duration duration);
    // Its clock leaps ahead, as that of a virtual machine does which was asleep.
    void jump_clock(AgentIndex agent, Duration ahead);
    void leave(AgentIndex agent);
    void rejoin(AgentIndex agent);
    // Before anything has run; must outlive it.
    void set_application(SimApplication& application) { application_ = &application; }
    // To be done by the agent after so long, unless it crashes before; late where it is
    // stopped then.
    void call_after(Duration delay, AgentIndex agent, std::function<void()> call);
    SimNetwork& network() { return network_; }
    const SimNetwork& network() const { return network_; }

    std::size_t size() const { return agents_.size(); }
    // Runs, and has not left.
    bool up(AgentIndex agent) const;
    const gossip::Mesh& mesh(AgentIndex agent) const { return *agents_[agent].mesh; }
    gossip::Mesh& mesh(AgentIndex agent) { return *agents_[agent].mesh; }
    static std::string name(AgentIndex agent) { return "a" + std::to_string(agent); }
    // "a", "b" ...; empty without zones.
    std::string zone(AgentIndex agent) const;
    bool paused(AgentIndex agent) const { return now_ < agents_[agent].paused_until; }
    // What `observer` believes of `subject`; nothing if it knows no such member.
    std::optional<gossip::Liveness> belief(AgentIndex observer, AgentIndex subject) const;
    // What the agent's clock shows.
    Instant clock(AgentIndex agent) const { return now_ + agents_[agent].clock_ahead; }
    // Lets the agent's pending outputs take effect, after a call on mesh().
    void pump(AgentIndex agent);

    // What everybody saw change: "[  12.345] a3: a5 alive -> suspect".
    const std::string& trace() const { return trace_; }
    // Healthy, reachable agents that were declared failed; incarnations that went back.
    std::size_t false_alarms() const { return false_alarms_; }
    std::size_t incarnations_back() const { return incarnations_back_; }
    std::size_t queue_peak() const { return queue_peak_; }
    std::uint64_t packets() const { return packets_; }
    std::uint64_t packet_bytes() const { return packet_bytes_; }
    std::uint64_t stream_bytes() const { return stream_bytes_; }

    // Called for each event of each agent, beside the trace, and for what it was sent.
    std::function<void(AgentIndex observer, const gossip::MemberEvent&)> on_event;
    std::function<void(AgentIndex receiver, const gossip::UserMessage&)> on_user;

    static constexpr Duration epoch = std::chrono::hours(1);  // Time begins at no round number.

private:
    struct Agent {
        std::unique_ptr<gossip::Mesh> mesh;
        unsigned place = 0;  // Which of its addresses it is at.
        unsigned life = 0;   // How often it was started.
        gossip::Incarnation stored = 0;
        Instant wakeup = never;
        Instant paused_until{};
        Duration clock_ahead{};
        bool left = false;
        std::map<gossip::StreamId, std::pair<AgentIndex, gossip::StreamId>> inbound;
        std::vector<gossip::Incarnation> seen;  // Of each other, at the highest.
    };
    enum class Kind { packet, wake, start, dial, stream_bytes, stream_end, call };
    struct Happening {
        Kind kind = Kind::packet;
        AgentIndex agent = 0;  // To whom it happens.
        unsigned place = 0;
        AgentIndex from = 0;
        SocketAddress from_address{};
        gossip::StreamId stream = 0;  // At `agent`, or of the dialler.
        std::string bytes{};
        unsigned life = 0;  // Of a call.
        std::function<void()> call{};
    };
    struct Due {
        Instant at;
        std::uint64_t order = 0;  // Breaks ties, so that equal times replay equally.
        std::uint32_t slot = 0;
        bool operator>(const Due& other) const {
            return at != other.at ? at > other.at : order > other.order;
        }
    };

    SocketAddress address(AgentIndex agent, unsigned place) const;
    std::pair<AgentIndex, unsigned> owner(const SocketAddress& address) const;
    void start(AgentIndex agent, gossip::Incarnation incarnation);
    void assume_all(AgentIndex agent);
    void watch_incarnations();
    void schedule(Instant at, Happening happening);
    void happen(Happening happening);
    void on_dial(Happening& happening);
    void refuse(const Happening& happening, Duration after);
    void send(AgentIndex from, const gossip::Transmit& transmit);
    void carry_out(AgentIndex from, gossip::StreamEffect effect);
    void take_out(AgentIndex agent);
    void record(AgentIndex observer, const gossip::MemberEvent& event);
    bool reachable(AgentIndex a, AgentIndex b) const;

    Options options_;
    Random random_;
    SimNetwork network_;
    gossip::TextPool texts_;
    SimApplication* application_ = nullptr;
    Instant now_{epoch};
    std::uint64_t order_ = 0;
    std::vector<Agent> agents_;
    std::vector<std::string> metas_;
    std::vector<std::string> names_;
    std::vector<gossip::wire::Alive> known_;  // From the start.
    Instant watch_at_{epoch};
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::vector<Happening> slots_;
    std::vector<std::uint32_t> free_slots_;
    std::string trace_;
    std::size_t false_alarms_ = 0;
    std::size_t incarnations_back_ = 0;
    std::size_t queue_peak_ = 0;
    std::uint64_t packets_ = 0;
    std::uint64_t packet_bytes_ = 0;
    std::uint64_t stream_bytes_ = 0;
};

}  // namespace picket::testing
