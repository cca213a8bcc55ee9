// picket-mysql.so: MariaDB and MySQL through MariaDB Connector/C's non-blocking
// interface.

#include <errmsg.h>
#include <mysql.h>
#include <sys/socket.h>

#include <algorithm>
#include <string_view>

#include "agent/base/version.h"
#include "checks/databases/connection.h"

extern "C" {
extern const char* const picket_part_version;
picket::checks::DatabaseConnection* picket_open_database(
    const picket::checks::DatabaseTarget& target);
}

namespace picket::checks {
namespace {

// What the library means by 1 and 0, as its options want them.
constexpr my_bool yes = 1;
constexpr my_bool no = 0;

class MysqlConnection final : public DatabaseConnection {
public:
    explicit MysqlConnection(const DatabaseTarget& target) : target_(target) {}
    ~MysqlConnection() override {
        // Otherwise the library would read on, and wait, for what nobody wants any more.
        const bool unfinished = set_ != nullptr || (waiting_ && connection_ != nullptr);
        if (unfinished) ::shutdown(mysql_get_socket(connection_), SHUT_RDWR);
        if (set_ != nullptr) mysql_free_result(set_);
        if (connection_ != nullptr) mysql_close(connection_);
    }
    MysqlConnection(const MysqlConnection&) = delete;
    MysqlConnection& operator=(const MysqlConnection&) = delete;

