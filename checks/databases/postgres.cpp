// picket-postgres.so: PostgreSQL through libpq's non-blocking interface.

#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/version.h"
#include "checks/databases/connection.h"

extern "C" {
extern const char* const picket_part_version;
picket::checks::DatabaseConnection* picket_open_database(
    const picket::checks::DatabaseTarget& target);
}

namespace picket::checks {
namespace {

struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
    void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, Finish>;
using ResultSet = std::unique_ptr<PGresult, Finish>;

const char* ssl_mode(DatabaseTls tls) {
    switch (tls) {
        case DatabaseTls::off:
            return "disable";
        case DatabaseTls::prefer:
            return "prefer";
        case DatabaseTls::require:
            return "require";
        case DatabaseTls::verify:
            break;
    }
    return "verify-full";
}

// libpq tells the reason of a failed connection in words alone.
DatabaseFault fault_of(std::string_view message) {
    const auto says = [&](std::string_view words) { return message.find(words) != message.npos; };
    if (says("SSL") || says("certificate")) return DatabaseFault::tls;
    if (says("No route") || says("unreachable")) return DatabaseFault::unreachable;
    const bool fatal = says("FATAL:") || says("password") || says("authentication");
    return fatal ? DatabaseFault::login : DatabaseFault::refused;
}

class PostgresConnection final : public DatabaseConnection {
public:
    explicit PostgresConnection(const DatabaseTarget& target) : target_(target) {}

    DatabaseStep connect() override {
        const bool local = target_.address.starts_with('/');
        const std::string port = std::to_string(target_.port);
        const std::array keys{"host",
                              "hostaddr",
                              "port",
                              "user",
                              "password",
                              "dbname",
                              "sslmode",
                              "sslrootcert",
                              "passfile",
                              "gssencmode",
                              "application_name",
                              "sslcert",
                              "target_session_attrs",
                              static_cast<const char*>(nullptr)};
        const std::array values{local ? target_.address.c_str() : target_.host.c_str(),
                                local ? nullptr : target_.address.c_str(), port.c_str(),
                                target_.user.c_str(), target_.password.c_str(),
                                target_.database.c_str(), ssl_mode(target_.tls),
                                target_.ca_file.empty() ? nullptr : target_.ca_file.c_str(),
                                // Nothing of the home directory of whoever runs the agent.
                                "/dev/null/none", "disable", "picket", "/dev/null/none", "any",
                                static_cast<const char*>(nullptr)};
        connection_.reset(PQconnectStartParams(keys.data(), values.data(), 0));
        if (!connection_ || PQstatus(connection_.get()) == CONNECTION_BAD)
            return failed_to_connect();
        connecting_ = true;
        return waiting(false, true);
    }

    DatabaseStep ask(const std::string& statement) override {
        result_ = {};
        problem_.clear();
        // Row by row: a result that is larger than was thought fills no memory.
        if (PQsetnonblocking(connection_.get(), 1) != 0 ||
            PQsendQuery(connection_.get(), statement.c_str()) != 1 ||
            PQsetSingleRowMode(connection_.get()) != 1) {
            return failed(DatabaseFault::refused);
        }
        return flush();
    }

    DatabaseStep proceed(bool readable, bool) override {
        if (connecting_) return go_on_connecting();
        if (readable && PQconsumeInput(connection_.get()) != 1)
            return failed(DatabaseFault::refused);
        const DatabaseStep flushed = flush();
        if (flushed.state != DatabaseStep::State::waiting || flushed.writable) return flushed;
        while (PQisBusy(connection_.get()) == 0) {
            const ResultSet next(PQgetResult(connection_.get()));
            if (!next) return end_of_results();
            take(*next);
            if (result_.rows > database_rows_max) {
                return {.state = DatabaseStep::State::failed,
                        .fault = DatabaseFault::statement,
                        .problem = "more than " + std::to_string(database_rows_max) + " rows"};
            }
        }
        return flushed;
    }

    const DatabaseResult& result() const override { return result_; }

private:
    DatabaseStep waiting(bool readable, bool writable) {
        return {.state = DatabaseStep::State::waiting,
                .fd = PQsocket(connection_.get()),
                .readable = readable,
                .writable = writable};
    }

    DatabaseStep failed(DatabaseFault fault) {
        return {.state = DatabaseStep::State::failed,
                .fault = fault,
                .problem = PQerrorMessage(connection_.get())};
    }

    DatabaseStep failed_to_connect() {
        if (!connection_) return {.state = DatabaseStep::State::failed, .problem = "out of memory"};
        return failed(fault_of(PQerrorMessage(connection_.get())));
    }

    DatabaseStep go_on_connecting() {
        switch (PQconnectPoll(connection_.get())) {
            case PGRES_POLLING_READING:
                return waiting(true, false);
            case PGRES_POLLING_WRITING:
                return waiting(false, true);
            case PGRES_POLLING_OK:
                connecting_ = false;
                return {.state = DatabaseStep::State::done};
            case PGRES_POLLING_FAILED:
            case PGRES_POLLING_ACTIVE:
                break;
        }
        return failed_to_connect();
    }

    DatabaseStep flush() {
        const int left = PQflush(connection_.get());
        if (left < 0) return failed(DatabaseFault::refused);
        return waiting(true, left > 0);
    }

    DatabaseStep end_of_results() {
        if (problem_.empty()) return {.state = DatabaseStep::State::done};
        return {.state = DatabaseStep::State::failed,
                .fault = DatabaseFault::statement,
                .problem = problem_};
    }

    // One row, or the end or the fault of a statement.
    void take(PGresult& part) {
        const ExecStatusType status = PQresultStatus(&part);
        if (status == PGRES_FATAL_ERROR && problem_.empty()) problem_ = PQresultErrorMessage(&part);
        if (result_.columns.empty()) {
            for (int column = 0; column < PQnfields(&part); ++column) {
                result_.columns.emplace_back(PQfname(&part, column));
            }
        }
        if (status != PGRES_SINGLE_TUPLE || result_.rows++ > 0) return;
        for (int column = 0; column < PQnfields(&part); ++column) {
            if (PQgetisnull(&part, 0, column) != 0) {
                result_.row.emplace_back();
                continue;
            }
            const auto length = static_cast<std::size_t>(PQgetlength(&part, 0, column));
            result_.row.emplace_back(std::string(PQgetvalue(&part, 0, column),
                                                 std::min(length, database_value_bytes_max)));
        }
    }

    const DatabaseTarget target_;
    Connection connection_;
    bool connecting_ = false;
    std::string problem_;  // Of the statement, as the server says it.
    DatabaseResult result_;
};

}  // namespace
}  // namespace picket::checks

const char* const picket_part_version = picket::version.data();

picket::checks::DatabaseConnection* picket_open_database(
    const picket::checks::DatabaseTarget& target) {
    return new picket::checks::PostgresConnection(target);
}
