// mysql and postgres checks against real servers.

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "tests/support/ask_check.h"
#include "tests/support/database_servers.h"
#include "tests/support/servers.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;
using checks::Outcome;

// Of a query that sleeps for longer than it is asked.
const std::string unanswered = "no answer to a query within ";

// What is said of an outcome, its server's address left out.
std::string told(const Outcome& outcome, const std::string& server) {
    std::string message = outcome.message;
    for (auto at = message.find(server); at != std::string::npos; at = message.find(server)) {
        message.replace(at, server.size(), "SERVER");
    }
    return std::string(to_text(outcome.failure_class)) + ": " + message;
}

// Asks until the answer is the expected one, as a replica's is in a moment.
void becomes(const std::function<std::string()>& answer, const std::string& expected) {
    std::string last;
    await(
        [&] {
            last = answer();
            return last == expected;
        },
        [&] { return last + "\nexpected " + expected; });
}

TEST_CASE("a PostgreSQL server is logged in to, asked and judged") {
    PostgresServer server;
    server.run("CREATE TABLE jobs (id int); INSERT INTO jobs SELECT generate_series(1, 42)");
    const std::string address = "127.0.0.1:" + std::to_string(server.port());
    const auto check = [&](const std::string& more) {
        return told(ask_check("[postgres.db]\naddress = \"" + address +
                              "\"\nuser = \"postgres\"\npassword = \"secret\"\n" + more),
                    address);
    };
    CHECK(check("") == "none: SERVER let postgres in");
    CHECK(check("query = \"SELECT count(*) FROM jobs\"\nexpect = \"^42$\"\nvalue_below = 42\n"
                "value_above = 42\nrows_min = 1\nrows_max = 1\nlatency = \"2s\"\n") ==
          "none: SERVER let postgres in, query found \"42\"");
    CHECK(check("query = \"SELECT count(*) FROM jobs\"\nexpect = \"^43$\"\n") ==
          "content: the query found \"42\", which does not match ^43$");
    CHECK(check("query = \"SELECT count(*) FROM jobs\"\nvalue_below = 43\n") ==
          "content: the query found \"42\", expected at least 43");
    CHECK(check("query = \"SELECT count(*) FROM jobs\"\nvalue_above = 41\n") ==
          "content: the query found \"42\", expected at most 41");
    CHECK(check("query = \"SELECT id FROM jobs\"\nrows_max = 41\n") ==
          "content: the query has 42 rows, expected at most 41");
    CHECK(check("query = \"SELECT id FROM jobs WHERE id > 42\"\nrows_min = 1\n") ==
          "content: the query has 0 rows, expected at least 1");
    CHECK(check("query = \"SELECT NULL\"\nexpect = \"x\"\n") ==
          "content: the query found NULL, which does not match x");
    CHECK(check("query = \"SELECT id FROM jobs a, (SELECT generate_series(1, 1000)) b\"\n") ==
          "status: SERVER: more than 10000 rows");
    CHECK(check("query = \"SELECT * FROM absent\"\n")
              .starts_with("status: SERVER: ERROR:  relation \"absent\" does not exist"));
    CHECK(check("role = \"primary\"\n") == "none: SERVER let postgres in");
    CHECK(check("role = \"replica\"\n") == "content: SERVER is a primary, expected a replica");
    CHECK(check("lag_above = \"10s\"\n") ==
          "content: SERVER: is no replica, expected a replica at most 10s behind");
    CHECK(check("tls = \"require\"\n").starts_with("tls: SERVER: "));
    CHECK(check("database = \"absent\"\n").find("database \"absent\" does not exist") !=
          std::string::npos);

    const Outcome wrong = ask_check("[postgres.db]\naddress = \"" + address +
                                    "\"\nuser = \"postgres\"\npassword = \"guess\"\n");
    CHECK(to_text(wrong.failure_class) == "status");
    CHECK(contains(wrong.message, "password authentication failed for user \"postgres\""));
    CHECK_FALSE(contains(wrong.message, "guess"));

    const std::string socket = server.socket_directory();
    CHECK(told(ask_check("[postgres.db]\naddress = \"" + socket + "\"\nuser = \"postgres\"\n"),
               socket)
              .starts_with("refused: SERVER: "));
    const Outcome late = ask_check_until_said(
        "[postgres.db]\naddress = \"" + address +
            "\"\nuser = \"postgres\"\npassword = \"secret\"\nquery = \"SELECT pg_sleep(30)\"\n",
        unanswered);
    CHECK(told(late, address).starts_with("timeout: SERVER: " + unanswered));

    server.stop();
    CHECK(check("").starts_with("refused: SERVER: "));
}

