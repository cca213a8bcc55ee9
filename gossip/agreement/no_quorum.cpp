#include "gossip/agreement/no_quorum.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace picket::gossip {
namespace {

// More commands than this are not spelt out.
constexpr std::size_t forget_commands_max = 4;

// A name that ends in a number: "web-" and 3. None where that number has a leading
// zero or is beyond all sense: such names are never part of a range.
struct Numbered {
    std::string_view stem;
    std::uint32_t number = 0;
};

std::optional<Numbered> numbered(std::string_view name) {
    const std::size_t last = name.find_last_not_of("0123456789");
    const std::size_t digits = last == std::string_view::npos ? 0 : last + 1;
    const std::string_view text = name.substr(digits);
    if (text.empty() || text.size() > 6 || (text.size() > 1 && text.front() == '0')) {
        return std::nullopt;
    }
    Numbered result{name.substr(0, digits), 0};
    for (const char c : text) result.number = result.number * 10 + static_cast<unsigned>(c - '0');
    return result;
}

// web-2 before web-10.
bool before(const std::string& a, const std::string& b) {
    const auto left = numbered(a);
    const auto right = numbered(b);
    if (!left || !right || left->stem != right->stem) return a < b;
    return left->number < right->number;
}

// How many names from `first` on are a range.
std::size_t range_length(const std::vector<std::string>& names, std::size_t first) {
    const auto start = numbered(names[first]);
    std::size_t length = 1;
    while (start && first + length < names.size()) {
        const auto next = numbered(names[first + length]);
        if (!next || next->stem != start->stem || next->number != start->number + length) break;
        ++length;
    }
    return length;
}

// "c1..c6", "c1, c2"
std::vector<std::string> ranges(std::vector<std::string> names) {
    std::sort(names.begin(), names.end(), before);
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < names.size();) {
        const std::size_t length = range_length(names, i);
        if (length < 3) {
            shown.push_back(names[i++]);
            continue;
        }
        shown.push_back(fmt::format("{}..{}", names[i], names[i + length - 1]));
        i += length;
    }
    return shown;
}

std::string missing_text(const std::map<std::string, std::vector<std::string>>& by_zone) {
    std::string text;
    std::size_t shown = 0;
    bool whole = true;
    for (const auto& [zone, names] : by_zone) {
        std::vector<std::string> items = ranges(names);
        const std::size_t room = missing_shown_max - std::min(shown, missing_shown_max);
        if (items.size() > room) {
            items.resize(room);
            whole = false;
        }
        if (items.empty()) continue;
        shown += items.size();
        text += fmt::format("{}{}", text.empty() ? "" : ", ", fmt::join(items, ", "));
        if (!zone.empty()) text += fmt::format(" (zone {})", zone);
    }
    return whole ? text : text + " and others";
}

std::string forget_text(const std::map<std::string, std::vector<std::string>>& by_zone,
                        const std::vector<std::string>& zones_answering) {
    std::vector<std::string> commands;
    for (const auto& [zone, names] : by_zone) {
        const bool whole_zone =
            !zone.empty() && std::find(zones_answering.begin(), zones_answering.end(), zone) ==
                                 zones_answering.end();
        if (whole_zone) {
            commands.push_back("picket forget --zone " + zone);
            continue;
        }
        for (const std::string& name : names) commands.push_back("picket forget " + name);
    }
    if (commands.size() > forget_commands_max) return "picket forget NAME, for each";
    return fmt::format("{}", fmt::join(commands, ", "));
}

}  // namespace

std::string no_quorum_text(const NoQuorum& lost) {
    std::map<std::string, std::vector<std::string>> by_zone;
    for (const NoQuorum::Missing& missing : lost.missing) {
        by_zone[missing.zone].push_back(missing.name);
    }
    return fmt::format(
        "NO QUORUM: {} of {} known agents answer, {} needed; no outage opens or closes since {}. "
        "Missing: {}. If they are gone for good: {}",
        lost.answered, lost.known, lost.needed, format_time(lost.since).substr(11, 5),
        missing_text(by_zone), forget_text(by_zone, lost.zones_answering));
}

}  // namespace picket::gossip
