// KeyService: changes the mesh's key ring, here and on every other agent.
//
// What people ask for is done one command at a time: first here, then by a
// KeyRotation on every living picket agent. Before `use` and `remove` all are asked
// what they hold: a key becomes the primary only where each living member can open what
// it seals, and goes only where it is nobody's primary. Force skips that for members
// that do not answer, and for those that are not picket's and cannot be asked.
//
// Others' requests are done in the order in which they come. A change is on the disk, in
// the live ring (keyring_file.h), before it counts and before it is confirmed. At
// commands_max or changes_max waiting ones a further one is refused.
//
// Keys travel only sealed: in a mesh without keys nothing is accepted or asked.

#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/api/snapshot.h"
#include "agent/base/result.h"
#include "agent/io/loop.h"
#include "agent/io/timer.h"
#include "agent/io/worker.h"
#include "gossip/key_rotation.h"
#include "gossip/mesh.h"

namespace picket {

class MeshNode;

class KeyService {
public:
    static constexpr std::size_t commands_max = 4;
    static constexpr std::size_t changes_max = 16;

    using Done = std::function<void(Result<api::KeysView>)>;

    // `node` must outlive the service.
    KeyService(io::Loop& loop, MeshNode& node, std::string state_dir);
    KeyService(const KeyService&) = delete;
    KeyService& operator=(const KeyService&) = delete;

    // `done` is called once, later. Errors: invalid (not a key, or it must not be done
    // now: the message says why, and that nothing was changed), not_found (no such key
    // here), exhausted, io (the live ring cannot be written).
    void run(const api::KeyCommand& command, Done done);

    // A message of the kinds 0x40 to 0x4f.
    void on_message(const gossip::UserMessage& message);

private:
    using Operation = gossip::wire::KeyOperation;

    struct Command {
        Operation operation = Operation::list;
        bool force = false;
        std::string key;  // Of an install.
        gossip::wire::KeyId subject = 0;
        Done done;
    };
    // One change of our own ring, a command's or a request's.
    struct Change {
        Operation operation = Operation::list;
        std::string key;
        gossip::wire::KeyId subject = 0;
        std::function<void(Status)> done;
    };

    Result<Command> parse(const api::KeyCommand& command) const;
    void next_command();
    void begin();
    void on_surveyed();
    void change_everywhere();
    void rotate(Operation operation, std::function<void()> then);
    void turn();
    void finish(Status status);
    Status judge_survey() const;
    api::KeysView view() const;

    void later(std::function<void()> task);
    void change(Change change);
    void next_change();
    Result<std::vector<gossip::wire::Key>> changed_ring(const Change& change) const;
    Status apply(const Change& change);
    std::vector<gossip::wire::KeyId> ring() const;

    void on_request(const gossip::wire::KeyRequest& request);
    void answer(const gossip::wire::KeyRequest& request, const Status& status);

    io::Loop& loop_;
    MeshNode& node_;
    const std::string ring_path_;
    std::deque<Command> commands_;  // The first one is under way.
    std::optional<gossip::KeyRotation> rotation_;
    std::function<void()> after_rotation_;
    io::Timer timer_;
    io::Timer soon_;
    std::vector<std::function<void()>> tasks_;
    std::deque<Change> changes_;  // Likewise.
    io::Worker writer_;
};

}  // namespace picket
