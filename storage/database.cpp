#include "storage/database.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <functional>
#include <map>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "storage/page_checksums.h"

namespace picket::storage {

struct Connection {
    sqlite3* handle = nullptr;
    std::string path;
    std::map<std::string, sqlite3_stmt*, std::less<>> kept{};  // By their SQL; not in use.
};

namespace {

constexpr int busy_timeout_ms = 100;
constexpr int page_bytes = 4'096;

// Per connection and without effect on the file. SECURE_DELETE is Debian's
// default; overwriting what retention deletes would double its writes.
constexpr const char* connection_settings =
    "PRAGMA cache_size = -512;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA foreign_keys = OFF;"
    "PRAGMA secure_delete = OFF;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA synchronous = NORMAL;"
    // A batch of history touches some 300 pages, so the log stays under 1,000
    // pages even when one arrives just before the limit.
    "PRAGMA wal_autocheckpoint = 500;"
    "PRAGMA journal_size_limit = 4194304;";

// A page that is not what was written.
bool is_damage(int sqlite_code) {
    return sqlite_code == SQLITE_IOERR_DATA || sqlite_code == SQLITE_IOERR_CORRUPTFS;
}

Code code_of(int sqlite_code) {
    if (is_damage(sqlite_code)) return Code::corrupt;
    switch (sqlite_code & 0xff) {
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return Code::corrupt;
        case SQLITE_FULL:
            return Code::exhausted;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Code::timed_out;
        case SQLITE_CONSTRAINT:
            return Code::invalid;
        default:
            return Code::io;
    }
}

// Of the last call that the system refused; 0 where SQLite does not say. A commit that fails leaves
// it with the file that could not be written: the log, or the database itself.
int system_errno(sqlite3* handle) {
    if (handle == nullptr) return 0;
    int number = sqlite3_system_errno(handle);
    for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
        sqlite3_file* file = nullptr;
        if (number != 0) break;
        sqlite3_file_control(handle, "main", which, &file);
        if (file == nullptr || file->pMethods == nullptr) continue;
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
    }
    return number;
}

std::string text_of(sqlite3* handle, int sqlite_code) {
    if (is_damage(sqlite_code)) return "a page is damaged";
    switch (sqlite_code & 0xff) {
        case SQLITE_FULL:
            return "disk full";
        case SQLITE_READONLY:
            return "read-only";
        case SQLITE_NOTADB:
            return "not a database";
        case SQLITE_CORRUPT:
            return "corrupt";
        case SQLITE_BUSY:
            return "another process holds it";
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR: {
            const int number = system_errno(handle);
            if (number != 0) return errno_text(number);
            return sqlite3_errstr(sqlite_code);
        }
        default:
            return handle == nullptr ? sqlite3_errstr(sqlite_code) : sqlite3_errmsg(handle);
    }
}

// ENOSPC may arrive as an input/output error: where the shared index cannot grow.
bool no_space(sqlite3* handle, int sqlite_code) {
    return (sqlite_code & 0xff) == SQLITE_IOERR && !is_damage(sqlite_code) &&
           system_errno(handle) == ENOSPC;
}

Error error_of(std::string_view verb, const Connection& connection, int sqlite_code) {
    if (no_space(connection.handle, sqlite_code)) sqlite_code = SQLITE_FULL;
    return {code_of(sqlite_code), fmt::format("{} {}: {}", verb, connection.path,
                                              text_of(connection.handle, sqlite_code))};
}

// As SQLite's URIs want it: what would end the path is escaped.
std::string uri_of(std::string_view path, std::string_view query) {
    std::string uri = "file:";
    for (const char character : path) {
        if (character == '%' || character == '?' || character == '#') {
            uri += fmt::format("%{:02x}", static_cast<unsigned>(character));
        } else {
            uri += character;
        }
    }
    return uri.append("?").append(query);
}

bool exists(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0;
}

// How to read a file that somebody may or may not be writing (docs: without agent).
Result<std::string> read_only_query(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
        const int number = errno;
        return failure(number == ENOENT ? Code::not_found : Code::io,
                       fmt::format("open {}: {}", path, errno_text(number)));
    }
    if (!exists(path + "-wal")) return "immutable=1";
    if (exists(path + "-shm")) return "mode=ro";
    return failure(Code::io, fmt::format("open {0}: {0}-wal is here without {0}-shm, so the newest "
                                         "history cannot be read; start the agent once",
                                         path));
}

}  // namespace

void ConnectionCloser::operator()(Connection* connection) const {
    for (const auto& [sql, statement] : connection->kept) sqlite3_finalize(statement);
    sqlite3_close_v2(connection->handle);
    delete connection;
}

void StatementCloser::operator()(sqlite3_stmt* statement) const {
    if (keeper != nullptr && keeper->kept.size() < Database::statements_kept_max) {
        sqlite3_reset(statement);
        sqlite3_clear_bindings(statement);
        if (keeper->kept.try_emplace(sqlite3_sql(statement), statement).second) return;
    }
    sqlite3_finalize(statement);
}

