#include "agent/recent_hour.h"

#include <algorithm>

namespace picket {
namespace {

std::int64_t bucket_number(WallTime at) {
    return std::max<std::int64_t>(at.time_since_epoch() / RecentHour::bucket_length, 0);
}

}  // namespace

void RecentHour::add(WallTime at, checks::Finding finding, Duration latency) {
    const std::int64_t number = bucket_number(at);
    Bucket& bucket = buckets_[static_cast<std::size_t>(number) % buckets];
    if (bucket.number > number) return;
    if (bucket.number < number) bucket = Bucket{.number = number};
    if (finding == checks::Finding::failed) bucket.failed = true;
    if (finding != checks::Finding::passed) return;
    ++bucket.passed;
    bucket.latency_us_sum += static_cast<std::uint64_t>(std::max(latency, Duration{0}).count());
}

std::string RecentHour::sparkline(WallTime now) const {
    const std::int64_t last = bucket_number(now);
    const std::int64_t first = last - static_cast<std::int64_t>(buckets) + 1;
    const auto mean = [](const Bucket& bucket) {
        return bucket.passed == 0 ? 0 : bucket.latency_us_sum / bucket.passed;
    };
    std::uint64_t highest = 1;
    for (const Bucket& bucket : buckets_) {
        if (bucket.number >= first) highest = std::max(highest, mean(bucket));
    }
    std::string line;
    for (std::int64_t number = first; number <= last; ++number) {
        const Bucket* bucket =
            number < 0 ? nullptr : &buckets_[static_cast<std::size_t>(number) % buckets];
        if (bucket == nullptr || bucket->number != number) {
            line += '-';
        } else if (bucket->failed) {
            line += '!';
        } else if (bucket->passed == 0) {
            line += '?';
        } else {
            line += static_cast<char>('0' + mean(*bucket) * 7 / highest);
        }
    }
    return line;
}

}  // namespace picket