TEST_CASE("a PostgreSQL replica tells how far behind it is") {
    PostgresServer primary;
    PostgresServer replica(primary);
    const std::string address = "127.0.0.1:" + std::to_string(replica.port());
    const auto check = [&](const std::string& more) {
        return told(ask_check("[postgres.db]\naddress = \"" + address +
                              "\"\nuser = \"postgres\"\npassword = \"secret\"\n" + more),
                    address);
    };
    CHECK(check("role = \"replica\"\n") == "none: SERVER let postgres in");
    CHECK(check("role = \"primary\"\n") == "content: SERVER is a replica, expected a primary");
    const auto lag = [&] { return check("lag_above = \"1m\"\n"); };
    becomes(lag, "none: SERVER let postgres in");
    primary.stop();
    becomes(lag, "content: SERVER: replication has stopped, expected a replica at most 1m behind");
}

TEST_CASE("a MariaDB server is logged in to, asked and judged") {
    MariadbServer server;
    server.run(
        "CREATE DATABASE shop; CREATE TABLE shop.jobs (id int); "
        "INSERT INTO shop.jobs VALUES (1), (2), (3); GRANT SELECT ON shop.* TO watch@'%'");
    const std::string address = "127.0.0.1:" + std::to_string(server.port());
    const auto check = [&](const std::string& more) {
        return told(ask_check("[mysql.db]\naddress = \"" + address +
                              "\"\nuser = \"watch\"\npassword = \"secret\"\n" + more),
                    address);
    };
    CHECK(check("") == "none: SERVER let watch in");
    CHECK(check("database = \"shop\"\nquery = \"SELECT count(*) FROM jobs\"\nexpect = \"^3$\"\n"
                "value_below = 3\nvalue_above = 3\nrows_min = 1\nrows_max = 1\n") ==
          "none: SERVER let watch in, query found \"3\"");
    CHECK(check("query = \"SELECT count(*) FROM shop.jobs\"\nexpect = \"^4$\"\n") ==
          "content: the query found \"3\", which does not match ^4$");
    CHECK(check("query = \"SELECT id FROM shop.jobs\"\nrows_max = 2\n") ==
          "content: the query has 3 rows, expected at most 2");
    CHECK(check("query = \"SELECT NULL\"\nvalue_below = 1\n") ==
          "content: the query found NULL, expected at least 1");
    CHECK(check("query = \"SELECT seq FROM seq_1_to_20000\"\ndatabase = \"shop\"\n") ==
          "status: SERVER: more than 10000 rows");
    CHECK(check("query = \"SELECT * FROM shop.absent\"\n").starts_with("status: SERVER: "));
    CHECK(check("query = \"DO 1\"\n") == "none: SERVER let watch in");
    CHECK(check("role = \"primary\"\n") == "none: SERVER let watch in");
    CHECK(check("role = \"replica\"\n") == "content: SERVER is a primary, expected a replica");
    CHECK(check("lag_above = \"10s\"\n") ==
          "content: SERVER: is no replica, expected a replica at most 10s behind");
    CHECK(check("tls = \"require\"\n") == "tls: SERVER: the server offers no encryption");

    const Outcome wrong = ask_check("[mysql.db]\naddress = \"" + address +
                                    "\"\nuser = \"watch\"\npassword = \"guess\"\n");
    CHECK(told(wrong, address) ==
          "status: SERVER: Access denied for user 'watch'@'127.0.0.1' (using password: YES)");
    CHECK(told(ask_check("[mysql.db]\naddress = \"" + server.socket() + "\"\nuser = \"root\"\n"),
               server.socket()) == "none: SERVER let root in");
    const Outcome late = ask_check_until_said(
        "[mysql.db]\naddress = \"" + address +
            "\"\nuser = \"watch\"\npassword = \"secret\"\nquery = \"SELECT SLEEP(30)\"\n",
        unanswered);
    CHECK(told(late, address).starts_with("timeout: SERVER: " + unanswered));

    // A replica that cannot reach its primary.
    server.run("CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=1, MASTER_USER='x'");
    CHECK(check("role = \"replica\"\n") == "none: SERVER let watch in");
    CHECK(check("lag_above = \"10s\"\n") ==
          "content: SERVER: replication has stopped, expected a replica at most 10s behind");

    server.stop();
    CHECK(check("").starts_with("refused: SERVER: "));
}

