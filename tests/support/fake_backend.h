// FakeBackend: an agent that says what a test has put into it.
//
// What takes time waits in `pending` until answer_pending(), as the real one
// never answers from within a call.

#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/api/backend.h"

namespace picket::api {

class FakeBackend : public Backend {
public:
    StatusView status() const override { return status_view; }
    void show(std::string_view check, std::function<void(Result<ShowView>)> done) override;
    AgentView agent() const override { return status_view.agent; }
    void availability(AvailabilityQuery query,
                      std::function<void(Result<AvailabilitiesView>)> done) override;
    void history(HistoryQuery query, std::function<void(Result<HistoryView>)> done) override;
    void probe(std::string_view check, std::function<void(Result<checks::Outcome>)> done) override;
    void ping(std::string_view check, const checks::Signal& signal,
              std::function<void(Result<checks::Heartbeat>)> done) override;
    void outages(OutagesQuery query, std::function<void(Result<OutagesView>)> done) override;
    void outage(std::string_view id, std::function<void(Result<OutageDetailView>)> done) override;
    void why(WhyQuery query, std::function<void(Result<WhyView>)> done) override;
    std::vector<MemberView> members() const override { return member_views; }
    void keys(KeyCommand command, std::function<void(Result<KeysView>)> done) override;
    void leave(std::function<void(Result<LeaveView>)> done) override;
    void forget(ForgetQuery query, std::function<void(Result<ForgetView>)> done) override;
    void reload(std::function<void(Result<ReloadView>)> done) override;
    std::vector<Event> events() const override { return recent_events; }
    std::unique_ptr<Subscription> subscribe(std::function<void(const Event&)> on_event) override;

    // Answers what was asked so far; `pending` holds none of it afterwards.
    void answer_pending();
    void publish(const Event& event);

    StatusView status_view;
    std::vector<MemberView> member_views;
    std::vector<Event> recent_events;
    OutageDetailView outage_view;
    WhyView why_view;
    std::vector<WitnessView> witness_views;  // Of every check.
    HistoryView history_view;
    AvailabilitiesView availability_view;
    Result<KeysView> keys_view = KeysView{};
    Result<checks::Outcome> probe_outcome = checks::passed(Duration{400}, "ok");

    // What was asked.
    HistoryQuery history_query;
    AvailabilityQuery availability_query;
    OutagesQuery outages_query;
    WhyQuery why_query;
    KeyCommand key_command;
    ForgetQuery forget_query;
    int reloads = 0;
    std::vector<checks::Signal> signals;
    std::deque<std::function<void()>> pending;
    std::map<int, std::function<void(const Event&)>> subscribers;

private:
    Result<ShowView> find(std::string_view check) const;

    int subscriptions_ = 0;
};

// One check of each state, one open outage, a mesh of one: what most tests show.
// `now` is the time at which it holds.
extern const WallTime sample_now;
StatusView sample_status();

// A mesh of twelve agents in zones a, b and c, in the middle of an outage: three of five
// witnesses fail `homepage`, one passes it and one is cut off.
StatusView sample_mesh_status();
EvidenceView sample_opening();
std::vector<WitnessView> sample_witnesses();
WhyView sample_why();

// As many checks as asked for, all up, named "check-0000" and so on.
StatusView large_status(std::size_t checks);

}  // namespace picket::api
