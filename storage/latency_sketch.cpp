#include "storage/latency_sketch.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agent/base/assert.h"

namespace picket::storage {

namespace {

const double growth = (1 + LatencySketch::accuracy) / (1 - LatencySketch::accuracy);
const double log_growth = std::log(growth);

// Bucket 0 holds nothing but zeros, bucket 1 what is up to 1 us, and so on.
std::size_t bucket_of(std::uint64_t latency_us) {
    if (latency_us == 0) return 0;
    const double number = std::ceil(std::log(static_cast<double>(latency_us)) / log_growth);
    return std::min(static_cast<std::size_t>(number) + 1, LatencySketch::buckets_max - 1);
}

// In the middle of the bucket, so that either bound is as far off as the other.
std::uint64_t latency_in(std::size_t bucket) {
    if (bucket == 0) return 0;
    const double upper = std::exp(log_growth * static_cast<double>(bucket - 1));
    return static_cast<std::uint64_t>(std::llround(upper * 2 / (1 + growth)));
}

}  // namespace

void LatencySketch::add(std::uint64_t latency_us) {
    add(bucket_of(latency_us), 1);
}

void LatencySketch::add(std::size_t bucket, std::uint64_t count) {
    if (counts_.empty()) first_ = bucket;
    if (bucket < first_) {
        counts_.insert(counts_.begin(), first_ - bucket, 0);
        first_ = bucket;
    }
    if (bucket - first_ >= counts_.size()) counts_.resize(bucket - first_ + 1);
    counts_[bucket - first_] += count;
}

void LatencySketch::merge(const LatencySketch& other) {
    for (std::size_t each = 0; each < other.counts_.size(); ++each) {
        if (other.counts_[each] > 0) add(other.first_ + each, other.counts_[each]);
    }
}

std::uint64_t LatencySketch::count() const {
    return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

std::uint64_t LatencySketch::quantile(double share) const {
    const std::uint64_t all = count();
    PICKET_ASSERT(all > 0 && share >= 0 && share <= 1);
    const auto rank = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all)));
    std::uint64_t seen = 0;
    for (std::size_t each = 0; each < counts_.size(); ++each) {
        seen += counts_[each];
        if (seen >= std::max<std::uint64_t>(rank, 1)) return latency_in(first_ + each);
    }
    return latency_in(first_ + counts_.size() - 1);
}

// {first bucket, number of buckets, counts}; a count of 0 is followed by how many
// empty ones there are in a row.
void LatencySketch::put(std::string& bytes) const {
    put_varint(bytes, first_);
    put_varint(bytes, counts_.size());
    for (std::size_t each = 0; each < counts_.size();) {
        put_varint(bytes, counts_[each]);
        if (counts_[each++] != 0) continue;
        std::size_t empty = 1;
        while (each < counts_.size() && counts_[each] == 0) ++each, ++empty;
        put_varint(bytes, empty);
    }
}

LatencySketch LatencySketch::take(ByteReader& reader) {
    LatencySketch sketch;
    sketch.first_ = reader.varint(buckets_max - 1);
    const std::size_t size = reader.varint(buckets_max - sketch.first_);
    while (reader.ok() && sketch.counts_.size() < size) {
        const std::uint64_t count = reader.varint(std::uint64_t{1} << 48u);
        if (count != 0) {
            sketch.counts_.push_back(count);
            continue;
        }
        const std::uint64_t empty = reader.varint(size - sketch.counts_.size());
        sketch.counts_.resize(sketch.counts_.size() + std::max<std::uint64_t>(empty, 1));
    }
    return sketch;
}

}  // namespace picket::storage
