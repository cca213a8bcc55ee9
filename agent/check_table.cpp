#include "agent/check_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "agent/facts.h"

namespace picket {
namespace {

gossip::Verdict verdict_of(const storage::Transition& stored) {
    gossip::Verdict verdict;
    verdict.epoch = stored.epoch;
    verdict.judged = true;
    verdict.since = stored.since.value_or(stored.at);
    verdict.first_failure_at = stored.first_failure.value_or(verdict.since);
    return verdict;
}

}  // namespace

std::string_view name_in_file(std::string_view name) {
    return name.substr(0, name.find('@'));
}

CheckTable::Changes CheckTable::apply(const checks::Catalogue& catalogue,
                                      const checks::CatalogueDiff& diff, Instant now,
                                      WallTime wall) {
    Changes changes;
    const std::set<std::string_view> changed(diff.changed.begin(), diff.changed.end());

    for (auto row = rows_.begin(); row != rows_.end();) {
        CarriedCheck& carried = row->second;
        const bool gone = catalogue.find(row->first) == nullptr;
        if ((gone || changed.contains(row->first)) && carried.runs()) {
            changes.stop.push_back(carried.key);
        }
        if (!gone) {
            ++row;
            continue;
        }
        if (carried.runs()) {
            changes.ended.push_back({carried.name, carried.type, "no longer defined"});
        }
        let_go(carried, "no longer defined", wall, changes);
        by_key_.erase(carried.key);
        row = rows_.erase(row);
    }

    for (const auto& [name, entry] : catalogue.entries()) {
        const auto [row, is_new] = rows_.try_emplace(name);
        CarriedCheck& carried = row->second;
        carried.key = checks::check_key(name);
        carried.name = name;
        carried.short_name = name_in_file(name);
        carried.type = entry.type;
        carried.scope = entry.scope;
        carried.problem = entry.problem;
        by_key_[carried.key] = &carried;

        const checks::Definition* definition = entry.definition.get();
        if (definition != nullptr && !definition->enabled && carried.problem.empty()) {
            carried.problem = "disabled by its definition";
        }
        const bool same = carried.definition == definition;
        carried.definition = definition;
        if (definition == nullptr || !definition->enabled) {
            if (carried.runs()) {
                changes.ended.push_back({carried.name, carried.type, carried.problem});
            }
            let_go(carried, carried.problem, wall, changes);
            carried.in_use = false;
            carried.witness.reset();
            carried.shown = gossip::State::unknown;
            continue;
        }
        if (same && carried.runs()) continue;
        if (in_mesh_ && carried.scope == checks::Scope::mesh) {
            carried.witness.reset();
        } else {
            judge_here(carried, now);
        }
        carried.in_use = true;
        changes.start.push_back(carried.key);
    }
    return changes;
}

void CheckTable::let_go(const CarriedCheck& carried, std::string_view why, WallTime wall,
                        Changes& changes) {
    if (!carried.witness || !carried.witness->verdict().judged) return;
    const gossip::Verdict& verdict = carried.witness->verdict();
    if (verdict.outage()) {
        changes.let_go.push_back(end(outage_fact(carried, verdict, std::nullopt), why, wall));
    } else {
        stored_.insert_or_assign(carried.name, verdict_fact(carried, verdict, wall));
    }
}

CheckTable::LetGo CheckTable::end(storage::Outage outage, std::string_view why, WallTime wall) {
    LetGo gone{};
    gone.verdict.check = outage.check;
    gone.verdict.at = wall;
    gone.verdict.epoch = outage.epoch + 1;
    if (const auto known = stored_.find(outage.check); known != stored_.end()) {
        // Even, and never less than it was.
        const std::uint32_t epoch = known->second.epoch;
        gone.verdict.epoch = std::max(gone.verdict.epoch, epoch + epoch % 2);
    }
    gone.verdict.state = to_text(gossip::State::unknown);
    gone.verdict.since = wall;
    stored_.insert_or_assign(outage.check, gone.verdict);
    outage.closed = std::max(outage.opened, wall);
    outage.message += fmt::format("{}[ended: {}]", outage.message.empty() ? "" : " ", why);
    gone.outage = std::move(outage);
    return gone;
}

std::vector<CheckTable::LetGo> CheckTable::let_go_meanwhile(const storage::Loaded& loaded,
                                                            WallTime wall) {
    std::vector<LetGo> gone;
    for (const storage::Outage& open : loaded.open_outages) {
        const bool judged_here = !in_mesh_ || open.check.find('@') != std::string::npos;
        const auto row = rows_.find(open.check);
        // What is known by name only, as its file is faulty, is not gone.
        const bool defined =
            row != rows_.end() && (row->second.definition == nullptr || row->second.runs());
        if (judged_here && !defined) gone.push_back(end(open, "no longer defined", wall));
    }
    return gone;
}

void CheckTable::judge_here(CarriedCheck& carried, Instant now) {
    gossip::Verdict verdict;
    Cause cause;
    if (carried.witness) {
        verdict = carried.witness->verdict();
        cause = carried.witness->cause();
    } else if (const auto stored = stored_.find(carried.name); stored != stored_.end()) {
        verdict = verdict_of(stored->second);
        cause = {stored->second.failure_class, stored->second.message};
    }
    carried.witness.emplace(*carried.definition, verdict, std::move(cause), now);
    carried.shown = carried.witness->state(now);
}

void CheckTable::restore(const storage::Loaded& loaded, Instant now) {
    for (const storage::StoredCheck& stored : loaded.checks) {
        if (stored.verdict) stored_.insert_or_assign(stored.name, *stored.verdict);
        const auto row = rows_.find(stored.name);
        if (row == rows_.end() || !row->second.runs()) continue;
        CarriedCheck& carried = row->second;
        if (carried.witness && stored.verdict) {
            const gossip::Verdict& known = carried.witness->verdict();
            if (!known.judged || stored.verdict->epoch > known.epoch) {
                carried.witness.reset();
                judge_here(carried, now);
            }
        }
        for (const storage::Bucket& bucket : stored.recent) {
            const std::int64_t passed = bucket.passed;
            RecentHour& hour = carried.seen.hour;
            if (passed > 0) {
                hour.add(bucket.start, checks::Finding::passed,
                         bucket.latency_passed_total / passed);
            }
            if (bucket.failed > 0) hour.add(bucket.start, checks::Finding::failed, Duration{0});
            if (bucket.errored > 0) hour.add(bucket.start, checks::Finding::errored, Duration{0});
        }
    }
}

CarriedCheck* CheckTable::find(checks::CheckKey key) {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second;
}

const CarriedCheck* CheckTable::find(std::string_view name) const {
    if (const auto row = rows_.find(name); row != rows_.end()) return &row->second;
    // A host check under its short name: the only row that begins with "NAME@".
    const std::string prefix = std::string(name) + "@";
    const auto row = rows_.lower_bound(prefix);
    return row != rows_.end() && row->first.starts_with(prefix) ? &row->second : nullptr;
}

}  // namespace picket