// ---- Statement

Statement::Statement(Connection* connection, sqlite3_stmt* statement, Connection* keeper)
    : connection_(connection), statement_(statement, StatementCloser{keeper}) {}

void Statement::bind_at(int position, std::int64_t value) {
    const int code = sqlite3_bind_int64(statement_.get(), position, value);
    if (code != SQLITE_OK) bind_code_ = code;
}

void Statement::bind_at(int position, std::string_view value) {
    // No pointer would be NULL; an empty text is a text.
    const char* bytes = value.data() == nullptr ? "" : value.data();
    const int code = sqlite3_bind_text64(statement_.get(), position, bytes, value.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8);
    if (code != SQLITE_OK) bind_code_ = code;
}

void Statement::bind_at(int position, Blob value) {
    const char* bytes = value.bytes.data() == nullptr ? "" : value.bytes.data();
    const int code = sqlite3_bind_blob64(statement_.get(), position, bytes, value.bytes.size(),
                                         SQLITE_TRANSIENT);
    if (code != SQLITE_OK) bind_code_ = code;
}

void Statement::bind_at(int position, std::optional<std::int64_t> value) {
    if (value) return bind_at(position, *value);
    const int code = sqlite3_bind_null(statement_.get(), position);
    if (code != SQLITE_OK) bind_code_ = code;
}

Result<bool> Statement::step() {
    PICKET_ASSERT(statement_ != nullptr);
    const int code = bind_code_ != SQLITE_OK ? bind_code_ : sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    const char* verb = sqlite3_stmt_readonly(statement_.get()) != 0 ? "read" : "write";
    Error error =
        error_of(verb, *connection_,
                 bind_code_ != SQLITE_OK ? code : sqlite3_extended_errcode(connection_->handle));
    reset();
    return tl::make_unexpected(std::move(error));
}

Statement& Statement::bind_columns_of(const Statement& row) {
    reset();
    const int count = sqlite3_column_count(row.statement_.get());
    for (int column = 0; column < count; ++column) {
        const int code = sqlite3_bind_value(statement_.get(), column + 1,
                                            sqlite3_column_value(row.statement_.get(), column));
        if (code != SQLITE_OK) bind_code_ = code;
    }
    return *this;
}

Status Statement::run() {
    while (PICKET_TRY(step())) {
    }
    reset();
    return {};
}

void Statement::reset() {
    sqlite3_reset(statement_.get());
    bind_code_ = SQLITE_OK;
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
}

std::optional<std::int64_t> Statement::integer_if_any(int column) const {
    if (sqlite3_column_type(statement_.get(), column) == SQLITE_NULL) return std::nullopt;
    return integer(column);
}

std::string Statement::text(int column) const {
    // The pointer first: asking for it may convert the value and so change its length.
    const unsigned char* bytes = sqlite3_column_text(statement_.get(), column);
    if (bytes == nullptr) return {};
    const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return {reinterpret_cast<const char*>(bytes), length};
}

std::string Statement::blob(int column) const {
    const void* bytes = sqlite3_column_blob(statement_.get(), column);
    if (bytes == nullptr) return {};
    const auto length = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return {static_cast<const char*>(bytes), length};
}

Error Statement::corrupt(std::string_view what) const {
    return {Code::corrupt, fmt::format("read {}: {}", connection_->path, what)};
}

// ---- Database

Database::Database(std::unique_ptr<Connection, ConnectionCloser> connection)
    : connection_(std::move(connection)) {}

