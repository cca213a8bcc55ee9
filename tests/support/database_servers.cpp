#include "tests/support/database_servers.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>
#include <utility>
#include <vector>

namespace picket::testing {
namespace {

using Words = std::vector<std::string>;

// The programs of the newest PostgreSQL that is installed.
std::string postgres_program(const std::string& name) {
    std::string newest;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql")) {
        newest = std::max(newest, entry.path().string());
    }
    return newest + "/bin/" + name;
}

Words as_nobody_special(Words command) {
    Words words{"/usr/bin/unshare", "--user", "--map-user=1000", "--map-group=1000", "--"};
    words.insert(words.end(), command.begin(), command.end());
    return words;
}

void require_done(const Words& command) {
    const Finished finished = run(command);
    INFO(finished.output);
    INFO(finished.errors);
    REQUIRE(finished.exit_code == 0);
}

void end(std::unique_ptr<Process>& process, int signal) {
    if (process == nullptr) return;
    process->signal(signal);
    process->wait();
    process.reset();
}

}  // namespace

PostgresServer::PostgresServer() {
    initialise();
    start();
}

PostgresServer::PostgresServer(const std::string& certificate) {
    initialise();
    start({"ssl=on", "ssl_cert_file=" + certificate + ".crt",
           "ssl_key_file=" + certificate + ".key"});
}

void PostgresServer::initialise() {
    const std::string password = directory_.write("password", "secret\n");
    require_done(as_nobody_special({postgres_program("initdb"), "-D", directory_.path("data"), "-U",
                                    "postgres", "--auth-local=trust", "--auth-host=scram-sha-256",
                                    "--pwfile=" + password, "--no-sync", "--no-locale"}));
}

PostgresServer::PostgresServer(const PostgresServer& primary) {
    require_done(
        as_nobody_special({postgres_program("pg_basebackup"), "-D", directory_.path("data"), "-h",
                           primary.socket_directory(), "-p", std::to_string(primary.port()), "-U",
                           "postgres", "-R", "--no-sync", "-X", "stream", "-c", "fast"}));
    start();
}

PostgresServer::~PostgresServer() {
    stop();
}

void PostgresServer::start(const std::vector<std::string>& settings) {
    Words command{postgres_program("postgres"), "-D", directory_.path("data"), "-p",
                  std::to_string(port_),        "-k", directory_.path(),       "-F"};
    const auto set = [&](const std::string& setting) {
        command.insert(command.end(), {"-c", setting});
    };
    for (const char* always : {"listen_addresses=127.0.0.1", "shared_buffers=1MB",
                               "wal_receiver_status_interval=1s", "hot_standby=on"}) {
        set(always);
    }
    for (const std::string& setting : settings) set(setting);
    process_ = std::make_unique<Process>(as_nobody_special(std::move(command)),
                                         std::map<std::string, std::string>{},
                                         Process::Errors::with_output);
    REQUIRE(process_->read_until("ready to accept"));
}

void PostgresServer::stop() {
    end(process_, SIGINT);
}

void PostgresServer::run(const std::string& statement) const {
    require_done({"/usr/bin/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", directory_.path(),
                  "-p", std::to_string(port_), "-U", "postgres", "-c", statement});
}

MariadbServer::MariadbServer(const std::vector<std::string>& options) {
    require_done({"/usr/bin/mariadb-install-db", "--no-defaults",
                  "--datadir=" + directory_.path("data"), "--user=root",
                  "--auth-root-authentication-method=normal", "--skip-test-db",
                  "--skip-name-resolve"});
    Words command{"/usr/sbin/mariadbd",
                  "--no-defaults",
                  "--user=root",
                  "--datadir=" + directory_.path("data"),
                  "--socket=" + socket(),
                  "--port=" + std::to_string(port_),
                  "--bind-address=127.0.0.1",
                  "--innodb-flush-log-at-trx-commit=0",
                  "--innodb-buffer-pool-size=8M",
                  "--pid-file=" + directory_.path("pid"),
                  "--skip-name-resolve"};
    command.insert(command.end(), options.begin(), options.end());
    process_ = std::make_unique<Process>(std::move(command), std::map<std::string, std::string>{},
                                         Process::Errors::with_output);
    REQUIRE(process_->read_until("ready for connections"));
    run("CREATE USER watch@'%' IDENTIFIED BY 'secret'; GRANT REPLICA MONITOR ON *.* TO watch@'%'");
}

MariadbServer::~MariadbServer() {
    stop();
}

void MariadbServer::stop() {
    end(process_, SIGKILL);
}

void MariadbServer::run(const std::string& statement) const {
    require_done({"/usr/bin/mariadb", "--no-defaults", "--socket=" + socket(), "--user=root", "-e",
                  statement});
}

}  // namespace picket::testing
