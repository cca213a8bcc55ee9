#include "agent/api/evidence.h"

#include <fmt/format.h>

#include <charconv>

#include "agent/base/assert.h"

namespace picket::api {

std::string_view vote_text(gossip::Vote vote) {
    switch (vote) {
        case gossip::Vote::ok:
            return "ok";
        case gossip::Vote::fail:
            return "fail";
        case gossip::Vote::abstain:
            break;
    }
    return "abstain";
}

std::optional<OutageId> parse_outage_id(std::string_view id) {
    const std::size_t hash = id.rfind('#');
    if (hash == std::string_view::npos) return std::nullopt;
    OutageId parsed{.check = std::string(id.substr(0, hash))};
    const char* const end = id.data() + id.size();
    const auto [stopped, error] = std::from_chars(id.data() + hash + 1, end, parsed.epoch);
    if (error != std::errc{} || stopped != end) return std::nullopt;
    return parsed;
}

OutageView outage_view(const storage::Outage& stored) {
    OutageView view;
    view.id = fmt::format("{}#{}", stored.check, stored.epoch);
    view.check = stored.check;
    view.state = stored.closed ? "closed" : "open";
    view.scope = stored.scope;
    view.opened_at = stored.opened;
    view.closed_at = stored.closed;
    view.first_failure_at = stored.first_failure;
    view.failure_class = stored.failure_class;
    view.message = stored.message;
    return view;
}

EvidenceView lone_opening(const OutageView& outage, const std::string& agent,
                          const std::string& zone) {
    EvidenceView view;
    view.rule = "open";
    view.begins_at = outage.first_failure_at;
    view.decided_at = outage.opened_at;
    view.decided_by = agent;
    view.votes.push_back(
        {agent, zone, "fail", outage.failure_class, outage.message, outage.first_failure_at});
    view.timeline = {{outage.first_failure_at, agent, "first failure"},
                     {outage.opened_at, agent, "confirmed (1/1, uncorroborated)"}};
    return view;
}

EvidenceView lone_closing(const OutageView& outage, const std::string& agent,
                          const std::string& zone) {
    PICKET_ASSERT(outage.closed_at.has_value());
    EvidenceView view;
    view.rule = "clear";
    view.begins_at = *outage.closed_at;
    view.decided_at = *outage.closed_at;
    view.decided_by = agent;
    view.votes.push_back({agent, zone, "ok", checks::FailureClass::none, "", *outage.closed_at});
    view.timeline = {{*outage.closed_at, agent, "first success, closed"}};
    return view;
}

}  // namespace picket::api
