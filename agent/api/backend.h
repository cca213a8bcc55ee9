// Backend: what the API may ask of the agent.
//
// Called on the loop. What takes time answers through `done`, later and never
// from within the call; `done` is called exactly once unless the backend is
// destroyed first.

#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/api/snapshot.h"
#include "agent/base/result.h"
#include "checks/heartbeat.h"

namespace picket::api {

// Ends a subscription when it is destroyed.
class Subscription {
public:
    virtual ~Subscription() = default;
};

class Backend {
public:
    virtual ~Backend() = default;

    virtual StatusView status() const = 0;
    // As in the status, without the rest of it.
    virtual AgentView agent() const = 0;

    // not_found where there is no such check.
    virtual void show(std::string_view check, std::function<void(Result<ShowView>)> done) = 0;

    virtual void history(HistoryQuery query, std::function<void(Result<HistoryView>)> done) = 0;

    // not_found where one of the checks is not stored.
    virtual void availability(AvailabilityQuery query,
                              std::function<void(Result<AvailabilitiesView>)> done) = 0;

    // Asks once, now, and records nothing. not_found where there is no such
    // check; exhausted while probe requests of other clients are in flight.
    virtual void probe(std::string_view check,
                       std::function<void(Result<checks::Outcome>)> done) = 0;

    // What a job says of a heartbeat check; answered once it is kept. not_found where
    // there is no such check, invalid where it is of another type.
    virtual void ping(std::string_view check, const checks::Signal& signal,
                      std::function<void(Result<checks::Heartbeat>)> done) = 0;

    virtual void outages(OutagesQuery query, std::function<void(Result<OutagesView>)> done) = 0;

    // `id` is "homepage#7". not_found where there is no such outage.
    virtual void outage(std::string_view id,
                        std::function<void(Result<OutageDetailView>)> done) = 0;

    // Why the mesh holds, or held, a verdict. not_found where there is no such check, or
    // its epoch has not come yet.
    virtual void why(WhyQuery query, std::function<void(Result<WhyView>)> done) = 0;

    // Sorted by name; this agent is one of them.
    virtual std::vector<MemberView> members() const = 0;

    // Does something with the keys of the mesh. invalid where that must not be done,
    // or there is no mesh.
    virtual void keys(KeyCommand command, std::function<void(Result<KeysView>)> done) = 0;

    // Tells the mesh that this agent goes; invalid where there is none.
    virtual void leave(std::function<void(Result<LeaveView>)> done) = 0;

    // not_found where there is no such agent or zone, invalid where the agent lives.
    virtual void forget(ForgetQuery query, std::function<void(Result<ForgetView>)> done) = 0;

    // Reads the definitions again and says what that changed.
    virtual void reload(std::function<void(Result<ReloadView>)> done) = 0;

    // The newest events, oldest first, at most events_kept_max.
    virtual std::vector<Event> events() const = 0;
    virtual std::unique_ptr<Subscription> subscribe(std::function<void(const Event&)> on_event) = 0;
};

}  // namespace picket::api
