#include "storage/table_export.h"

#include <string_view>
#include <utility>

namespace picket::storage {
namespace {

constexpr const char* schema = R"(
CREATE TABLE checks (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
CREATE TABLE outcomes (
    check_id INTEGER NOT NULL REFERENCES checks,
    at_ms INTEGER NOT NULL,
    finding TEXT NOT NULL,
    class TEXT NOT NULL,
    latency_us INTEGER NOT NULL,
    message TEXT NOT NULL
);
CREATE TABLE not_observed (
    check_id INTEGER NOT NULL REFERENCES checks,
    from_ms INTEGER NOT NULL,
    to_ms INTEGER NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE hours (
    check_id INTEGER NOT NULL REFERENCES checks,
    at_ms INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    errored INTEGER NOT NULL,
    not_observed_ms INTEGER NOT NULL,
    mean_us INTEGER,
    p50_us INTEGER,
    p95_us INTEGER,
    p99_us INTEGER
);
CREATE TABLE transitions (
    check_id INTEGER NOT NULL REFERENCES checks,
    at_ms INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    state TEXT NOT NULL,
    scope TEXT NOT NULL,
    since_ms INTEGER,
    first_failure_ms INTEGER,
    class TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE TABLE outages (
    check_id INTEGER NOT NULL REFERENCES checks,
    epoch INTEGER NOT NULL,
    scope TEXT NOT NULL,
    opened_ms INTEGER NOT NULL,
    closed_ms INTEGER,
    first_failure_ms INTEGER NOT NULL,
    class TEXT NOT NULL,
    message TEXT NOT NULL
);
)";

std::string_view class_text(checks::FailureClass failure_class) {
    return failure_class == checks::FailureClass::none ? std::string_view()
                                                       : checks::to_text(failure_class);
}

std::optional<std::int64_t> milliseconds_of(const std::optional<WallTime>& time) {
    if (!time) return std::nullopt;
    return to_milliseconds(*time);
}

std::optional<std::int64_t> microseconds_of(const std::optional<Duration>& duration) {
    if (!duration) return std::nullopt;
    return duration->count();
}

}  // namespace

Result<TableExport> TableExport::create(const std::string& path) {
    Database database = PICKET_TRY(Database::open(path, OpenMode::read_write));
    database.tidy_on_close();
    PICKET_TRY(database.execute(schema));
    auto check = PICKET_TRY(database.prepare("INSERT INTO checks (name) VALUES (?1)"));
    auto outcome =
        PICKET_TRY(database.prepare("INSERT INTO outcomes VALUES (?1, ?2, ?3, ?4, ?5, ?6)"));
    auto gap = PICKET_TRY(database.prepare("INSERT INTO not_observed VALUES (?1, ?2, ?3, ?4)"));
    auto hour = PICKET_TRY(
        database.prepare("INSERT INTO hours VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"));
    auto transition = PICKET_TRY(
        database.prepare("INSERT INTO transitions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"));
    auto outage =
        PICKET_TRY(database.prepare("INSERT INTO outages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"));
    auto transaction = PICKET_TRY(Transaction::begin(database));
    Statements statements{std::move(check), std::move(outcome),    std::move(gap),
                          std::move(hour),  std::move(transition), std::move(outage)};
    return TableExport(std::move(database), std::move(statements), std::move(transaction));
}

Status TableExport::run(Statement& statement) {
    PICKET_TRY(statement.run());
    if (++rows_ % rows_per_commit != 0) return {};
    PICKET_TRY(transaction_->commit());
    transaction_.reset();
    transaction_.emplace(PICKET_TRY(Transaction::begin(database_)));
    return {};
}

Status TableExport::check(const std::string& name) {
    PICKET_TRY(run(statements_.check.bind(std::string_view(name))));
    check_ = database_.last_row_id();
    return {};
}

Status TableExport::outcome(const OutcomeRecord& outcome) {
    return run(statements_.outcome.bind(check_, to_milliseconds(outcome.at),
                                        checks::to_text(outcome.finding),
                                        class_text(outcome.failure_class), outcome.latency.count(),
                                        std::string_view(outcome.message)));
}

Status TableExport::gap(const Gap& gap) {
    return run(statements_.gap.bind(check_, to_milliseconds(gap.from), to_milliseconds(gap.to),
                                    std::string_view(gap.reason)));
}

Status TableExport::hour(const RollupPoint& hour) {
    const auto mean = hour.passed > 0 ? std::optional(hour.latency_mean) : std::nullopt;
    const std::int64_t not_observed = (hour.length - hour.observed) / std::chrono::milliseconds(1);
    return run(statements_.hour.bind(check_, to_milliseconds(hour.at), hour.passed, hour.failed,
                                     hour.errored, not_observed, microseconds_of(mean),
                                     microseconds_of(hour.p50), microseconds_of(hour.p95),
                                     microseconds_of(hour.p99)));
}

Status TableExport::transition(const Transition& transition) {
    return run(statements_.transition.bind(
        check_, to_milliseconds(transition.at), transition.epoch,
        std::string_view(transition.state), std::string_view(transition.outage_scope),
        milliseconds_of(transition.since), milliseconds_of(transition.first_failure),
        class_text(transition.failure_class), std::string_view(transition.message)));
}

Status TableExport::outage(const Outage& outage) {
    return run(statements_.outage.bind(
        check_, outage.epoch, std::string_view(outage.scope), to_milliseconds(outage.opened),
        milliseconds_of(outage.closed), to_milliseconds(outage.first_failure),
        class_text(outage.failure_class), std::string_view(outage.message)));
}

Status TableExport::finish() {
    PICKET_TRY(transaction_->commit());
    transaction_.reset();
    return {};
}

}  // namespace picket::storage
