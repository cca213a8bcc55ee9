// MeshNode: this agent as a member of the mesh.
//
// Joins gossip::Mesh with its driver, the seeds, the key ring and what must survive a
// restart; turns what the mesh says into events, log lines and views. It knows nothing
// of checks. What picket's agents tell each other comes and goes by its kind (the third
// byte, docs/PROTOCOL.md): whoever owns a range of kinds takes it with on_kinds.
//
// An incarnation is reserved on disk before it is used, incarnations_reserved at a
// time, so that none is used twice however the agent ends. (An accusation may force a
// leap beyond the reserve; if the agent is killed before that is written, the mesh tells
// it on its return which number it had.)
//
// Ending the agent is no leave: an agent that stops answers no more, and the mesh
// says so. leave() is said by people.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/snapshot.h"
#include "agent/config.h"
#include "agent/event_log.h"
#include "agent/io/resolver.h"
#include "agent/key_service.h"
#include "agent/keyring_file.h"
#include "agent/mesh_driver.h"
#include "agent/recorder.h"
#include "agent/seeds.h"
#include "gossip/mesh.h"

namespace picket {

class MeshNode {
public:
    static constexpr gossip::Incarnation incarnations_reserved = 64;
    static constexpr std::uint8_t message_version = 1;

    // All must outlive the node.
    struct Services {
        io::Loop& loop;
        io::Resolvers& resolvers;
        Recorder& recorder;
        EventLog& events;
    };

    // Opens the port and reserves an incarnation, waiting for the disk. Fails where the
    // configuration asks for what must not or cannot be: no keys on a port that others
    // reach, a key ring that cannot be read, an address that is taken. Requires
    // config.gossip.
    static Result<std::unique_ptr<MeshNode>> open(const Services& services, const Config& config,
                                                  const std::map<std::string, std::string>& facts);
    MeshNode(const MeshNode&) = delete;
    MeshNode& operator=(const MeshNode&) = delete;

    // Looks for the others.
    void start();

    // Tells the mesh that this agent goes; `done` is called when that is told, or
    // nobody listened for as long as that may take. It stays away until it is restarted.
    void leave(std::function<void()> done);

    // Drops the member named, or all of a zone, that are failed or left, here and on
    // every picket agent that lives; returns their names. not_found where there is none
    // such, invalid where the one named is alive.
    Result<std::vector<std::string>> forget(const std::string& name, const std::string& zone);

    // Sends a user message to one picket agent over a stream; `done` hears what became
    // of it. It is tried once.
    void send_reliably(const SocketAddress& to, std::string payload,
                       std::function<void(const gossip::Delivery&)> done);
    // Asks a member whether it answers.
    void ping(const gossip::Member& member, Duration timeout, gossip::Mesh::Over over,
              std::function<void(const gossip::Pong&)> done);

    // Has `handler` take picket's messages whose kind is from `first` to `last`, and
    // which came as a packet or a stream. Requires that nobody has taken any of them.
    using Handler = std::function<void(const gossip::UserMessage&)>;
    void on_kinds(std::uint8_t first, std::uint8_t last, Handler handler);
    // Hears of every change of a member, after it was logged and shown.
    void set_on_member(std::function<void(const gossip::MemberEvent&)> on_member) {
        on_member_ = std::move(on_member);
    }
    // Hears whom an operator has forgotten, here or on another agent.
    void set_on_forgotten(std::function<void(const std::string& name)> on_forgotten) {
        on_forgotten_ = std::move(on_forgotten);
    }
    bool leaving() const { return mesh_.swim().leaving(); }
    // Lifeguard's. 0 where nobody else lives: there is no probe that could succeed and show
    // that the failed ones were not our own doing.
    unsigned health_score() const {
        return mesh_.swim().table().count_present() > 1 ? mesh_.swim().health_score() : 0;
    }
    // The user state of push/pulls with picket's agents.
    void on_state(Handler handler) { on_state_ = std::move(handler); }
    MeshDriver& driver() { return *driver_; }

    // Records again what must survive, where storage began anew.
    void record_facts();

    KeyService& keys() { return keys_; }
    gossip::wire::KeyRing& ring() { return mesh_.keys(); }

    const std::string& name() const { return config_.name; }
    std::vector<gossip::Member> others() const;  // That live, without this agent.
    // Of a picket agent that lives.
    std::optional<SocketAddress> address_of(std::string_view name) const;
    void count_malformed() { ++messages_malformed_; }
    api::MeshView view() const;
    std::vector<api::MemberView> members(std::uint32_t own_checks) const;  // Sorted by name.
    std::vector<std::string> problems() const;
    std::vector<std::pair<std::string, std::uint64_t>> counters() const;

private:
    struct Kinds {
        std::uint8_t first;
        std::uint8_t last;
        Handler handler;
    };

    MeshNode(const Services& services, const Config& config, LoadedKeys keys,
             const SocketAddress& address, gossip::Incarnation incarnation);

    MeshDriver::Events driver_events();
    void reserve_at_start();
    void on_member(const gossip::MemberEvent& event);
    void on_user(const gossip::UserMessage& message);
    void on_failure(const gossip::StreamFailure& failure);
    void on_forget(const gossip::UserMessage& message);
    void on_turn(Instant now);

    Services services_;
    const Config& config_;
    std::vector<std::string> problems_;
    gossip::TextPool texts_;
    gossip::Mesh mesh_;
    gossip::Incarnation reserved_;
    std::vector<Kinds> kinds_;
    Handler on_state_;
    std::function<void(const gossip::MemberEvent&)> on_member_;
    std::function<void(const std::string&)> on_forgotten_;
    std::uint64_t messages_unknown_ = 0;
    std::uint64_t messages_malformed_ = 0;
    std::map<std::uint64_t, std::function<void(const gossip::Delivery&)>> deliveries_;
    std::map<std::uint64_t, std::function<void(const gossip::Pong&)>> pongs_;
    std::map<SocketAddress, std::string> failures_;  // What was logged of each seed.
    std::vector<std::function<void()>> leaving_;
    std::unique_ptr<MeshDriver> driver_;
    Seeds seeds_;
    KeyService keys_;
};

}  // namespace picket
