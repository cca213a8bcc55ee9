// Council: this agent's part in what the mesh agrees on.
//
// Joins gossip::Accord (what picket's agents tell each other, and how they decide) with
// the rest of the agent: the MeshNode carries its messages, the Runner asks when it says
// so, the Recorder makes its records durable, the EventLog and the API hear what came of
// it. It decides nothing itself.
//
// Persist, then show, then send: a record that the registry hands out is written with
// FULL sync before it counts as held. Where the disk refuses, the agent goes on without, as
// one that has no disk does, and counts it (`records_not_durable`).
//
// Everything happens in pump(), which runs on the loop after each input and when a timer
// comes, until there is nothing left to do.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/canaries.h"
#include "agent/check_table.h"
#include "agent/config.h"
#include "agent/declared_files.h"
#include "agent/event_log.h"
#include "agent/host_question.h"
#include "agent/io/icmp_socket.h"
#include "agent/io/resolver.h"
#include "agent/mesh_node.h"
#include "agent/outage_book.h"
#include "agent/recorder.h"
#include "checks/probes/runner.h"
#include "gossip/accord.h"
#include "storage/load.h"

namespace picket {

class Council {
public:
    // A state may change because time passes: a check that nobody answers for becomes unknown.
    static constexpr Duration show_interval = std::chrono::seconds(1);

    // All must outlive it.
    struct Services {
        io::Loop& loop;
        io::Resolvers& resolvers;
        io::IcmpSockets& icmp;
        MeshNode& node;
        Recorder& recorder;
        checks::Runner& runner;
        EventLog& events;
        CheckTable& checks;
    };

    // `on_outage` is called when an outage was opened, closed or changed.
    Council(const Services& services, const Config& config, const storage::Loaded& stored,
            std::function<void()> on_outage);
    Council(const Council&) = delete;
    Council& operator=(const Council&) = delete;

    // The definitions in force are these now. Those that changed have been taken from the
    // runner; the Council gives it those of `start` that the mesh judges.
    void apply(const checks::Catalogue& catalogue, const std::vector<checks::CheckKey>& start);

    // An attempt that Agreement wanted has ended, and is recorded.
    void on_attempt(checks::CheckKey key, checks::Runner::AttemptId attempt,
                    const checks::Run& run);

    // Everything held, once more: storage began anew.
    void record_everything();

    // From now on it does nothing: the agent ends. The node need not outlive this.
    void stop();

    // Takes whoever is named, or all of the zone, out of the reference. How many that were.
    std::size_t forget(std::string_view name, std::string_view zone);
    // Tells the mesh that this agent goes, beside MeshNode::leave().
    void leave();

    // ---- What the API shows

    // Whether the mesh holds an outage of this check.
    bool outage(checks::CheckKey key) const;
    // Why this agent counts for nothing at the moment; absent while it is fit.
    const std::optional<std::string>& unfit_reason() const { return accord_.unfit_reason(); }
    const gossip::Agreement& agreement() const { return accord_.agreement(); }
    const gossip::Spread& spread() const { return accord_.spread(); }
    // The name of a check of the mesh, of a host's `host/NAME`, or the key in hex digits.
    std::string name_of(gossip::CheckKey key) const { return accord_.name_of(key); }
    // There is a check of the mesh of this name, or there was one.
    bool knows(std::string_view name) const;
    // Checks of the mesh and hosts that there is something to say of, by name.
    std::vector<std::pair<std::string, gossip::CheckKey>> subjects() const;
    // Living agents other than this one, and their zones.
    std::map<std::string, std::string> zones_alive() const;
    // This agent's name, a known one's, or the id of a stranger in hex digits.
    std::string agent_name(gossip::AgentId agent) const;
    std::vector<std::string> problems() const;
    std::vector<std::pair<std::string, std::uint64_t>> counters() const;

private:
    void restore(const storage::Loaded& stored, Instant now, WallTime wall);
    void adopt_stored_verdicts(const storage::Loaded& stored, Instant now, WallTime wall);
    void adopt_stored_outages(const storage::Loaded& stored, WallTime wall);
    void listen();

    void pump();
    void carry_out(Instant now, WallTime wall);
    void send();
    void persist(const gossip::PersistOrder& order);
    void start_attempt(const gossip::Attempt& attempt);
    void ask_host(const gossip::Attempt& attempt);
    void ask_member(const gossip::Accord::Question& question);

    // council_events.cpp: what came of it, for people.
    void on_event(Instant now, WallTime wall, const gossip::AccordEvent& event);
    void on_record(Instant now, WallTime wall, const gossip::RecordHeld& change);
    void on_verdict_held(Instant now, WallTime wall, const gossip::VerdictRecord& verdict,
                         const gossip::VerdictRecord* before);
    void on_evidence_held(const gossip::EvidenceRecord& evidence);
    void on_agreement_event(WallTime wall, const gossip::AgreementEvent& event);
    void take_seat(gossip::CheckKey key);
    void tell_opened(WallTime wall, const gossip::VerdictRecord& verdict);
    void tell_closed(WallTime wall, const gossip::VerdictRecord& verdict,
                     const storage::Outage& outage);
    void tell_outage(api::Event event);
    // What is known of it is stored, and returned; nothing where nothing is.
    std::optional<storage::Outage> record_outage(const std::string& name, std::uint32_t epoch,
                                                 const gossip::VerdictRecord* before = nullptr);
    void end_outage(WallTime wall, gossip::CheckKey key, std::string_view note);
    // One that ended, or is open again, by no verdict.
    void store_unwatched(WallTime wall, storage::Outage outage);
    void review_outages(Instant now, WallTime wall);
    void show_state(Instant now, WallTime wall, gossip::CheckKey key);
    void show_states(Instant now, WallTime wall);

    Services services_;
    const Config& config_;
    std::function<void()> on_outage_;
    gossip::Accord accord_;
    HostQuestions hosts_;
    Canaries canaries_;
    io::Timer timer_;
    bool stopped_ = false;
    bool pumping_ = false;
    bool again_ = false;

    DeclaredFiles declared_;
    OutageBook outages_;
    std::map<gossip::CheckKey, gossip::State> shown_;  // As the last event said.
    // Verdicts that came before the name of their check did: they are told when it has come.
    std::set<gossip::CheckKey> unnamed_;
    Instant show_at_{};  // When all states are gone through again.
    std::uint64_t records_not_durable_ = 0;
};

}  // namespace picket