TEST_CASE("a MariaDB replica tells how far behind it is") {
    const MariadbServer primary({"--server-id=1", "--log-bin=log"});
    primary.run(
        "CREATE USER copy@'%' IDENTIFIED BY 'secret'; GRANT REPLICATION SLAVE ON *.* "
        "TO copy@'%'; RESET MASTER");
    const MariadbServer replica({"--server-id=2"});
    replica.run(
        "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=" + std::to_string(primary.port()) +
        ", MASTER_USER='copy', MASTER_PASSWORD='secret', MASTER_USE_GTID=slave_pos; "
        "START SLAVE");
    const std::string address = "127.0.0.1:" + std::to_string(replica.port());
    const auto check = [&](const std::string& more) {
        return told(ask_check("[mysql.db]\naddress = \"" + address +
                              "\"\nuser = \"watch\"\npassword = \"secret\"\n" + more),
                    address);
    };
    const auto lag = [&] { return check("lag_above = \"10s\"\n"); };
    becomes(lag, "none: SERVER let watch in");
    CHECK(check("role = \"replica\"\n") == "none: SERVER let watch in");
    // It is an hour behind where it is told to be, once there is something to be behind of.
    replica.run("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY=3600; START SLAVE");
    primary.run("CREATE DATABASE shop");
    std::string said;
    await(
        [&] {
            said = check("lag_above = \"0s\"\n");
            return said.starts_with("content: SERVER is ") &&
                   said.ends_with(" behind its primary, expected at most 0s");
        },
        [&] { return said; });
    replica.run("STOP SLAVE");
    becomes(lag, "content: SERVER: replication has stopped, expected a replica at most 10s behind");
}

TEST_CASE("connections to databases are encrypted, and believed where the certificate is") {
    const TemporaryDirectory directory;
    const std::string certificate = make_certificate(directory, "site", "127.0.0.1", 30);
    const std::string stranger = make_certificate(directory, "other", "127.0.0.1", 30);
    const PostgresServer postgres(certificate);
    const MariadbServer mariadb({"--ssl-cert=" + certificate + ".crt",
                                 "--ssl-key=" + certificate + ".key",
                                 "--ssl-ca=" + certificate + ".crt"});
    mariadb.run("ALTER USER watch@'%' REQUIRE SSL");
    struct {
        std::string type, address, user, secured;
    } const servers[] = {
        {"postgres", "127.0.0.1:" + std::to_string(postgres.port()), "postgres",
         "query = \"SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()\"\nexpect = \"t\"\n"},
        {"mysql", "127.0.0.1:" + std::to_string(mariadb.port()), "watch",
         "query = \"SELECT variable_value FROM information_schema.session_status WHERE "
         "variable_name = 'Ssl_version'\"\nexpect = \"TLS\"\n"},
    };
    for (const auto& server : servers) {
        CAPTURE(server.type);
        const auto check = [&](const std::string& more) {
            return told(
                ask_check("[" + server.type + ".db]\naddress = \"" + server.address +
                          "\"\nuser = \"" + server.user + "\"\npassword = \"secret\"\n" + more),
                server.address);
        };
        const auto trusting = [](const std::string& authority) {
            return "tls = \"verify\"\nca_file = \"" + authority + ".crt\"\n";
        };
        for (const std::string& tls :
             {std::string(), std::string("tls = \"require\"\n"), trusting(certificate)}) {
            CAPTURE(tls);
            CHECK(check(tls + server.secured).starts_with("none: SERVER let "));
        }
        CHECK(check(trusting(stranger)).starts_with("tls: SERVER: "));
        CHECK_FALSE(check("tls = \"verify\"\nca_file = \"/nowhere.crt\"\n").starts_with("none: "));
    }
}

// Takes connections, as the kernel does for it, and says nothing.
class Silent {
public:
    Silent() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof(address);
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(fd_, generic, length) == 0);
        REQUIRE(::listen(fd_, 8) == 0);
        REQUIRE(::getsockname(fd_, generic, &length) == 0);
        port_ = ntohs(address.sin_port);
    }
    ~Silent() { ::close(fd_); }
    Silent(const Silent&) = delete;
    Silent& operator=(const Silent&) = delete;

    int port() const { return port_; }

private:
    int fd_;
    int port_ = 0;
};

TEST_CASE("a server that says nothing is a timeout") {
    const Silent silent;
    const std::string address = "127.0.0.1:" + std::to_string(silent.port());
    for (const std::string type : {"mysql", "postgres"}) {
        CAPTURE(type);
        const Outcome outcome =
            ask_check("[" + type + ".db]\naddress = \"" + address + "\"\nuser = \"a\"\n", 300ms);
        CHECK(told(outcome, address) == "timeout: SERVER: no login within 300ms");
    }
}

}  // namespace
}  // namespace picket::testing
