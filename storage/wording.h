// Wording: what a message says, apart from the figures in it.
//
// "ping 192.0.2.1: 3 of 3 answered, rtt 10.2/10.4/11.3 ms" is another text each time, and says
// the same. Stored as they come, a check that is asked every ten seconds would leave a quarter
// of a million texts a month. So the numbers that change are taken out: the words, with a mark in
// the place of each, are a row of `messages`, once; the figures go with the outcome, as columns
// of its chunk (series.h), about a byte each. The latency, which an outcome has in any case, has
// a mark of its own and costs nothing: "200 from 192.0.2.1:443 in 23 ms".
//
// A number stays among the words until it is seen to change, check by check: addresses, ports
// and status codes stay there. The marks are control characters, which no message holds
// (printable_line): one for the latency, one for each number of decimals of a figure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/base/limits.h"
#include "agent/base/time.h"
#include "storage/entry.h"

namespace picket::storage {

constexpr char latency_mark = '\x0e';
constexpr char figure_mark = '\x10';  // Of a whole number; the next ones of 1 to 9 decimals.

struct Worded {
    std::string words;
    std::vector<std::int64_t> figures;  // Without their points: 10.2 is 102. At most figures_max.
};

class Wordings {
public:
    // Of wordings, with the numbers they came with first; all are forgotten where there would be
    // more. What that costs is a few texts that are stored twice.
    static constexpr std::size_t remembered_max = 2 * limits::checks_max;

    Worded split(std::int64_t check, std::string_view message, Duration latency);

private:
    struct Seen {
        std::vector<std::int64_t> first;
        std::uint32_t changing = 0;  // A bit for each number.
    };
    Seen& seen_of(std::uint64_t key);

    std::unordered_map<std::uint64_t, Seen> seen_;
};

// The message again, made fit to be shown. A figure that is missing is a question mark.
std::string join(std::string_view words, std::span<const std::int64_t> figures, Duration latency);

}  // namespace picket::storage
