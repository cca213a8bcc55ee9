// Entry: one point of a check's series, as it is packed.
//
// Times are exact to the millisecond. Latencies are exact below 1,024 microseconds and
// keep ten significant bits above: they are off by a relative 2^-10 at most. That is
// decided once, when an outcome becomes an entry; everything after is exact.

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "checks/outcome.h"

namespace picket::storage {

// Numbers that are stored: they keep their meaning.
enum class PointState : std::uint8_t {
    passed = 0,
    failed = 1,
    errored = 2,
    // From here to the next point nobody looked: maintenance, an unfit agent.
    not_observed = 3,
};

// Figures that a message may leave to its outcome (wording.h).
constexpr std::size_t figures_max = 32;

// What points have in common, mostly for hours.
struct Profile {
    PointState state = PointState::passed;
    checks::FailureClass failure_class = checks::FailureClass::none;
    std::uint32_t message_id = 0;  // 0: none.
    // How often the check asks. A point speaks for the time until the next one if that
    // comes within two intervals, and else for one; 0 is unknown, and speaks for none.
    std::uint32_t interval_ms = 0;
    std::uint8_t figure_count = 0;  // That the message leaves to each point; at most figures_max.

    friend bool operator==(const Profile&, const Profile&) = default;
};

constexpr std::uint32_t latency_code_max = 0xffffffff;

// Rising with the latency, a step of one being 2^-9 to 2^-10 of it above 1,023.
constexpr std::uint32_t latency_code(std::int64_t microseconds) {
    auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(microseconds, 0));
    value = std::min<std::uint64_t>(value, std::uint64_t{1} << 40u);
    if (value < 1024) return static_cast<std::uint32_t>(value);
    const auto exponent = static_cast<unsigned>(std::bit_width(value)) - 10;
    const std::uint64_t mantissa = (value + (std::uint64_t{1} << (exponent - 1))) >> exponent;
    // A mantissa rounded up to 1,024 is the next exponent's 512: the sum is right.
    return static_cast<std::uint32_t>((std::uint64_t{exponent} << 9u) + mantissa);
}

// What a code means, in microseconds; codes beyond any latency mean the longest.
constexpr std::uint64_t latency_of(std::uint32_t code) {
    if (code < 1024) return code;
    const std::uint32_t exponent = std::min((code >> 9u) - 1, 31u);
    return std::uint64_t{code - (exponent << 9u)} << exponent;
}

// Years 0 to 9999: what format_time can write, and far from overflow.
constexpr std::int64_t at_ms_min = -62'167'219'200'000;
constexpr std::int64_t at_ms_max = 253'402'300'799'999;

struct Entry {
    std::int64_t at_ms = 0;  // at_ms_min to at_ms_max.
    Profile profile;
    std::uint32_t latency_code = 0;
    std::vector<std::int64_t> figures{};  // As many as the profile says.

    std::uint64_t latency_us() const { return latency_of(latency_code); }

    friend bool operator==(const Entry&, const Entry&) = default;
};

}  // namespace picket::storage
