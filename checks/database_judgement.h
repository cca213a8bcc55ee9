// What a database answered, held against a definition. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "checks/databases/connection.h"
#include "checks/expectation.h"
#include "checks/outcome.h"
#include "checks/types/database.h"

namespace picket::checks {

// The statement that tells whether a server is a replica and how far behind it is.
std::string_view replication_statement(Type type);

struct Replication {
    bool replica = false;
    bool running = true;                // Whether a replica follows its primary.
    std::optional<double> lag_seconds;  // Nothing where the server does not know.
};

// Fails where the result is not what replication_statement() asks for.
Result<Replication> read_replication(Type type, const DatabaseResult& result);

struct DatabaseAnswer {
    std::string server;  // As messages call it.
    std::optional<Replication> replication;
    std::optional<DatabaseResult> result;
};

Outcome judge_database(const DatabaseQuery& query, const Pattern* expect,
                       const DatabaseAnswer& answer);

// The class that a fault belongs to; nothing where it is our own.
std::optional<FailureClass> failure_class_of(DatabaseFault fault);

}  // namespace picket::checks
