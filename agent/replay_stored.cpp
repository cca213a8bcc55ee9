#include "agent/replay_stored.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/api/history_answers.h"
#include "agent/replay.h"
#include "storage/history_reader.h"

namespace picket {
namespace {

using storage::HistoryReader;

Result<std::vector<api::DecidedSpan>> decided_spans(HistoryReader& reader, const std::string& name,
                                                    WallTime from, WallTime to) {
    std::vector<api::DecidedSpan> spans;
    for (const storage::Outage& outage : PICKET_TRY(api::outages_in(reader, name, from, to))) {
        spans.push_back({.from = outage.opened,
                         .to = outage.closed,
                         .id = fmt::format("{}#{}", outage.check, outage.epoch),
                         .failure_class = outage.failure_class,
                         .message = outage.message});
    }
    return spans;
}

Result<api::ReplayView> replay_one(HistoryReader& reader, const checks::Definition& definition,
                                   WallTime from, WallTime to) {
    const auto decided = PICKET_TRY(decided_spans(reader, definition.name, from, to));
    Replay replay(definition, from, to);
    PICKET_TRY(
        reader.each_point(definition.name, from, to, [&](const storage::HistoryPoint& point) {
            replay.on_point(point);
            return true;
        }));
    api::ReplayView view = replay.finish(decided);
    view.meshed = PICKET_TRY(api::judge_of(reader, definition.name)) == api::Judge::mesh;
    return view;
}

}  // namespace

Result<std::vector<api::ReplayView>> replay_stored(
    const std::string& database, const std::vector<const checks::Definition*>& definitions,
    WallTime from, WallTime to) {
    HistoryReader reader = PICKET_TRY(HistoryReader::open(database));
    const std::vector<std::string> names = PICKET_TRY(reader.check_names());
    std::vector<api::ReplayView> views;
    for (const checks::Definition* definition : definitions) {
        if (std::binary_search(names.begin(), names.end(), definition->name)) {
            views.push_back(PICKET_TRY(replay_one(reader, *definition, from, to)));
            continue;
        }
        api::ReplayView& view = views.emplace_back();
        view.check = definition->name;
        view.from = from;
        view.to = to;
        view.stored = false;
        view.not_observed = to - from;
    }
    return views;
}

}  // namespace picket
