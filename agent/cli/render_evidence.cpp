#include "agent/cli/render_evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "agent/cli/render_parts.h"

namespace picket::cli {
namespace {

using api::VoteView;
using api::WitnessView;

Colour colour_of_vote(std::string_view vote) {
    if (vote == "ok") return Colour::green;
    return vote == "fail" ? Colour::red : Colour::yellow;
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

std::string class_text(checks::FailureClass failure_class) {
    if (failure_class == checks::FailureClass::none) return "-";
    return std::string(checks::to_text(failure_class));
}

struct ZoneCounts {
    std::uint32_t ok = 0;
    std::uint32_t fail = 0;
    std::uint32_t abstain = 0;
    std::uint32_t silent = 0;  // No vote of theirs is known.
};

std::uint32_t& count_for(ZoneCounts& counts, const WitnessView& witness) {
    if (!witness.vote.has_value()) return counts.silent;
    if (witness.vote->vote == "ok") return counts.ok;
    return witness.vote->vote == "fail" ? counts.fail : counts.abstain;
}

Cell count_cell(std::uint32_t count, Colour colour) {
    return count == 0 ? Cell("-", Colour::dim) : Cell(fmt::to_string(count), colour);
}

std::string witness_message(const WitnessView& witness) {
    if (!witness.fit) {
        return witness.unfit_reason.empty() ? "unfit" : "unfit: " + witness.unfit_reason;
    }
    return witness.vote.has_value() ? witness.vote->message : "";
}

}  // namespace

std::string moment_text(WallTime time) {
    std::string text = format_time(time).substr(0, 23);
    text[10] = ' ';
    return text + " UTC";
}

std::string sentence(std::string text) {
    if (text.empty()) return text;
    text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
    if (text.back() != '.') text += '.';
    return text;
}

std::string findings_text(const Style& style, const std::vector<VoteView>& votes) {
    std::vector<std::pair<std::string, std::vector<std::string>>> found;  // Message, witnesses.
    for (const VoteView& vote : votes) {
        if (vote.vote != "fail" || vote.message.empty()) continue;
        const auto same = std::find_if(found.begin(), found.end(), [&](const auto& entry) {
            return entry.first == vote.message;
        });
        if (same == found.end()) {
            found.push_back({vote.message, {vote.agent}});
        } else {
            same->second.push_back(vote.agent);
        }
    }
    std::string text;
    for (const auto& [message, witnesses] : found) {
        const std::string who = fmt::format("{}: {}", fmt::join(witnesses, ", "), message);
        text += paragraph(style, who, 2);
    }
    return text.empty() ? text : heading(style, "What failed") + text;
}

std::string votes_text(const Style& style, const api::EvidenceView& evidence) {
    if (evidence.votes.empty()) return {};
    Table table({{.heading = "WITNESS", .align = Align::left, .width_min = 12},
                 {.heading = "ZONE", .align = Align::left, .width_min = 6},
                 {.heading = "VOTE"},
                 {.heading = "CLASS"},
                 {.heading = "AGE", .align = Align::right}});
    for (const VoteView& vote : evidence.votes) {
        table.add({vote.agent, or_dash(vote.zone), Cell(vote.vote, colour_of_vote(vote.vote)),
                   class_text(vote.failure_class),
                   latency_text(std::max(evidence.decided_at - vote.at, Duration{0}))});
    }
    return heading(style, "Votes that counted") + table.text(style, 2);
}

std::string discounts_text(const Style& style, std::string_view title,
                           const std::vector<api::DiscountView>& discounts) {
    if (discounts.empty()) return {};
    std::string text = heading(style, title);
    for (const api::DiscountView& discount : discounts) {
        text += paragraph(style, fmt::format("{}: {}", discount.agent, discount.reason), 2);
    }
    return text;
}

std::string course_text(const Style& style, const api::EvidenceView& evidence) {
    if (evidence.timeline.empty()) return {};
    Table table({{.heading = {}, .align = Align::right},
                 {.heading = {}, .align = Align::left, .width_min = 12},
                 {.heading = {}, .align = Align::left, .width_min = 16}});
    for (const api::TimelineEntry& entry : evidence.timeline) {
        const auto after =
            std::chrono::floor<std::chrono::milliseconds>(entry.at - evidence.begins_at);
        table.add({fmt::format("{} ms", after.count()), entry.agent, entry.event});
    }
    return heading(style, "Timeline") + table.text(style, 2);
}

std::string witnesses_text(const Style& style, WallTime now, std::string_view title,
                           const std::vector<WitnessView>& witnesses) {
    Table table({{.heading = "WITNESS", .align = Align::left, .width_min = 12},
                 {.heading = "ZONE", .align = Align::left, .width_min = 6},
                 {.heading = "VOTE"},
                 {.heading = "AGO"},
                 {.heading = "CLASS"},
                 {.heading = "MESSAGE", .align = Align::left, .width_min = 12}});
    for (const WitnessView& witness : witnesses) {
        if (!witness.seated) continue;
        const std::string message = witness_message(witness);
        if (!witness.vote.has_value()) {
            table.add({witness.agent, or_dash(witness.zone), Cell("none", Colour::dim), "-", "-",
                       message});
            continue;
        }
        const VoteView& vote = *witness.vote;
        table.add({witness.agent, or_dash(witness.zone), Cell(vote.vote, colour_of_vote(vote.vote)),
                   age(now - vote.at), class_text(vote.failure_class), message});
    }
    return table.empty() ? std::string() : heading(style, title) + table.text(style, 2);
}

std::string zone_matrix_text(const Style& style, const std::vector<WitnessView>& witnesses) {
    std::map<std::string, ZoneCounts> zones;
    for (const WitnessView& witness : witnesses) ++count_for(zones[witness.zone], witness);
    if (zones.size() < 2) return {};
    Table table({{.heading = "SEEN FROM", .align = Align::left, .width_min = 6},
                 {.heading = "OK", .align = Align::right},
                 {.heading = "FAIL", .align = Align::right},
                 {.heading = "ABSTAIN", .align = Align::right},
                 {.heading = "SILENT", .align = Align::right}});
    for (const auto& [zone, counts] : zones) {
        table.add({zone.empty() ? "no zone" : zone, count_cell(counts.ok, Colour::green),
                   count_cell(counts.fail, Colour::red), count_cell(counts.abstain, Colour::yellow),
                   count_cell(counts.silent, Colour::dim)});
    }
    return heading(style, "Zones") + table.text(style, 2);
}

}  // namespace picket::cli
