// RecentHour: the last hour of one check, small enough to keep for every check.
//
// Thirty buckets of two minutes: the mean latency of what passed, and the worst
// finding. For the sparkline of `status`; history proper is in the database.

#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "agent/base/time.h"
#include "checks/outcome.h"

namespace picket {

class RecentHour {
public:
    static constexpr std::size_t buckets = 30;
    static constexpr Duration bucket_length = std::chrono::minutes(2);

    // Outcomes may come in any order; older than an hour before the newest is nothing.
    void add(WallTime at, checks::Finding finding, Duration latency);

    // One character a bucket, oldest first, the last holding `now`: '0' to '7' by
    // latency against the slowest bucket, '!' where something failed, '?' where
    // nothing but errors came, '-' where nothing was asked.
    std::string sparkline(WallTime now) const;

private:
    struct Bucket {
        std::int64_t number = -1;  // Of two minutes since 1970.
        std::uint32_t passed = 0;
        bool failed = false;
        std::uint64_t latency_us_sum = 0;
    };

    std::array<Bucket, buckets> buckets_{};
};

}  // namespace picket
