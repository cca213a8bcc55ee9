// DatabaseConnection: what a part for one kind of database offers the agent.
//
// Each kind is a part of its own, picket-NAME.so, loaded when the first such check
// runs, so that an agent without databases links no client library. A part speaks
// its protocol through the library's non-blocking interface: it never waits, never
// resolves a name and knows no event loop, but says what it waits for.
//
// This header holds values and pure virtuals alone; the agent and a part of it are
// built together, which `picket_part_version` proves.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace picket::checks {

// A result is read up to these; what is beyond is not kept.
constexpr std::size_t database_rows_max = 10'000;
constexpr std::size_t database_value_bytes_max = 4096;

enum class DatabaseTls : std::uint8_t {
    off,
    prefer,   // Where the server offers it.
    require,  // Encrypted, by whomever.
    verify,   // And with a certificate that is trusted and for the host.
};

struct DatabaseTarget {
    std::string host;     // As a person knows it, for the certificate.
    std::string address;  // An IP address, or the path of a unix socket.
    std::uint16_t port = 0;
    std::string user;
    std::string password;
    std::string database;
    DatabaseTls tls = DatabaseTls::prefer;
    std::string ca_file;
};

// The first row of a result, and how many there were.
struct DatabaseResult {
    std::vector<std::string> columns;
    std::vector<std::optional<std::string>> row;  // A NULL is nothing.
    std::uint64_t rows = 0;
};

enum class DatabaseFault : std::uint8_t {
    refused,      // Nobody listens, or the connection was broken.
    unreachable,  // The network knows no way.
    tls,          // The handshake failed, or there was none.
    login,        // The server does not let this user in.
    statement,    // The server does not do what it was told.
    local,        // The library could not do its part.
};

struct DatabaseStep {
    enum class State : std::uint8_t { waiting, done, failed };
    State state = State::waiting;
    // Of a waiting one. The descriptor may be another after each step.
    int fd = -1;
    bool readable = false;
    bool writable = false;
    // Of a failed one.
    DatabaseFault fault = DatabaseFault::local;
    std::string problem{};  // As the server or the library says it; one or more lines.
};

class DatabaseConnection {
public:
    DatabaseConnection() = default;
    DatabaseConnection(const DatabaseConnection&) = delete;
    DatabaseConnection& operator=(const DatabaseConnection&) = delete;
    virtual ~DatabaseConnection() = default;

    virtual DatabaseStep connect() = 0;
    // Requires that the connection is made and no statement is under way.
    virtual DatabaseStep ask(const std::string& statement) = 0;
    // Goes on with either, once what was waited for has come about.
    virtual DatabaseStep proceed(bool readable, bool writable) = 0;

    // Of the last statement that was done.
    virtual const DatabaseResult& result() const = 0;
};

// The symbols that a part exports, by these names.
using OpenDatabase = DatabaseConnection* (*)(const DatabaseTarget& target);
constexpr const char* open_database_symbol = "picket_open_database";
constexpr const char* part_version_symbol = "picket_part_version";

}  // namespace picket::checks
