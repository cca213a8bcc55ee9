// The mysql and postgres types: whether a database lets one in, what it answers,
// and how far a replica is behind.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/time.h"
#include "checks/databases/connection.h"
#include "checks/query.h"

namespace picket::checks {

struct TypeEntry;

enum class DatabaseRole : std::uint8_t { any, primary, replica };

struct DatabaseQuery {
    Text address;  // HOST, HOST:PORT or the path of a unix socket.
    Text user;
    Text password;
    Text database;
    Text query;                           // Empty: the connection is enough.
    std::string expect{};                 // RE2 over the first column of the first row; empty: any.
    std::optional<double> value_below{};  // Of the same value, as a number.
    std::optional<double> value_above{};
    std::optional<std::uint32_t> rows_min{};  // Absent: "any".
    std::optional<std::uint32_t> rows_max{};
    DatabaseRole role = DatabaseRole::any;
    std::optional<Duration> lag_above{};  // Of a replica.
    DatabaseTls tls = DatabaseTls::prefer;
    std::string ca_file{};

    bool operator==(const DatabaseQuery&) const = default;
};

struct MysqlQuery : DatabaseQuery {
    static constexpr Type type = Type::mysql;
    bool operator==(const MysqlQuery&) const = default;
};

struct PostgresQuery : DatabaseQuery {
    static constexpr Type type = Type::postgres;
    bool operator==(const PostgresQuery&) const = default;
};

// Of a check of either type.
const DatabaseQuery& database_query(const Query& query);

constexpr std::uint16_t mysql_port = 3306;
constexpr std::uint16_t postgres_port = 5432;

const TypeEntry& mysql_type();
const TypeEntry& postgres_type();

}  // namespace picket::checks
