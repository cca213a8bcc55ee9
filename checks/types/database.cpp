#include "checks/types/database.h"

#include <fmt/format.h>

#include <array>

#include "agent/base/address.h"
#include "checks/types/forms.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;

constexpr std::array<std::string_view, 4> tls_modes{"off", "prefer", "require", "verify"};
constexpr std::array<std::string_view, 3> roles{"any", "primary", "replica"};
constexpr std::array<std::string_view, 1> any{"any"};

// A member that the two types share, of one of them.
template <typename Q, auto member>
Slot of(Definition& definition) {
    return slot_at(&(definition.query.as<Q>().*member));
}
Status check_database_address(std::string_view text) {
    if (text.starts_with('/')) return check_absolute_path(text);
    const HostPort address = PICKET_TRY(parse_host_port(text, mysql_port));
    return check_host(address.host);
}

// clang-format off
template <typename Q>
constexpr std::array keys{
    Key{"address", required, question, of<Q, &DatabaseQuery::address>, "HOST, HOST:PORT or the path of a unix socket",
        "Where the server is.", {.check = check_database_address}},
    Key{"user", optional, question, of<Q, &DatabaseQuery::user>, a_string,
        "Whom to log in as.", {.check = check_argument}},
    Key{"password", optional, question, of<Q, &DatabaseQuery::password>, a_string,
        "The user's password; better out of a file: \"${credential:NAME}\".", {.check = check_argument}},
    Key{"database", optional, question, of<Q, &DatabaseQuery::database>, a_string,
        "The database to use.", {.check = check_argument}},
    Key{"query", optional, question, of<Q, &DatabaseQuery::query>, "a statement in quotes",
        "What to ask, in one statement; without one the login is enough.", {.check = check_argument}},
    Key{"expect", optional, question, of<Q, &DatabaseQuery::expect>, a_pattern,
        "Must be found in the first column of the first row.", {.check = check_expression}},
    Key{"value_below", optional, question, number<Q, &DatabaseQuery::value_below>, "a number",
        "Fails when the same value is less."},
    Key{"value_above", optional, question, number<Q, &DatabaseQuery::value_above>, "a number",
        "Fails when the same value is more."},
    Key{"rows_min", optional, question, of<Q, &DatabaseQuery::rows_min>, "a whole number or \"any\"",
        "Fails when the result has fewer rows.", {.max = database_rows_max, .choices = Words(any)}},
    Key{"rows_max", optional, question, of<Q, &DatabaseQuery::rows_max>, "a whole number or \"any\"",
        "Fails when the result has more rows.", {.max = database_rows_max, .choices = Words(any)}},
    Key{"role", optional, question, of<Q, &DatabaseQuery::role>, "\"any\", \"primary\" or \"replica\"",
        "What the server must be: one that takes writes, or one that follows another.", {.choices = Words(roles)}},
    Key{"lag_above", optional, question, of<Q, &DatabaseQuery::lag_above>, a_duration,
        "Fails when a replica is further behind, when it does not follow, and when the server is none.", {.max = 366ULL * 86'400'000}},
    Key{"tls", optional, question, of<Q, &DatabaseQuery::tls>, "\"off\", \"prefer\", \"require\" or \"verify\"",
        "Whether to encrypt, and whether to believe the certificate alone.", {.choices = Words(tls_modes)}},
    Key{"ca_file", optional, question, of<Q, &DatabaseQuery::ca_file>, a_path,
        "The certificates to trust, as PEM, in place of the system's.", {.check = check_absolute_path}},
};
// clang-format on

void check_query(const Definition& definition, const Complain& complain) {
    const DatabaseQuery& query = database_query(definition.query);
    if (query.query.value.empty()) {
        const auto needs = [&](std::string_view key, bool set) {
            if (set) complain(key, "is about the result of a query, and there is no query");
        };
        needs("expect", !query.expect.empty());
        needs("value_below", query.value_below.has_value());
        needs("value_above", query.value_above.has_value());
        needs("rows_min", query.rows_min.has_value());
        needs("rows_max", query.rows_max.has_value());
    }
    if (query.rows_min && query.rows_max && *query.rows_max < *query.rows_min) {
        complain("rows_max", fmt::format("{} is below rows_min, which is {}", *query.rows_max,
                                         *query.rows_min));
    }
    if (query.lag_above && query.role == DatabaseRole::primary) {
        complain("lag_above", "only a replica lags, and role is \"primary\"");
    }
}

}  // namespace

const DatabaseQuery& database_query(const Query& query) {
    if (query.type() == Type::mysql) return query.as<MysqlQuery>();
    return query.as<PostgresQuery>();
}

const TypeEntry& mysql_type() {
    static const TypeEntry entry{.type = Type::mysql,
                                 .keys = keys<MysqlQuery>,
                                 .query = [] { return Query(MysqlQuery{}); },
                                 .check = check_query};
    return entry;
}

const TypeEntry& postgres_type() {
    static const TypeEntry entry{.type = Type::postgres,
                                 .keys = keys<PostgresQuery>,
                                 .query = [] { return Query(PostgresQuery{}); },
                                 .check = check_query};
    return entry;
}

}  // namespace picket::checks
