#include "agent/base/time.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace picket {
namespace {

using namespace std::chrono_literals;

struct Unit {
    std::string_view name;
    Duration length;
};

// Longest first, so that "ms" is tried before "m" when reading a name.
constexpr std::array<Unit, 5> units{{{"d", 24h}, {"h", 1h}, {"m", 1min}, {"s", 1s}, {"ms", 1ms}}};
constexpr Duration duration_max = 24h * 36'525;

const Unit* find_unit(std::string_view name) {
    for (const Unit& unit : units) {
        if (unit.name == name) return &unit;
    }
    return nullptr;
}

// Reads exactly `width` digits at `at`; -1 where there are none.
int digits(std::string_view text, std::size_t at, std::size_t width) {
    int value = 0;
    if (at + width > text.size()) return -1;
    for (const char c : text.substr(at, width)) {
        if (c < '0' || c > '9') return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

// The last `count` digits.
void put_digits(std::string& text, std::uint64_t value, unsigned count) {
    text.append(count, '0');
    for (auto digit = text.rbegin(); count > 0; ++digit, --count, value /= 10) {
        *digit = static_cast<char>('0' + value % 10);
    }
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
    const auto bad = [&] {
        return failure(Code::invalid,
                       fmt::format("'{}' is not a duration such as 10s, 800ms or 1h30m", text));
    };
    if (text.empty()) return bad();
    Duration total{0};
    std::string_view rest = text;
    while (!rest.empty()) {
        std::int64_t count = 0;
        const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), count);
        if (error != std::errc{} || rest.front() == '-') return bad();
        rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
        const std::string_view name = rest.substr(0, rest.find_first_of("0123456789"));
        const Unit* unit = find_unit(name);
        if (unit == nullptr) return bad();
        rest.remove_prefix(name.size());
        if (count > (duration_max - total) / unit->length) {
            return failure(Code::invalid, fmt::format("'{}' is more than 100 years", text));
        }
        total += count * unit->length;
    }
    return total;
}

std::string format_duration(Duration duration) {
    std::string text;
    for (const Unit& unit : units) {
        if (const auto count = duration / unit.length; count > 0) {
            fmt::format_to(std::back_inserter(text), "{}{}", count, unit.name);
            duration -= count * unit.length;
        }
    }
    return text.empty() ? "0s" : text;
}

// By hand, since an export writes one or two times a line: a tenth of the time of a format string.
std::string format_time(WallTime time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::milliseconds>(time - day));
    const int year = static_cast<int>(date.year());
    std::string text;
    text.reserve(24);
    if (year >= 0 && year <= 9999) {
        put_digits(text, static_cast<std::uint64_t>(year), 4);
    } else {
        text += fmt::format("{:04}", year);
    }
    const auto put = [&](char before, auto value, unsigned count) {
        text.push_back(before);
        put_digits(text, static_cast<std::uint64_t>(value), count);
    };
    put('-', static_cast<unsigned>(date.month()), 2);
    put('-', static_cast<unsigned>(date.day()), 2);
    put('T', clock.hours().count(), 2);
    put(':', clock.minutes().count(), 2);
    put(':', clock.seconds().count(), 2);
    put('.', clock.subseconds().count(), 3);
    text.push_back('Z');
    return text;
}

Result<WallTime> parse_time(std::string_view text) {
    const auto bad = [&] {
        return failure(Code::invalid,
                       fmt::format("'{}' is not a time such as 2026-11-23T03:00:00Z", text));
    };
    const int year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
    const int hour = digits(text, 11, 2), minute = digits(text, 14, 2),
              second = digits(text, 17, 2);
    if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return bad();
    const bool separated = text[4] == '-' && text[7] == '-' &&
                           (text[10] == 'T' || text[10] == ' ') && text[13] == ':' &&
                           text[16] == ':';
    if (!separated || hour > 23 || minute > 59 || second > 60) return bad();
    const std::chrono::year_month_day date(std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day)));
    if (!date.ok()) return bad();

    std::string_view rest = text.substr(19);
    Duration fraction{0};
    if (!rest.empty() && rest.front() == '.') {
        rest.remove_prefix(1);
        Duration digit_value = 100ms;
        std::size_t count = 0;
        while (count < rest.size() && rest[count] >= '0' && rest[count] <= '9') {
            fraction += (rest[count] - '0') * digit_value;
            digit_value /= 10;
            ++count;
        }
        if (count == 0) return bad();
        rest.remove_prefix(count);
    }
    Duration offset{0};
    if (rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':') {
        const int hours = digits(rest, 1, 2), minutes = digits(rest, 4, 2);
        if (hours < 0 || minutes < 0 || hours > 23 || minutes > 59) return bad();
        offset = (hours * 1h + minutes * 1min) * (rest[0] == '-' ? -1 : 1);
    } else if (rest != "Z" && rest != "z") {
        return bad();
    }
    return WallTime(std::chrono::sys_days(date)) + hour * 1h + minute * 1min + second * 1s +
           fraction - offset;
}

Result<WallTime> parse_moment(WallTime now, std::string_view text) {
    if (const auto ago = parse_duration(text); ago.has_value()) return now - *ago;
    if (const auto time = parse_time(text); time.has_value()) return *time;
    return failure(Code::invalid,
                   fmt::format("'{}' is neither a time such as 2026-11-23T03:00:00Z nor a "
                               "duration such as 2h",
                               text));
}

}  // namespace picket
