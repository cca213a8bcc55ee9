#include "checks/probes/heartbeat.h"

#include "agent/io/clock.h"
#include "checks/heartbeat.h"
#include "checks/probes/local.h"

namespace picket::checks {

std::unique_ptr<Probe> make_heartbeat_probe(const Definition& definition, ProbeServices services) {
    HeartbeatBook* const book = services.heartbeats;
    return std::make_unique<ReadingProbe>(definition, services.loop, [&definition, book] {
        if (book == nullptr) return errored("only the agent itself hears a job's signals");
        const WallTime now = io::wall_now();
        return judge_heartbeat(definition.query.as<HeartbeatQuery>(),
                               book->get(definition.name, now), now);
    });
}

}  // namespace picket::checks
