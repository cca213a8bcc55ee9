// ToldReading: reads a message of picket's own from the left, and the figures in it as ranges.
//
// A figure that was rounded is all that it may have been. What does not fit fails the reading for
// good, so that who reads asks once, at the end.

#pragma once

#include <cstddef>
#include <string_view>

#include "agent/told_figures.h"

namespace picket {

Told operator-(const Told& a, const Told& b);
Told operator*(const Told& a, double factor);

class ToldReading {
public:
    explicit ToldReading(std::string_view text) : rest_(text) {}

    bool ok() const { return ok_; }
    bool at_end() const { return rest_.empty(); }

    bool next_is(std::string_view words) const { return ok_ && rest_.starts_with(words); }

    // These return ok(). The latter: to behind the first, or last, place of these words.
    bool skip(std::string_view words);
    bool skip_to(std::string_view words) { return skip_behind(rest_.find(words), words); }
    bool skip_to_last(std::string_view words) { return skip_behind(rest_.rfind(words), words); }

    Told number();   // "8.1": as many decimals as there are.
    double count();  // "3"
    Told percent();  // "97.3%": three digits that count.
    Told bytes();    // "8.1 GiB"
    Told spoken();   // "0.4 ms", "912 ms" (rounded up), "3 s" (exactly), "12.5 s", in seconds.
    Told age();      // "1h30m", the part of a second cut away, in seconds.

    // "8.1 GiB (12%)", or the other way round.
    struct Amounts {
        Told bytes{};
        Told percent{};
    };
    Amounts amounts();

private:
    bool skip_behind(std::size_t at, std::string_view words);
    double take(std::size_t& decimals);
    Told share();

    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace picket