Result<Database> Database::open(const std::string& path, OpenMode mode) {
    const bool salvages = mode == OpenMode::salvage;
    const std::string query = mode == OpenMode::read_write ? "mode=rwc"
                              : salvages                   ? "mode=rw"
                                                           : PICKET_TRY(read_only_query(path));
    // What is salvaged is opened for writing since its log may need an index.
    const int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
                      (mode == OpenMode::read_only ? SQLITE_OPEN_READONLY
                                                   : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    const char* files = salvages ? checksummed_files_for_salvage() : checksummed_files();

    Database database(std::unique_ptr<Connection, ConnectionCloser>(new Connection{nullptr, path}));
    Connection& connection = *database.connection_;
    const int code = sqlite3_open_v2(uri_of(path, query).c_str(), &connection.handle, flags, files);
    if (code != SQLITE_OK) return tl::make_unexpected(error_of("open", connection, code));

    sqlite3_extended_result_codes(connection.handle, 1);
    sqlite3_busy_timeout(connection.handle, busy_timeout_ms);
    sqlite3_db_config(connection.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    // The schema of a file that came from elsewhere runs nothing.
    sqlite3_db_config(connection.handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    sqlite3_db_config(connection.handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
    if (sqlite3_exec(connection.handle, connection_settings, nullptr, nullptr, nullptr) !=
        SQLITE_OK) {
        return tl::make_unexpected(
            error_of("open", connection, sqlite3_extended_errcode(connection.handle)));
    }
    // Of a file that is yet to be made.
    int reserved = page_checksum_bytes;
    sqlite3_file_control(connection.handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
    if (salvages) {
        // A file that is shorter than its header says is read as far as it goes.
        sqlite3_db_config(connection.handle, SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
        PICKET_TRY(database.execute(
            "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA writable_schema = ON"));
    }
    return database;
}

Status Database::use_log() {
    auto statement = PICKET_TRY(prepare("PRAGMA journal_mode = WAL"));
    const bool row = PICKET_TRY(statement.step());
    const std::string journal = row ? statement.text(0) : std::string();
    if (journal == "wal") return {};
    return failure(Code::io, fmt::format("open {}: its file system cannot hold a write-ahead log",
                                         connection_->path));
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code =
        sqlite3_prepare_v3(connection_->handle, sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return tl::make_unexpected(error_of("read", *connection_, code));
    return Statement(connection_.get(), statement);
}

Result<Statement> Database::prepare_kept(std::string_view sql) {
    const auto known = connection_->kept.find(sql);
    if (known != connection_->kept.end()) {
        sqlite3_stmt* statement = known->second;
        connection_->kept.erase(known);
        return Statement(connection_.get(), statement, connection_.get());
    }
    auto prepared = PICKET_TRY(prepare(sql));
    return Statement(connection_.get(), prepared.statement_.release(), connection_.get());
}

Status Database::execute(const std::string& sql) {
    if (sqlite3_exec(connection_->handle, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) {
        return {};
    }
    return tl::make_unexpected(
        error_of("write", *connection_, sqlite3_extended_errcode(connection_->handle)));
}

Result<std::int64_t> Database::integer(std::string_view sql) {
    auto statement = PICKET_TRY(prepare(sql));
    if (PICKET_TRY(statement.step())) return statement.integer(0);
    return failure(Code::not_found, fmt::format("read {}: no row", connection_->path));
}

std::int64_t Database::rows_changed() const {
    return sqlite3_changes64(connection_->handle);
}

std::int64_t Database::pages_moved() const {
    std::int64_t pages = 0;
    for (const int what : {SQLITE_DBSTATUS_CACHE_WRITE, SQLITE_DBSTATUS_CACHE_MISS}) {
        int count = 0;
        int unused = 0;
        PICKET_ASSERT(sqlite3_db_status(connection_->handle, what, &count, &unused, 0) ==
                      SQLITE_OK);
        pages += count;
    }
    return pages;
}

std::int64_t Database::last_row_id() const {
    return sqlite3_last_insert_rowid(connection_->handle);
}

bool Database::moved() const {
    int moved = 0;
    const int code =
        sqlite3_file_control(connection_->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return code == SQLITE_OK && moved != 0;
}

bool Database::has_checksums() const {
    int has = 0;
    sqlite3_file_control(connection_->handle, "main", has_checksums_control, &has);
    return has != 0;
}

Result<std::int64_t> Database::check_pages(std::int64_t first, std::int64_t count) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(connection_->handle, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    PICKET_ASSERT(file != nullptr && file->pMethods != nullptr);
    std::array<char, page_bytes> page{};
    for (std::int64_t each = 0; each < count; ++each) {
        const int code =
            file->pMethods->xRead(file, page.data(), page_bytes, (first + each) * page_bytes);
        if (code == SQLITE_IOERR_SHORT_READ) return each;
        if (code == SQLITE_OK) continue;
        Error error = error_of("read", *connection_, code);
        return tl::make_unexpected(std::move(error).within(fmt::format("page {}", first + each)));
    }
    return count;
}

void Database::tidy_on_close() {
    sqlite3_db_config(connection_->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

const std::string& Database::path() const {
    return connection_->path;
}

// ---- Transaction

Result<Transaction> Transaction::begin(Database& database, Durability durability) {
    // Each begins with what it needs, so none has to put it back.
    PICKET_TRY(database.execute(durability == Durability::power
                                    ? "PRAGMA synchronous = FULL; BEGIN IMMEDIATE"
                                    : "PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE"));
    return Transaction(database.connection_.get());
}

Result<Transaction> Transaction::begin_reading(Database& database) {
    PICKET_TRY(database.execute("BEGIN"));
    return Transaction(database.connection_.get());
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
    // Some failures have rolled back already; then this is refused, which is fine.
    if (connection_ != nullptr) {
        sqlite3_exec(connection_->handle, "ROLLBACK", nullptr, nullptr, nullptr);
    }
}

Status Transaction::commit() {
    PICKET_ASSERT(connection_ != nullptr);
    if (sqlite3_exec(connection_->handle, "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK) {
        return tl::make_unexpected(
            error_of("write", *connection_, sqlite3_extended_errcode(connection_->handle)));
    }
    connection_ = nullptr;
    return {};
}

}  // namespace picket::storage