    DatabaseStep connect() override {
        connection_ = mysql_init(nullptr);
        if (connection_ == nullptr) {
            return {.state = DatabaseStep::State::failed, .problem = "out of memory"};
        }
        mysql_options(connection_, MYSQL_OPT_NONBLOCK, nullptr);
        mysql_options(connection_, MYSQL_OPT_LOCAL_INFILE, nullptr);
        mysql_options(connection_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
        set_tls();
        const bool local = target_.address.starts_with('/');
        stage_ = Stage::connecting;
        const int events = mysql_real_connect_start(
            &connected_, connection_, local ? nullptr : target_.address.c_str(),
            target_.user.c_str(), target_.password.c_str(),
            target_.database.empty() ? nullptr : target_.database.c_str(), target_.port,
            local ? target_.address.c_str() : nullptr, 0);
        return after(events);
    }

    DatabaseStep ask(const std::string& statement) override {
        result_ = {};
        statement_ = statement;
        stage_ = Stage::asking;
        return after(
            mysql_real_query_start(&error_, connection_, statement_.data(), statement_.size()));
    }

    DatabaseStep proceed(bool readable, bool writable) override {
        const int events = (readable ? MYSQL_WAIT_READ : 0) | (writable ? MYSQL_WAIT_WRITE : 0);
        switch (stage_) {
            case Stage::connecting:
                return after(mysql_real_connect_cont(&connected_, connection_, events));
            case Stage::asking:
                return after(mysql_real_query_cont(&error_, connection_, events));
            case Stage::fetching:
                break;
        }
        return after(mysql_fetch_row_cont(&row_, set_, events));
    }

    const DatabaseResult& result() const override { return result_; }

private:
    enum class Stage : std::uint8_t { connecting, asking, fetching };

    void set_tls() {
        // The library takes this for a wish: it logs in without where the server has no TLS.
        const my_bool enforce = target_.tls >= DatabaseTls::prefer ? yes : no;
        const my_bool verify = target_.tls == DatabaseTls::verify ? yes : no;
        mysql_options(connection_, MYSQL_OPT_SSL_ENFORCE, &enforce);
        mysql_options(connection_, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
        if (!target_.ca_file.empty()) {
            mysql_options(connection_, MYSQL_OPT_SSL_CA, target_.ca_file.c_str());
        }
    }

    // What the library waits for; 0: it waits no more, and the stage is over.
    DatabaseStep after(int events) {
        waiting_ = false;
        return events == 0 ? end_stage() : waiting(events);
    }

    DatabaseStep waiting(int events) {
        waiting_ = true;
        return {.state = DatabaseStep::State::waiting,
                .fd = mysql_get_socket(connection_),
                .readable = (events & (MYSQL_WAIT_READ | MYSQL_WAIT_EXCEPT)) != 0,
                .writable = (events & MYSQL_WAIT_WRITE) != 0};
    }

    DatabaseStep end_stage() {
        switch (stage_) {
            case Stage::connecting:
                if (connected_ == nullptr) return failed();
                if (target_.tls >= DatabaseTls::require &&
                    mysql_get_ssl_cipher(connection_) == nullptr) {
                    return {.state = DatabaseStep::State::failed,
                            .fault = DatabaseFault::tls,
                            .problem = "the server offers no encryption"};
                }
                return {.state = DatabaseStep::State::done};
            case Stage::asking:
                if (error_ != 0) return failed();
                // Row by row: a result that is larger than was thought fills no memory.
                set_ = mysql_use_result(connection_);
                if (set_ == nullptr) return without_rows();
                take_columns();
                stage_ = Stage::fetching;
                return after(mysql_fetch_row_start(&row_, set_));
            case Stage::fetching:
                break;
        }
        return take_rows();
    }

    // Those that are there already, one of which was just fetched.
    DatabaseStep take_rows() {
        for (int events = 0; events == 0; events = mysql_fetch_row_start(&row_, set_)) {
            if (row_ == nullptr) {
                mysql_free_result(set_);
                set_ = nullptr;
                return without_rows();
            }
            if (++result_.rows > database_rows_max) {
                return {.state = DatabaseStep::State::failed,
                        .fault = DatabaseFault::statement,
                        .problem = "more than " + std::to_string(database_rows_max) + " rows"};
            }
            if (result_.rows == 1) take_row();
        }
        return waiting(MYSQL_WAIT_READ);
    }

    // No further row, or a statement that has none.
    DatabaseStep without_rows() const {
        if (mysql_errno(connection_) != 0) return failed();
        return {.state = DatabaseStep::State::done};
    }

    void take_columns() {
        const unsigned columns = mysql_num_fields(set_);
        const MYSQL_FIELD* fields = mysql_fetch_fields(set_);
        for (unsigned i = 0; i < columns; ++i) result_.columns.emplace_back(fields[i].name);
    }

    void take_row() {
        const unsigned long* lengths = mysql_fetch_lengths(set_);
        for (unsigned i = 0; i < mysql_num_fields(set_); ++i) {
            if (row_[i] == nullptr) {
                result_.row.emplace_back();
                continue;
            }
            const auto length = std::min<std::size_t>(lengths[i], database_value_bytes_max);
            result_.row.emplace_back(std::string(row_[i], length));
        }
    }

    DatabaseStep failed() const {
        return {.state = DatabaseStep::State::failed,
                .fault = fault(),
                .problem = mysql_error(connection_)};
    }

    DatabaseFault fault() const {
        const unsigned code = mysql_errno(connection_);
        const std::string_view message = mysql_error(connection_);
        const auto says = [&](std::string_view words) {
            return message.find(words) != std::string_view::npos;
        };
        if (code == CR_SSL_CONNECTION_ERROR) return DatabaseFault::tls;
        // ENETUNREACH and EHOSTUNREACH, of which it keeps the number alone.
        if (says("(101)") || says("(113)") || says("(101 ") || says("(113 ")) {
            return DatabaseFault::unreachable;
        }
        const bool of_library = code >= CR_MIN_ERROR && code <= CR_MAX_ERROR;
        if (of_library) return DatabaseFault::refused;
        return stage_ == Stage::connecting ? DatabaseFault::login : DatabaseFault::statement;
    }

    const DatabaseTarget target_;
    MYSQL* connection_ = nullptr;
    MYSQL* connected_ = nullptr;
    MYSQL_RES* set_ = nullptr;
    MYSQL_ROW row_ = nullptr;
    int error_ = 0;
    bool waiting_ = false;  // Within an operation of the library.
    Stage stage_ = Stage::connecting;
    std::string statement_;
    DatabaseResult result_;
};

}  // namespace
}  // namespace picket::checks

const char* const picket_part_version = picket::version.data();

picket::checks::DatabaseConnection* picket_open_database(
    const picket::checks::DatabaseTarget& target) {
    return new picket::checks::MysqlConnection(target);
}
