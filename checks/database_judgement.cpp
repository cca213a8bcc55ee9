#include "checks/database_judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "agent/base/text.h"

namespace picket::checks {
namespace {

std::optional<double> number(std::string_view text) {
    text = trim(text);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
        return std::nullopt;
    }
    return value;
}

Judgement judged(std::string what, std::string found, bool met, std::string message) {
    Judgement result{{std::move(what), std::move(found), met}, FailureClass::none, {}};
    if (met) return result;
    result.failure_class = FailureClass::content;
    result.message = std::move(message);
    return result;
}

// The value in the column of one of these names.
const std::optional<std::string>* value_of(const DatabaseResult& result,
                                           std::initializer_list<std::string_view> names) {
    for (std::size_t i = 0; i < result.columns.size() && i < result.row.size(); ++i) {
        if (std::ranges::find(names, result.columns[i]) != names.end()) return &result.row[i];
    }
    return nullptr;
}

bool says_yes(const std::optional<std::string>* value) {
    return value != nullptr && value->has_value() && **value == "Yes";
}

std::string lag_text(const Replication& replication) {
    if (!replication.replica) return "no replica";
    if (!replication.running) return "replication has stopped";
    if (!replication.lag_seconds) return "not known";
    return fmt::format("{:g} s", std::round(*replication.lag_seconds * 10) / 10);
}

void judge_replication(std::vector<Judgement>& judgements, const DatabaseQuery& query,
                       const std::string& server, const Replication& replication) {
    const std::string_view is = replication.replica ? "a replica" : "a primary";
    if (query.role != DatabaseRole::any) {
        const bool wanted = query.role == DatabaseRole::replica;
        judgements.push_back(judged(
            wanted ? "a replica" : "a primary", std::string(is), wanted == replication.replica,
            fmt::format("{} is {}, expected {}", server, is, wanted ? "a replica" : "a primary")));
    }
    if (!query.lag_above) return;
    const std::string limit = format_duration(*query.lag_above);
    const bool met = replication.replica && replication.running && replication.lag_seconds &&
                     *replication.lag_seconds <= to_seconds(*query.lag_above);
    const std::string found = lag_text(replication);
    const std::string message =
        replication.replica && replication.running && replication.lag_seconds
            ? fmt::format("{} is {} behind its primary, expected at most {}", server, found, limit)
            : fmt::format("{}: {}, expected a replica at most {} behind", server,
                          replication.replica ? found : "is no replica", limit);
    judgements.push_back(judged(fmt::format("lag at most {}", limit), found, met, message));
}

void judge_result(std::vector<Judgement>& judgements, const DatabaseQuery& query,
                  const Pattern* expect, const DatabaseResult& result) {
    if (query.rows_min || query.rows_max) {
        const std::string rows = fmt::format("{} row{}", result.rows, result.rows == 1 ? "" : "s");
        if (query.rows_min) {
            judgements.push_back(judged(
                fmt::format("at least {} rows", *query.rows_min), rows,
                result.rows >= *query.rows_min,
                fmt::format("the query has {}, expected at least {}", rows, *query.rows_min)));
        }
        if (query.rows_max) {
            judgements.push_back(judged(
                fmt::format("at most {} rows", *query.rows_max), rows,
                result.rows <= *query.rows_max,
                fmt::format("the query has {}, expected at most {}", rows, *query.rows_max)));
        }
    }
    const bool has_value = !result.row.empty() && result.row[0].has_value();
    const std::string shown = result.row.empty() ? "no row"
                              : has_value        ? excerpt(*result.row[0])
                                                 : "NULL";
    if (expect != nullptr) {
        judgements.push_back(judged(fmt::format("value matches {}", expect->expression()), shown,
                                    has_value && expect->found_in(*result.row[0]),
                                    fmt::format("the query found {}, which does not match {}",
                                                shown, expect->expression())));
    }
    // What is no number meets no bound.
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    const double value = has_value ? number(*result.row[0]).value_or(none) : none;
    if (query.value_below) {
        judgements.push_back(judged(
            fmt::format("value at least {:g}", *query.value_below), shown,
            value >= *query.value_below,
            fmt::format("the query found {}, expected at least {:g}", shown, *query.value_below)));
    }
    if (query.value_above) {
        judgements.push_back(judged(
            fmt::format("value at most {:g}", *query.value_above), shown,
            value <= *query.value_above,
            fmt::format("the query found {}, expected at most {:g}", shown, *query.value_above)));
    }
}

}  // namespace

