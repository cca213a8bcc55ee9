// Timings: memberlist's profiles, and what picket adds to them.
//
// The values above the blank line are memberlist's DefaultLANConfig,
// DefaultWANConfig and DefaultLocalConfig (memberlist.md, section 13.1): agents of
// one mesh should use one profile, whoever wrote them.

#pragma once

#include <cstddef>

#include "agent/base/time.h"

namespace picket::gossip {

struct Timings {
    Duration stream_timeout;
    std::size_t indirect_checks;
    unsigned retransmit_factor;
    unsigned suspicion_factor;
    unsigned suspicion_max_factor;
    Duration push_pull_interval;
    Duration probe_timeout;
    Duration probe_interval;
    unsigned health_max;
    std::size_t gossip_nodes;
    Duration gossip_interval;
    Duration gossip_to_the_dead;

    Duration heal_interval;      // Between two looks at who might be reached again.
    Duration heal_interval_max;  // One that is gone for long is tried this often, by somebody.
    Duration leave_timeout;      // By then a leave is told, or nobody listens.
};

namespace timings {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Timings lan{.stream_timeout = seconds(10),
                      .indirect_checks = 3,
                      .retransmit_factor = 4,
                      .suspicion_factor = 4,
                      .suspicion_max_factor = 6,
                      .push_pull_interval = seconds(30),
                      .probe_timeout = milliseconds(500),
                      .probe_interval = seconds(1),
                      .health_max = 8,
                      .gossip_nodes = 3,
                      .gossip_interval = milliseconds(200),
                      .gossip_to_the_dead = seconds(30),
                      .heal_interval = seconds(5),
                      .heal_interval_max = seconds(60),
                      .leave_timeout = seconds(5)};

constexpr Timings wan{.stream_timeout = seconds(30),
                      .indirect_checks = 3,
                      .retransmit_factor = 4,
                      .suspicion_factor = 6,
                      .suspicion_max_factor = 6,
                      .push_pull_interval = seconds(60),
                      .probe_timeout = seconds(3),
                      .probe_interval = seconds(5),
                      .health_max = 8,
                      .gossip_nodes = 4,
                      .gossip_interval = milliseconds(500),
                      .gossip_to_the_dead = seconds(60),
                      .heal_interval = seconds(15),
                      .heal_interval_max = seconds(120),
                      .leave_timeout = seconds(15)};

constexpr Timings local{.stream_timeout = seconds(1),
                        .indirect_checks = 1,
                        .retransmit_factor = 2,
                        .suspicion_factor = 3,
                        .suspicion_max_factor = 6,
                        .push_pull_interval = seconds(15),
                        .probe_timeout = milliseconds(200),
                        .probe_interval = seconds(1),
                        .health_max = 8,
                        .gossip_nodes = 3,
                        .gossip_interval = milliseconds(100),
                        .gossip_to_the_dead = seconds(15),
                        .heal_interval = seconds(2),
                        .heal_interval_max = seconds(30),
                        .leave_timeout = seconds(3)};

}  // namespace timings

// How often one broadcast is sent at most, in a mesh of `members`.
unsigned transmit_limit(const Timings& timings, std::size_t members);

// memberlist spreads push/pulls out as the mesh grows: one doubling of the members
// above 32 adds one interval.
Duration push_pull_interval(const Timings& timings, std::size_t members);

}  // namespace picket::gossip
