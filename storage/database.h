// Database: one connection to one SQLite file, with errors as picket's Error.
//
// The only part that includes sqlite3.h, but for page_checksums, and free of the loop, so
// that the CLI can read a file where no agent runs. A connection belongs to whoever uses it: one
// thread at a time. Statements and transactions must not outlive their Database.
//
// Errors read "write /var/lib/picket/picket.db: disk full". Their code says what
// can be done: `exhausted`, no room; `timed_out`, somebody else holds the file;
// `corrupt`, the file cannot be trusted; `invalid`, a row that its table does not take;
// `io`, anything else the system refused.
//
// Settings are for a small agent: a page cache of half a mebibyte, no memory map,
// and a write-ahead log that is copied back often enough to stay under 4 MiB.
// Commits do not wait for the disk unless they are asked to (synchronous NORMAL, or
// FULL): a killed process loses nothing that was committed, a machine without power
// at most the commits after the last one that waited.

#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace picket::storage {

enum class OpenMode : std::uint8_t {
    read_write,  // Creates the file where there is none.
    read_only,   // For readers beside an agent, and where no agent runs.
    salvage,     // For what was set aside: reads it and its log as far as they go, damaged
                 // pages repaired where they can be (page_checksums.h). Changes neither.
};

struct Connection;  // The handle and its path.
struct ConnectionCloser {
    void operator()(Connection* connection) const;
};
struct StatementCloser {
    Connection* keeper = nullptr;  // Gets it back, if there is one.

    void operator()(sqlite3_stmt* statement) const;
};

// Bytes to be bound as they are; copied.
struct Blob {
    std::string_view bytes;
};

// What a commit waits for.
enum class Durability : std::uint8_t {
    process,  // Survives a kill; without power the last commits may be gone.
    power,    // On disk, with all that was committed before it.
};

// A prepared statement. Parameters are ?1, ?2 ... in the order of bind().
class Statement {
public:
    // Starts afresh with these values; text is copied. Integers, text, Blob, and
    // std::optional<std::int64_t>, whose absence is NULL.
    template <typename... Values>
    Statement& bind(const Values&... values) {
        reset();
        int position = 0;
        (bind_at(++position, values), ...);
        return *this;
    }

    // True where a row is there to be read, false at the end. A bind that failed is
    // reported here.
    Result<bool> step();

    // Starts afresh with the columns of another's current row, whatever they hold.
    Statement& bind_columns_of(const Statement& row);

    // Steps to the end, whatever rows there are.
    Status run();

    // Lets go of the row, and of the view of the database that it holds open.
    void reset();

    // Of the current row; columns count from 0. NULL is 0, empty or absent.
    std::int64_t integer(int column) const;
    std::optional<std::int64_t> integer_if_any(int column) const;
    std::string text(int column) const;
    std::string blob(int column) const;

    // What to return where a row holds what cannot be: "read PATH: WHAT".
    Error corrupt(std::string_view what) const;

private:
    friend class Database;
    Statement(Connection* connection, sqlite3_stmt* statement, Connection* keeper = nullptr);

    void bind_at(int position, std::int64_t value);
    void bind_at(int position, std::string_view value);
    void bind_at(int position, Blob value);
    void bind_at(int position, std::optional<std::int64_t> value);
    template <std::integral Value>
    void bind_at(int position, Value value) {
        bind_at(position, static_cast<std::int64_t>(value));
    }

    Connection* connection_;
    std::unique_ptr<sqlite3_stmt, StatementCloser> statement_;
    int bind_code_ = 0;
};

class Database {
public:
    static constexpr std::size_t statements_kept_max = 32;

    // Changes nothing in a file that exists, and returns corrupt where it is seen at
    // once not to be a database. `read_only` never writes, not even
    // beside the file, and needs either no log (-wal) beside it, or the log and its
    // index (-shm); a log alone is an Error, because leaving it out would hide what
    // it holds. not_found where there is no file to read.
    static Result<Database> open(const std::string& path, OpenMode mode);

    // Switches the file to a write-ahead log, for good.
    Status use_log();

    Result<Statement> prepare(std::string_view sql);
    // The same for who asks the same of a thousand checks: what was prepared is kept for the next
    // time, up to statements_kept_max of them.
    Result<Statement> prepare_kept(std::string_view sql);

    // Runs one or more statements without parameters.
    Status execute(const std::string& sql);

    // The first column of the first row. not_found where there is no row.
    Result<std::int64_t> integer(std::string_view sql);

    std::int64_t rows_changed() const;  // By the last statement.
    // Read and written by this connection since it was opened.
    std::int64_t pages_moved() const;
    std::int64_t last_row_id() const;

    // Whether the file was removed or replaced under this connection.
    bool moved() const;

    // Whether the file's pages have checksums.
    bool has_checksums() const;

    // Reads `count` pages of the file, from `first` on, counted from 0, for nothing but their
    // checksums. Returns how many there were; corrupt where one is damaged.
    Result<std::int64_t> check_pages(std::int64_t first, std::int64_t count);

    // Makes the close copy the log back and remove it. Without this a close leaves
    // file and log as they are, byte for byte: what may be corrupt, or not ours, is
    // not written to.
    void tidy_on_close();

    const std::string& path() const;

private:
    friend class Transaction;
    explicit Database(std::unique_ptr<Connection, ConnectionCloser> connection);

    std::unique_ptr<Connection, ConnectionCloser> connection_;
};

// All or nothing: what is not committed is rolled back by the destructor.
class Transaction {
public:
    static Result<Transaction> begin(Database& database,
                                     Durability durability = Durability::process);
    // Reads only, and sees the file as it is at the first read until it ends.
    static Result<Transaction> begin_reading(Database& database);
    Transaction(Transaction&& other) noexcept;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    Status commit();

private:
    explicit Transaction(Connection* connection) : connection_(connection) {}

    Connection* connection_;  // Null once it is over.
};

}  // namespace picket::storage
