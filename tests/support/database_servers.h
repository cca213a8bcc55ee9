// Real database servers from Debian, each with a directory of its own, started for
// one test and ended by it.

#pragma once

#include <memory>
#include <string>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace picket::testing {

// PostgreSQL: user postgres, trusted on its socket, with the password "secret" over
// TCP. It refuses to run as root, and runs as another user of a namespace.
class PostgresServer {
public:
    PostgresServer();
    // A replica of another one, which it follows.
    explicit PostgresServer(const PostgresServer& primary);
    ~PostgresServer();

    void start();
    void stop();
    void run(const std::string& statement) const;
    int port() const { return port_; }
    std::string socket_directory() const { return directory_.path(); }

private:
    TemporaryDirectory directory_;
    int port_ = free_port();
    std::unique_ptr<Process> process_;
};

// MariaDB: user root without a password, and user watch with the password "secret".
class MariadbServer {
public:
    MariadbServer();
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
