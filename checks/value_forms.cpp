#include "checks/value_forms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "agent/base/address.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace picket::checks {
namespace {

constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits = "0123456789";

bool one_of(char c, std::initializer_list<std::string_view> sets) {
    return std::ranges::any_of(sets, [c](std::string_view set) { return set.find(c) != set.npos; });
}

bool consists_of(std::string_view text, std::initializer_list<std::string_view> sets) {
    return std::ranges::all_of(text, [&](char c) { return one_of(c, sets); });
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

template <typename Number>
bool read_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

tl::unexpected<Error> is_not(std::string_view text, std::string_view what) {
    return failure(Code::invalid, fmt::format("'{}' is not {}", text, what));
}

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};
constexpr std::array<Unit, 9> size_units{{{"TiB", 1ULL << 40U},
                                          {"GiB", 1ULL << 30U},
                                          {"MiB", 1ULL << 20U},
                                          {"KiB", 1ULL << 10U},
                                          {"TB", 1'000'000'000'000},
                                          {"GB", 1'000'000'000},
                                          {"MB", 1'000'000},
                                          {"KB", 1'000},
                                          {"B", 1}}};
constexpr std::uint64_t size_max = 1ULL << 50U;

}  // namespace

Error wrong_kind(std::string_view expects, const Value& value) {
    return {Code::invalid, fmt::format("expected {}, found {}", expects, describe(value.kind))};
}

Result<bool> as_boolean(const Value& value) {
    if (value.kind == Value::Kind::boolean) return value.boolean;
    if (value.substituted && (value.text == "true" || value.text == "false")) {
        return value.text == "true";
    }
    return tl::make_unexpected(wrong_kind("true or false", value));
}

Result<std::uint64_t> as_count(const Value& value) {
    std::uint64_t count = 0;
    if (value.kind == Value::Kind::integer && value.integer >= 0) {
        return static_cast<std::uint64_t>(value.integer);
    }
    if (value.kind == Value::Kind::integer) {
        return failure(Code::invalid, fmt::format("{} is below 0", value.integer));
    }
    if (value.substituted && read_number(value.text, count)) return count;
    return tl::make_unexpected(wrong_kind("a whole number", value));
}

Result<Duration> as_duration(const Value& value) {
    if (value.kind == Value::Kind::string) return parse_duration(value.text);
    return tl::make_unexpected(wrong_kind("a duration such as \"10s\"", value));
}

Result<std::uint64_t> as_size(const Value& value) {
    constexpr std::string_view expects = "a size such as \"1MiB\"";
    std::uint64_t count = 0;
    if (value.kind != Value::Kind::string) {
        if (value.kind != Value::Kind::integer) {
            return tl::make_unexpected(wrong_kind(expects, value));
        }
        count = PICKET_TRY(as_count(value));
        if (count > size_max) return failure(Code::invalid, "is more than 1024 TiB");
        return count;
    }
    const std::string_view text = value.text;
    const std::size_t end = std::min(text.find_first_not_of(digits), text.size());
    if (!read_number(text.substr(0, end), count)) return is_not(text, expects);
    const std::string_view name = trim(text.substr(end));
    const auto* unit = std::ranges::find(size_units, name.empty() ? "B" : name, &Unit::name);
    if (unit == size_units.end()) return is_not(text, expects);
    if (count > size_max / unit->bytes) return is_not(text, "at most 1024 TiB");
    return count * unit->bytes;
}

Result<double> as_percent(const Value& value) {
    constexpr std::string_view expects = "a percentage such as \"99.9%\" or 99.9";
    double percent = 0;
    if (value.kind == Value::Kind::integer) {
        percent = static_cast<double>(value.integer);
    } else if (value.kind == Value::Kind::floating) {
        percent = value.floating;
    } else if (value.kind == Value::Kind::string) {
        std::string_view text = trim(value.text);
        if (text.ends_with('%')) text = trim(text.substr(0, text.size() - 1));
        if (!read_number(text, percent)) return is_not(value.text, expects);
    } else {
        return tl::make_unexpected(wrong_kind(expects, value));
    }
    if (!(percent >= 0 && percent <= 100)) {
        return failure(Code::invalid, "a percentage is from 0 to 100");
    }
    return percent;
}

std::string write_size(std::uint64_t bytes) {
    for (const Unit& unit : size_units) {
        if (unit.name.size() == 3 && bytes >= unit.bytes && bytes % unit.bytes == 0) {
            return fmt::format("\"{}{}\"", bytes / unit.bytes, unit.name);
        }
    }
    return fmt::format("{}", bytes);
}

std::string write_percent(double percent) {
    return fmt::format("\"{}%\"", percent);
}

Status check_host(std::string_view text) {
    if (parse_ip(text).has_value()) return {};
    const bool shaped = !text.empty() && text.size() <= 253 && !text.starts_with('-') &&
                        !text.starts_with('.') && text.find("..") == text.npos &&
                        consists_of(text, {lower, upper, digits, "-._"});
    // A name of digits and dots alone is an address gone wrong.
    if (!shaped || consists_of(text, {digits, "."})) {
        return is_not(text, "a host name or an IP address");
    }
    return {};
}

Status check_domain(std::string_view text) {
    if (text == ".") return {};
    const bool shaped = !text.empty() && text.size() <= 254 && !text.starts_with('.') &&
                        text.find("..") == text.npos &&
                        consists_of(text, {lower, upper, digits, "-._*/"});
    if (!shaped) return is_not(text, "a domain name");
    while (!text.empty()) {
        const std::string_view label = text.substr(0, text.find('.'));
        if (label.size() > 63) return is_not(label, "a domain label: it has more than 63 bytes");
        text.remove_prefix(std::min(label.size() + 1, text.size()));
    }
    return {};
}

Status check_url(std::string_view text) {
    constexpr std::string_view expects = "a URL such as https://www.example.com/";
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == text.npos) return is_not(text, expects);
    const std::string_view scheme = text.substr(0, scheme_end);
    if (scheme != "http" && scheme != "https") {
        return failure(Code::invalid, fmt::format("'{}' begins with {}://; only http:// and "
                                                  "https:// can be asked",
                                                  text, scheme));
    }
    if (has_control_character(text) || text.find(' ') != text.npos) {
        return is_not(text, "a URL: it holds a space or a control character");
    }
    std::string_view authority = text.substr(scheme_end + 3);
    authority = authority.substr(0, authority.find_first_of("/?#"));
    if (const std::size_t at = authority.rfind('@'); at != authority.npos) {
        authority.remove_prefix(at + 1);
    }
    // A name beyond ASCII is looked up as DNS has it; here its letters count as letters.
    std::string letters(authority);
    std::ranges::replace_if(
        letters, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, 'x');
    const auto host = parse_host_port(letters, scheme == "http" ? 80 : 443);
    if (!host.has_value() || !check_host(host->host).has_value()) {
        return is_not(text, fmt::format("{}: '{}' is no host", expects, authority));
    }
    return {};
}

Status check_address(std::string_view text) {
    const HostPort address = PICKET_TRY(parse_host_port(text));
    return check_host(address.host);
}

Status check_server(std::string_view text) {
    const HostPort address = PICKET_TRY(parse_host_port(text, 53));
    return check_host(address.host);
}

Status check_ip(std::string_view text) {
    PICKET_TRY(parse_ip(text));
    return {};
}

Status check_resolver(std::string_view text) {
    const auto address = parse_host_port(text, 53);
    if (!address.has_value() || !parse_ip(address->host).has_value()) {
        return is_not(text,
                      "an IP address such as 192.0.2.53 or 192.0.2.53:53: a resolver's own name "
                      "would have nobody to resolve it");
    }
    return {};
}

Status check_absolute_path(std::string_view text) {
    if (!text.starts_with('/') || has_control_character(text)) {
        return is_not(text, "an absolute path");
    }
    return {};
}

Status check_name(std::string_view text) {
    if (text.starts_with("host/")) {
        return failure(Code::invalid, fmt::format("'{}': host/... is reserved for picket", text));
    }
    if (text.find('/') != text.npos) {
        return failure(Code::invalid, fmt::format("'{}': a name has no slash", text));
    }
    const bool valid = !text.empty() && text.size() <= 64 &&
                       one_of(text.front(), {lower, digits}) &&
                       consists_of(text, {lower, digits, "._-"});
    if (!valid) {
        return is_not(text,
                      "a name: up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a "
                      "letter or a digit");
    }
    return {};
}

Status check_dependency(std::string_view text) {
    const std::size_t at = text.find('@');
    if (at != text.npos) PICKET_TRY(check_host(text.substr(at + 1)));
    return check_name(text.substr(0, at));
}

Status check_label(std::string_view text) {
    const bool valid = !text.empty() && text.size() <= 64 && !one_of(text.front(), {digits}) &&
                       consists_of(text, {lower, upper, digits, "_"});
    if (!valid) return is_not(text, "a label's name: letters, digits and '_'");
    return {};
}

Status check_variable(std::string_view text) {
    const bool valid = !text.empty() && text.size() <= 128 && !one_of(text.front(), {digits}) &&
                       consists_of(text, {lower, upper, digits, "_"});
    if (!valid) return is_not(text, "the name of an environment variable");
    return {};
}

Status check_header(std::string_view text) {
    if (text.empty() || text.size() > 128 ||
        !consists_of(text, {lower, upper, digits, "!#$%&'*+-.^_`|~"})) {
        return is_not(text, "the name of an HTTP header");
    }
    return {};
}

Status check_method(std::string_view text) {
    if (text.empty() || text.size() > 32 || !consists_of(text, {upper, "-"})) {
        return is_not(text, "an HTTP method in capitals, such as GET");
    }
    return {};
}

Status check_line(std::string_view text) {
    if (has_control_character(text)) return failure(Code::invalid, "holds a control character");
    return {};
}

Status check_label_value(std::string_view text) {
    if (text.size() > limits::label_value_bytes_max) {
        return failure(Code::invalid, fmt::format("{} bytes are more than the {} of a label",
                                                  text.size(), limits::label_value_bytes_max));
    }
    return check_line(text);
}

Status check_argument(std::string_view text) {
    if (text.find('\0') != text.npos) return failure(Code::invalid, "holds a NUL byte");
    return {};
}

Status check_selector(std::string_view text) {
    if (text.size() > limits::selector_bytes_max) {
        return failure(Code::invalid, fmt::format("{} bytes are more than the {} of a selector",
                                                  text.size(), limits::selector_bytes_max));
    }
    while (true) {
        const std::string_view term = trim(text.substr(0, text.find(',')));
        const std::size_t equals = term.find('=');
        if (equals == term.npos) return is_not(term, "of the form label=value or label!=value");
        std::string_view label = term.substr(0, equals);
        if (label.ends_with('!')) label.remove_suffix(1);
        PICKET_TRY(check_label(trim(label)));
        PICKET_TRY(check_line(term));
        if (text.find(',') == text.npos) return {};
        text.remove_prefix(text.find(',') + 1);
    }
}

}  // namespace picket::checks