std::string_view replication_statement(Type type) {
    if (type == Type::mysql) return "SHOW REPLICA STATUS";
    // A replica that has replayed all that it received is not behind, however long
    // ago the last transaction was.
    return "SELECT pg_is_in_recovery(), CASE WHEN NOT pg_is_in_recovery() THEN NULL "
           "WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0 "
           "ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END, "
           "NOT pg_is_in_recovery() OR EXISTS (SELECT 1 FROM pg_stat_wal_receiver)";
}

Result<Replication> read_replication(Type type, const DatabaseResult& result) {
    Replication replication;
    if (type == Type::mysql) {
        if (result.rows == 0) return replication;
        const auto* lag = value_of(result, {"Seconds_Behind_Source", "Seconds_Behind_Master"});
        if (lag == nullptr) {
            return failure(Code::corrupt, "SHOW REPLICA STATUS tells no Seconds_Behind_Source");
        }
        replication.replica = true;
        replication.running =
            says_yes(value_of(result, {"Replica_SQL_Running", "Slave_SQL_Running"})) &&
            says_yes(value_of(result, {"Replica_IO_Running", "Slave_IO_Running"}));
        if (lag->has_value()) replication.lag_seconds = number(**lag);
        return replication;
    }
    if (result.row.size() != 3 || !result.row[0] || !result.row[2]) {
        return failure(Code::corrupt, "the server does not tell whether it is a replica");
    }
    replication.replica = *result.row[0] == "t";
    replication.running = *result.row[2] == "t";
    if (result.row[1]) replication.lag_seconds = number(*result.row[1]);
    return replication;
}

Outcome judge_database(const DatabaseQuery& query, const Pattern* expect,
                       const DatabaseAnswer& answer) {
    std::string message = fmt::format("{} let {} in", answer.server,
                                      query.user.shown.empty() ? "us" : query.user.shown);
    if (answer.result && !answer.result->row.empty() && answer.result->row[0]) {
        message += fmt::format(", query found {}", excerpt(*answer.result->row[0]));
    }
    Outcome outcome = passed(Duration{0}, message);
    std::vector<Judgement> judgements;
    if (answer.replication) {
        judge_replication(judgements, query, answer.server, *answer.replication);
        if (answer.replication->lag_seconds) {
            outcome.metrics.push_back({"lag", *answer.replication->lag_seconds, "s"});
        }
    }
    if (answer.result) {
        judge_result(judgements, query, expect, *answer.result);
        outcome.metrics.push_back({"rows", static_cast<double>(answer.result->rows), ""});
        const auto& row = answer.result->row;
        const auto value = !row.empty() && row[0] ? number(*row[0]) : std::nullopt;
        if (value) outcome.metrics.push_back({"value", *value, ""});
    }
    return conclude(std::move(outcome), std::move(judgements));
}

std::optional<FailureClass> failure_class_of(DatabaseFault fault) {
    switch (fault) {
        case DatabaseFault::refused:
            return FailureClass::refused;
        case DatabaseFault::unreachable:
            return FailureClass::unreachable;
        case DatabaseFault::tls:
            return FailureClass::tls;
        case DatabaseFault::login:
        case DatabaseFault::statement:
            return FailureClass::status;
        case DatabaseFault::local:
            break;
    }
    return std::nullopt;
}

}  // namespace picket::checks
