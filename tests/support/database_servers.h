// Real database servers from Debian, each with a directory of its own, started for
// one test and ended by it.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace picket::testing {

// PostgreSQL: user postgres, trusted on its socket, with the password "secret" over
// TCP. It refuses to run as root, and runs as another user of a namespace.
class PostgresServer {
public:
    PostgresServer();
    // One that speaks TLS too, with what make_certificate() made.
    explicit PostgresServer(const std::string& certificate);
    // A replica of another one, which it follows.
    explicit PostgresServer(const PostgresServer& primary);
    ~PostgresServer();

    void start(const std::vector<std::string>& settings = {});
    void stop();
    void run(const std::string& statement) const;
    int port() const { return port_; }
    std::string socket_directory() const { return directory_.path(); }

private:
    void initialise();

    TemporaryDirectory directory_;
    int port_ = free_port();
    std::unique_ptr<Process> process_;
};

// MariaDB: user root without a password, and user watch with the password "secret".
// `options` are further ones of its command line.
class MariadbServer {
public:
    explicit MariadbServer(const std::vector<std::string>& options = {});
    ~MariadbServer();

    void stop();
    void run(const std::string& statement) const;
    int port() const { return port_; }
    std::string socket() const { return directory_.path("socket"); }

private:
    TemporaryDirectory directory_;
    int port_ = free_port();
    std::unique_ptr<Process> process_;
};

}  // namespace picket::testing
