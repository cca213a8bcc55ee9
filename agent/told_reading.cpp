#include "agent/told_reading.h"

#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "agent/base/time.h"

namespace picket {

Told operator-(const Told& a, const Told& b) {
    return {a.least - b.most, a.most - b.least};
}

Told operator*(const Told& a, double factor) {
    return {a.least * factor, a.most * factor};
}

bool ToldReading::skip(std::string_view words) {
    ok_ = next_is(words);
    if (ok_) rest_.remove_prefix(words.size());
    return ok_;
}

bool ToldReading::skip_behind(std::size_t at, std::string_view words) {
    ok_ = ok_ && at != std::string_view::npos;
    if (ok_) rest_.remove_prefix(at + words.size());
    return ok_;
}

double ToldReading::take(std::size_t& decimals) {
    if (next_is("+")) rest_.remove_prefix(1);
    double value = 0;
    const char* begin = rest_.data();
    const auto [end, error] = std::from_chars(begin, begin + rest_.size(), value);
    ok_ = ok_ && error == std::errc{} && std::isfinite(value);
    if (!ok_) return 0;
    const std::string_view digits = rest_.substr(0, static_cast<std::size_t>(end - begin));
    const std::size_t point = digits.find('.');
    decimals = point == digits.npos ? 0 : digits.size() - point - 1;
    rest_.remove_prefix(digits.size());
    return value;
}

Told ToldReading::number() {
    std::size_t decimals = 0;
    const double value = take(decimals);
    const double half = 0.5 * std::pow(10, -static_cast<double>(decimals));
    return {value - half, value + half};
}

double ToldReading::count() {
    std::size_t decimals = 0;
    return take(decimals);
}

Told ToldReading::share() {
    std::size_t decimals = 0;
    const double value = take(decimals);
    if (value == 0) return {0, 0};
    const double half = 0.5 * std::pow(10, std::floor(std::log10(std::abs(value))) - 2);
    return {value - half, value + half};
}

Told ToldReading::percent() {
    const Told told = share();
    skip("%");
    return told;
}

Told ToldReading::bytes() {
    constexpr std::array<std::string_view, 6> units{" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
    const Told told = number();
    double factor = 1;
    for (const std::string_view unit : units) {
        if (next_is(unit)) {
            skip(unit);
            return told * factor;
        }
        factor *= 1024;
    }
    ok_ = false;
    return {};
}

ToldReading::Amounts ToldReading::amounts() {
    ToldReading ahead = *this;
    Amounts told;
    const bool percent_first = (ahead.share(), ahead.next_is("%"));
    percent_first ? told.percent = percent() : told.bytes = bytes();
    skip(" (");
    percent_first ? told.bytes = bytes() : told.percent = percent();
    skip(")");
    return told;
}

Told ToldReading::spoken() {
    std::size_t decimals = 0;
    const double value = take(decimals);
    if (next_is(" ms")) {
        skip(" ms");
        if (decimals == 0) return Told{value - 1, value} * 1e-3;
        return Told{value - 0.05, value + 0.05} * 1e-3;
    }
    skip(" s");
    if (decimals == 0) return {value, value};
    return {value - 0.05, value + 0.05};
}

Told ToldReading::age() {
    const std::string_view word = rest_.substr(0, rest_.find_first_of(" ,"));
    const auto parsed = parse_duration(word);
    ok_ = ok_ && parsed.has_value();
    if (!ok_) return {};
    rest_.remove_prefix(word.size());
    return {to_seconds(*parsed), to_seconds(*parsed) + 1};
}

}  // namespace picket
