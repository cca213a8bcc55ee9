#include "checks/heartbeat.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace picket::checks {
namespace {

constexpr std::string_view form_version = "hb1";

std::string ago(WallTime at, WallTime now) {
    const Duration age = std::max(now - at, Duration{0});
    return format_duration(std::chrono::floor<std::chrono::seconds>(age)) + " ago";
}

std::string within(Duration left) {
    return format_duration(std::chrono::ceil<std::chrono::seconds>(std::max(left, Duration{0})));
}

std::string said(const Heartbeat& heartbeat) {
    return heartbeat.message.empty() ? std::string() : ": " + heartbeat.message;
}

// When the next success is overdue.
WallTime overdue_at(const HeartbeatQuery& query, const Heartbeat& heartbeat) {
    return heartbeat.success.value_or(heartbeat.known_since) + query.period + query.grace;
}

std::string expected(const HeartbeatQuery& query) {
    return fmt::format("expected every {} (grace {})", format_duration(query.period),
                       format_duration(query.grace));
}

// "-" stands for no time.
std::string time_word(std::optional<WallTime> time) {
    return time ? fmt::format("{}", time->time_since_epoch().count()) : "-";
}

std::string_view take_word(std::string_view& text) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    return word;
}

std::optional<std::int64_t> integer(std::string_view word) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (word.empty() || error != std::errc{} || end != word.data() + word.size()) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

Heartbeat after_signal(Heartbeat before, const Signal& signal, WallTime now) {
    Heartbeat after = std::move(before);
    if (signal.kind == SignalKind::start) {
        after.started = now;
        return after;
    }
    after.runtime.reset();
    if (after.started) after.runtime = std::max(now - *after.started, Duration{0});
    after.started.reset();
    after.ended = now;
    after.failing = signal.kind == SignalKind::fail;
    after.exit_code = after.failing ? signal.exit_code : 0;
    after.message = printable_line(signal.message, limits::message_bytes_max);
    if (!after.failing) after.success = now;
    return after;
}

Outcome judge_heartbeat(const HeartbeatQuery& query, const Heartbeat& heartbeat, WallTime now) {
    const auto overdue = [&](std::string_view what) {
        return failed(FailureClass::timeout, Duration{0},
                      fmt::format("{}, {}", what, expected(query)));
    };
    Outcome outcome;
    if (heartbeat.failing) {
        const std::string code =
            heartbeat.exit_code == 0 ? "" : fmt::format(" with exit code {}", heartbeat.exit_code);
        outcome =
            failed(FailureClass::plugin, Duration{0},
                   fmt::format("failed {}{}{}", ago(*heartbeat.ended, now), code, said(heartbeat)));
    } else if (query.runtime_above && heartbeat.started &&
               now - *heartbeat.started > *query.runtime_above) {
        outcome = failed(
            FailureClass::timeout, Duration{0},
            fmt::format("started {} and has not ended, expected within {}",
                        ago(*heartbeat.started, now), format_duration(*query.runtime_above)));
    } else if (now > overdue_at(query, heartbeat)) {
        outcome = heartbeat.success
                      ? overdue(fmt::format("last success {}", ago(*heartbeat.success, now)))
                      : overdue(fmt::format("no success since this agent knows of it, {}",
                                            ago(heartbeat.known_since, now)));
    } else if (heartbeat.success) {
        outcome = passed(
            Duration{0},
            fmt::format("last success {}, next due within {}{}", ago(*heartbeat.success, now),
                        within(*heartbeat.success + query.period - now), said(heartbeat)));
    } else {
        outcome = errored(fmt::format("no signal yet, the first success is due within {}",
                                      within(heartbeat.known_since + query.period - now)));
    }
    if (heartbeat.success) {
        outcome.metrics.push_back({"age", to_seconds(now - *heartbeat.success), "s"});
    }
    if (heartbeat.runtime) {
        outcome.metrics.push_back({"runtime", to_seconds(*heartbeat.runtime), "s"});
        outcome.latency = *heartbeat.runtime;
    }
    return outcome;
}

std::optional<WallTime> changes_at(const HeartbeatQuery& query, const Heartbeat& heartbeat,
                                   WallTime now) {
    if (heartbeat.failing) return std::nullopt;
    std::vector<WallTime> times{overdue_at(query, heartbeat)};
    if (query.runtime_above && heartbeat.started) {
        times.push_back(*heartbeat.started + *query.runtime_above);
    }
    std::optional<WallTime> next;
    for (const WallTime time : times) {
        if (time > now && (!next || time < *next)) next = time;
    }
    return next;
}

std::string write_heartbeat(const Heartbeat& heartbeat) {
    std::optional<WallTime> runtime;
    if (heartbeat.runtime) runtime = WallTime(*heartbeat.runtime);
    return fmt::format("{} {} {} {} {} {} {} {} {}", form_version, time_word(heartbeat.known_since),
                       time_word(heartbeat.success), time_word(heartbeat.ended),
                       time_word(heartbeat.started), time_word(runtime), heartbeat.failing ? 1 : 0,
                       heartbeat.exit_code, heartbeat.message);
}

Result<Heartbeat> parse_heartbeat(std::string_view text) {
    const auto wrong = failure(Code::corrupt, "is no heartbeat as this version writes it");
    if (take_word(text) != form_version) return wrong;
    std::vector<std::optional<WallTime>> times;
    for (int i = 0; i < 5; ++i) {
        const std::string_view word = take_word(text);
        const auto value = integer(word);
        if (!value && word != "-") return wrong;
        times.push_back(value ? std::optional(WallTime(Duration(*value))) : std::nullopt);
    }
    const auto failing = integer(take_word(text));
    const auto exit_code = integer(take_word(text));
    if (!times[0] || !failing || !exit_code) return wrong;
    if (*failing != 0 && !times[2]) return wrong;
    Heartbeat heartbeat{.known_since = *times[0],
                        .success = times[1],
                        .ended = times[2],
                        .started = times[3],
                        .runtime = std::nullopt,
                        .failing = *failing != 0,
                        .exit_code = static_cast<int>(*exit_code),
                        .message = printable_line(text, limits::message_bytes_max)};
    if (times[4]) heartbeat.runtime = times[4]->time_since_epoch();
    return heartbeat;
}

void HeartbeatBook::restore(const std::string& name, std::string_view kept) {
    auto heartbeat = parse_heartbeat(kept);
    const auto known = heartbeats_.find(name);
    const bool heard = known != heartbeats_.end() && (known->second.ended || known->second.started);
    if (heard || !heartbeat.has_value()) return;
    heartbeats_.insert_or_assign(name, *std::move(heartbeat));
}

void HeartbeatBook::tell_all() const {
    for (const auto& [name, heartbeat] : heartbeats_) on_change_(name, heartbeat);
}

const Heartbeat& HeartbeatBook::get(const std::string& name, WallTime now) {
    const auto [place, added] = heartbeats_.try_emplace(name, Heartbeat{.known_since = now});
    if (added) on_change_(name, place->second);
    return place->second;
}

void HeartbeatBook::on_signal(const std::string& name, const Signal& signal, WallTime now) {
    const auto place = heartbeats_.try_emplace(name, Heartbeat{.known_since = now}).first;
    place->second = after_signal(std::move(place->second), signal, now);
    on_change_(name, place->second);
}

}  // namespace picket::checks
