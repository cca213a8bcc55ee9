// Agent: owns every part of picketd and joins outputs to inputs.
//
// No logic of its own: the catalogue says what to ask, the runner asks, witnesses
// judge, the recorder keeps, the API shows. What is to be told is recorded first.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/backend.h"
#include "agent/api/server.h"
#include "agent/base/result.h"
#include "agent/check_table.h"
#include "agent/config.h"
#include "agent/council.h"
#include "agent/event_log.h"
#include "agent/io/directory_watch.h"
#include "agent/io/http_client.h"
#include "agent/io/icmp_socket.h"
#include "agent/io/resolver.h"
#include "agent/io/service_manager.h"
#include "agent/io/worker.h"
#include "agent/mesh_node.h"
#include "agent/recorder.h"
#include "checks/catalogue.h"
#include "checks/heartbeat.h"
#include "checks/probes/runner.h"

namespace picket {

class AgentBackend;

class Agent {
public:
    struct Load {
        checks::CatalogueLoaded loaded;
        std::vector<std::string> problems;  // Each like a line of `validate`.
    };

    // Reads all definitions. Waits for the disk; any thread may do it. Where a
    // directory cannot be read, a `previous` that holds anything stays in force.
    static Load load(checks::Catalogue previous, const Config& config);

    Agent(io::Loop& loop, Config config);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Fails where this agent must not or cannot run: its socket or its state is
    // another agent's, or nobody could ask it anything.
    Status start();

    // Reads the definitions again and applies what changed; `done` gets what that
    // was, later. Requests that come while a load is under way share the next one.
    void reload(std::function<void(const api::ReloadView&)> done);

    // Ends probes and answers, writes what waits, then calls `done`.
    void stop(std::function<void()> done);

private:
    friend class AgentBackend;

    std::vector<std::string> problems() const;  // For `status`, one line each.
    void apply(Load load, Instant now);
    void finish_reload(Load load);
    void on_run(checks::CheckKey key, checks::Run run);
    void on_attempt(checks::CheckKey key, checks::Runner::AttemptId attempt, checks::Run run);
    void record_run(CarriedCheck& check, const checks::Run& run);
    Status join_mesh(const storage::Loaded& stored);
    void on_transition(CarriedCheck& check, const gossip::Transition& transition, WallTime at);
    void end_outages(const std::vector<CheckTable::LetGo>& gone);
    void show_state(CarriedCheck& check, WallTime at);
    void on_verdict_timer();
    void await_clearing(const CarriedCheck& check);
    void record_everything();
    void restore_heartbeats(const storage::Loaded& stored);
    // Asks a heartbeat again when time alone will change it.
    void await_heartbeat(const CarriedCheck& check);
    void update_service_status();

    io::Loop& loop_;
    const Config config_;
    const Instant started_;
    io::Resolvers resolvers_;
    io::HttpClient http_;
    io::IcmpSockets icmp_;
    io::ServiceManager service_manager_;
    EventLog events_;

    checks::HeartbeatBook heartbeats_;
    checks::Catalogue catalogue_;  // Elsewhere while a load is under way.
    std::vector<std::string> definition_problems_;
    CheckTable checks_;
    checks::Runner runner_;
    Recorder recorder_;
    std::unique_ptr<MeshNode> mesh_;                            // Absent: a single agent.
    std::unique_ptr<Council> council_;                          // Where there is a mesh.
    std::set<std::pair<Instant, checks::CheckKey>> clearings_;  // Witnesses that wait for dwell.
    io::Timer verdict_timer_;

    io::Worker load_worker_;
    std::vector<std::function<void(const api::ReloadView&)>> reload_waiting_;
    std::vector<std::function<void(const api::ReloadView&)>> reload_running_;
    std::unique_ptr<io::DirectoryWatch> watch_;
    std::string watch_problem_;

    bool stopping_ = false;

    std::unique_ptr<AgentBackend> backend_;
    std::unique_ptr<api::Server> server_;
};

}  // namespace picket
