// LatencySketch: the distribution of latencies, small and mergeable.
//
// Buckets whose bounds grow by a constant factor (the idea of DDSketch, VLDB 2019):
// a quantile is right to a relative `accuracy`, whatever the distribution, and a merge
// is the sum of the counts, which loses nothing. An hour of a check is some 60 bytes.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/packing.h"

namespace picket::storage {

class LatencySketch {
public:
    static constexpr double accuracy = 0.015;
    // Above any latency that an entry can hold.
    static constexpr std::size_t buckets_max = 1'536;

    void add(std::uint64_t latency_us);
    void merge(const LatencySketch& other);

    std::uint64_t count() const;
    // The smallest latency that at least this share of all do not exceed, in
    // microseconds. Requires count() > 0 and 0 <= share <= 1.
    std::uint64_t quantile(double share) const;

    void put(std::string& bytes) const;
    // Where the reader is not ok() afterwards there was none.
    static LatencySketch take(ByteReader& reader);

    friend bool operator==(const LatencySketch&, const LatencySketch&) = default;

private:
    void add(std::size_t bucket, std::uint64_t count);

    std::size_t first_ = 0;  // The bucket that counts_ begins with.
    std::vector<std::uint64_t> counts_;
};

}  // namespace picket::storage
