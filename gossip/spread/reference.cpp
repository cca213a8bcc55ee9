#include "gossip/spread/reference.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace picket::gossip {

// As written by whoever takes a member out. Its hours are those of its being taken out.
ReferenceRecord Reference::taken_out(ReferenceRecord record, ReferenceStatus why, WallTime wall) {
    record.status = why;
    record.seen_hours = std::max(record.seen_hours, hours(wall));
    return record;
}

void Reference::on_record(const ReferenceRecord& record) {
    if (record.name == options_.name) {
        guest_ = record.status != ReferenceStatus::present;
    } else {
        met_anybody_ = true;
    }
    if (record.status != ReferenceStatus::present && !here(record.name)) {
        presences_.erase(record.name);
    }
    records_.insert_or_assign(record.name, record);
    stale_ = true;
}

void Reference::on_erased(std::string_view name) {
    const auto found = records_.find(name);
    if (found != records_.end()) records_.erase(found);
    if (name == options_.name) guest_ = true;
    if (!here(name)) presences_.erase(std::string(name));
    stale_ = true;
}

void Reference::on_present(Instant, std::string_view name) {
    if (name != options_.name) met_anybody_ = true;
    presences_.insert_or_assign(std::string(name), Presence{true, {}, {}});
}

void Reference::on_vanished(Instant now, std::string_view name) {
    const auto found = presences_.find(name);
    if (found == presences_.end() || !found->second.here) return;
    if (!counts(name)) {
        presences_.erase(found);
        return;
    }
    found->second = {false, now, {}};
}

std::optional<ReferenceRecord> Reference::on_left(WallTime wall, std::string_view name) const {
    const auto found = records_.find(name);
    if (found == records_.end() || found->second.status != ReferenceStatus::present) {
        return std::nullopt;
    }
    return taken_out(found->second, ReferenceStatus::left, wall);
}

std::vector<ReferenceRecord> Reference::on_roll_call(Instant now, WallTime wall, bool passed,
                                                     Boot boot, bool settled) {
    std::vector<ReferenceRecord> records;
    if (!passed) {
        passed_at_.reset();
        return records;
    }
    const bool counts_on = passed_at_.has_value() && now - *passed_at_ <= passes_apart_max;
    for (const auto& [name, record] : records_) {
        if (record.status != ReferenceStatus::present || name == options_.name) continue;
        // One never seen in this run is missed from the first passed roll call on.
        const auto [presence, fresh] = presences_.try_emplace(name, Presence{false, now, {}});
        Presence& missing = presence->second;
        if (missing.here || fresh || !counts_on) continue;
        missing.missed += now - std::max(*passed_at_, missing.since);
        if (missing.missed < forget_after) continue;
        records.push_back(taken_out(record, ReferenceStatus::forgotten, wall));
    }
    passed_at_ = now;
    if (!settled || waiting_for_mesh()) return records;
    const auto own = records_.find(options_.name);
    const bool written = own != records_.end() && own->second.boot >= boot &&
                         own->second.status == ReferenceStatus::present &&
                         hours(wall) < own->second.seen_hours + refresh_hours;
    if (!written) {
        records.push_back(
            {options_.name, boot, ReferenceStatus::present, hours(wall), options_.zone});
    }
    return records;
}

std::optional<ReferenceRecord> Reference::forget(WallTime wall, std::string_view name) const {
    const auto found = records_.find(name);
    if (found == records_.end() || found->second.status != ReferenceStatus::present) {
        return std::nullopt;
    }
    return taken_out(found->second, ReferenceStatus::forgotten, wall);
}

std::vector<ReferenceRecord> Reference::forget_zone(WallTime wall, std::string_view zone) const {
    std::vector<ReferenceRecord> records;
    for (const auto& [name, record] : records_) {
        if (record.zone != zone || here(name) || name == options_.name) continue;
        if (auto forgotten = forget(wall, name)) records.push_back(*std::move(forgotten));
    }
    return records;
}

ReferenceRecord Reference::leave(WallTime wall, Boot boot) const {
    return {options_.name, boot, ReferenceStatus::left, hours(wall), options_.zone};
}

const std::vector<std::string>& Reference::counted() const {
    if (!std::exchange(stale_, false)) return counted_;
    counted_.clear();
    for (const auto& [name, record] : records_) {
        if (record.status == ReferenceStatus::present) counted_.push_back(name);
    }
    return counted_;
}

bool Reference::counts(std::string_view name) const {
    const auto found = records_.find(name);
    return found != records_.end() && found->second.status == ReferenceStatus::present;
}

std::vector<ReferenceRecord> Reference::missing() const {
    std::vector<ReferenceRecord> missing;
    for (const auto& [name, record] : records_) {
        if (record.status != ReferenceStatus::present || name == options_.name) continue;
        if (!here(name)) missing.push_back(record);
    }
    return missing;
}

bool Reference::here(std::string_view name) const {
    const auto found = presences_.find(name);
    return found != presences_.end() && found->second.here;
}

bool Reference::waiting_for_mesh() const {
    return options_.joins && !met_anybody_;
}

std::optional<Boot> Reference::boot_needed(Boot boot) const {
    const auto own = records_.find(options_.name);
    if (own == records_.end() || own->second.boot < boot) return std::nullopt;
    const bool cleared = own->second.boot == boot && own->second.status == ReferenceStatus::present;
    if (cleared || own->second.boot == std::numeric_limits<Boot>::max()) return std::nullopt;
    return own->second.boot + 1;
}

Duration Reference::missed_for(std::string_view name) const {
    const auto found = presences_.find(name);
    return found == presences_.end() ? Duration{} : found->second.missed;
}

std::uint32_t Reference::hours(WallTime wall) {
    const auto whole = std::chrono::floor<std::chrono::hours>(wall.time_since_epoch()).count();
    return static_cast<std::uint32_t>(std::max<std::int64_t>(0, whole));
}

}  // namespace picket::gossip
