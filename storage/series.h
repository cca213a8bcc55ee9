// Series: the points of one check, compressed. Pure: bytes in, bytes out.
//
// A chunk holds 1 to chunk_entries_max entries in the order in which they came about;
// a clock that steps back is kept as it is. Times are differences of differences,
// latencies are codes (entry.h): both are columns of numbers.h. A check that is asked every 10 s
// with 2 ms of jitter costs some three bits for a time; a log-normal latency of sigma 0.3 some ten.
// All else about an entry (its profile) is a table with run lengths, and costs next to nothing. The
// figures that a message leaves to its outcomes (wording.h) are columns, packed as latencies are.
//
//   chunk   version u8 = 1, count, first time (signed),
//           profiles: number, {state | class << 2 | figures << 6 (u8), message, interval,
//           number of figures if any}
//           runs: {index, length} until `count` entries are covered
//           times: numbers of count - 1 differences; latencies: numbers of count codes
//           figures: for each profile that has any, in the order of its first entry, for each
//           of its figures, numbers of as many as entries are of it
//
// "Numbers" are columns as in numbers.h. All numbers without a type are varints (packing.h). Bytes
// that no encoder wrote are an error, never undefined; decoding costs memory for `count` entries at
// most.

#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "storage/entry.h"

namespace picket::storage {

constexpr std::size_t chunk_entries_max = 4'096;

// Requires 1 to chunk_entries_max entries.
std::string encode_chunk(std::span<const Entry> entries);

// Returns corrupt for what is not a whole chunk.
Result<std::vector<Entry>> decode_chunk(std::string_view bytes);

// A series that grows: entries one after the other, some four bytes each, without the
// second look that a chunk takes. What is in memory, and in a head (head.h).
class OpenSeries {
public:
    void append(const Entry& entry);

    std::size_t count() const { return count_; }
    bool empty() const { return count_ == 0; }
    const std::string& bytes() const { return bytes_; }
    // Requires that it is not empty.
    const Entry& last() const { return last_; }
    std::vector<Entry> entries() const;

    // Returns corrupt for what append() did not write.
    static Result<OpenSeries> restore(std::string_view bytes);

    // Reads entries from what bytes() gave; corrupt after the last good one.
    static Status read(std::string_view bytes, std::vector<Entry>& entries);

private:
    std::string bytes_;
    std::size_t count_ = 0;
    Entry last_;
};

}  // namespace picket::storage
