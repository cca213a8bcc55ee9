#include "agent/cli/client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

#include "agent/base/errno_text.h"
#include "agent/base/text.h"

namespace picket::cli {
namespace {

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

struct Header {
    unsigned status = 0;
    bool chunked = false;
    std::optional<std::size_t> length;  // Absent: until the end of the connection.
};

// One connection, and what came over it that nobody has taken yet.
class Connection {
public:
    // Given the body piece by piece; false ends the reading.
    using OnPiece = std::function<bool(std::string_view)>;

    explicit Connection(std::string path) : path_(std::move(path)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() {
        if (fd_ >= 0) close(fd_);
    }

    Status open(Duration timeout);
    Status send(std::string_view text);
    Result<Header> header();
    Status body(const Header& header, const OnPiece& on_piece);

private:
    Error unreachable(int error) const;
    Result<std::string> line();
    Status pass_on(std::size_t length, const OnPiece& on_piece, bool& more);
    Status chunks(const OnPiece& on_piece);
    // Returns false at the end of the connection.
    Result<bool> receive();

    std::string path_;
    Duration timeout_{0};
    int fd_ = -1;
    std::string received_;
};

Error Connection::unreachable(int error) const {
    if (error == ENOENT || error == ECONNREFUSED) {
        return Error(Code::not_found,
                     fmt::format("no agent answers on {}: is picketd running?", path_));
    }
    if (error == EACCES) {
        return Error(Code::not_found,
                     fmt::format("permission denied on {}: are you in group picket?", path_));
    }
    if (error == EAGAIN) {
        return Error(Code::timed_out, fmt::format("the agent on {} is too busy to answer", path_));
    }
    return Error(Code::io, fmt::format("connect {}: {}", path_, errno_text(error)));
}

Status Connection::open(Duration timeout) {
    timeout_ = timeout;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) {
        return failure(Code::invalid, fmt::format("{}: a socket path has at most {} bytes", path_,
                                                  sizeof address.sun_path - 1));
    }
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return failure(Code::io, fmt::format("socket: {}", errno_text(errno)));
    timeval limit{};
    limit.tv_sec = timeout / std::chrono::seconds(1);
    limit.tv_usec = (timeout % std::chrono::seconds(1)).count();
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return tl::make_unexpected(unreachable(errno));
    }
    return {};
}

Status Connection::send(std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0)
            return failure(Code::io, fmt::format("send to {}: {}", path_, errno_text(errno)));
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

Result<bool> Connection::receive() {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): recv fills it.
    std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
        if (got >= 0) {
            received_.append(buffer.data(), static_cast<std::size_t>(got));
            return got > 0;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) {
            return failure(Code::timed_out, fmt::format("the agent on {} did not answer within {}",
                                                        path_, format_duration(timeout_)));
        }
        return failure(Code::io, fmt::format("read from {}: {}", path_, errno_text(errno)));
    }
}

Result<std::string> Connection::line() {
    for (;;) {
        const std::size_t end = received_.find("\r\n");
        if (end != std::string::npos) {
            std::string line = received_.substr(0, end);
            received_.erase(0, end + 2);
            return line;
        }
        const bool more = received_.size() < answer_header_bytes_max && PICKET_TRY(receive());
        if (!more) {
            return failure(Code::corrupt, fmt::format("what answers on {} is no agent", path_));
        }
    }
}

Result<Header> Connection::header() {
    const std::string first = PICKET_TRY(line());
    Header header;
    const bool http = first.starts_with("HTTP/1.1 ") && first.size() >= 12;
    if (http) std::from_chars(first.data() + 9, first.data() + 12, header.status);
    if (header.status < 200) {
        return failure(Code::corrupt, fmt::format("what answers on {} is no agent", path_));
    }
    std::size_t bytes = 0;
    for (;;) {
        const std::string field = PICKET_TRY(line());
        if (field.empty()) return header;
        bytes += field.size();
        if (bytes > answer_header_bytes_max) {
            return failure(Code::corrupt, fmt::format("{}: the header never ends", path_));
        }
        const std::size_t colon = std::min(field.find(':'), field.size());
        const std::string_view name = std::string_view(field).substr(0, colon);
        const std::string_view value =
            trim(std::string_view(field).substr(std::min(colon + 1, field.size())));
        if (same_word(name, "transfer-encoding")) header.chunked = same_word(value, "chunked");
        if (same_word(name, "content-length")) {
            std::size_t length = answer_bytes_max + 1;
            std::from_chars(value.data(), value.data() + value.size(), length);
            header.length = length;
        }
    }
}

// Hands over the next `length` bytes; `more` becomes false where the taker has enough.
Status Connection::pass_on(std::size_t length, const OnPiece& on_piece, bool& more) {
    while (length > 0 && more) {
        if (received_.empty() && !PICKET_TRY(receive())) {
            return failure(Code::corrupt, fmt::format("the agent on {} stopped half-way", path_));
        }
        const std::size_t taken = std::min(length, received_.size());
        more = on_piece(std::string_view(received_).substr(0, taken));
        received_.erase(0, taken);
        length -= taken;
    }
    return {};
}

Status Connection::chunks(const OnPiece& on_piece) {
    bool more = true;
    while (more) {
        const std::string text = PICKET_TRY(line());
        std::size_t length = 0;
        const auto [end, error] =
            std::from_chars(text.data(), text.data() + text.size(), length, 16);
        if (error != std::errc{} || end == text.data()) {
            return failure(Code::corrupt, fmt::format("{}: not a chunk of an answer", path_));
        }
        if (length == 0) return {};
        PICKET_TRY(pass_on(length, on_piece, more));
        if (more) PICKET_TRY(line());
    }
    return {};
}

Status Connection::body(const Header& header, const OnPiece& on_piece) {
    if (header.chunked) return chunks(on_piece);
    bool more = true;
    if (header.length.has_value()) return pass_on(*header.length, on_piece, more);
    while (more) {
        if (received_.empty() && !PICKET_TRY(receive())) return {};
        more = on_piece(std::exchange(received_, {}));
    }
    return {};
}

Result<Header> ask(Connection& connection, std::string_view head, Duration timeout) {
    PICKET_TRY(connection.open(timeout));
    PICKET_TRY(connection.send(head));
    return connection.header();
}

Status read_whole(Connection& connection, const Header& header, std::string& body,
                  const std::string& path) {
    bool fits = header.length.value_or(0) <= answer_bytes_max;
    if (fits) {
        body.reserve(header.length.value_or(0));
        PICKET_TRY(connection.body(header, [&](std::string_view piece) {
            body += piece;
            fits = body.size() <= answer_bytes_max;
            return fits;
        }));
    }
    if (fits) return {};
    return failure(Code::corrupt,
                   fmt::format("{}: the answer is longer than {} bytes", path, answer_bytes_max));
}

// Hands over the data of each whole line and keeps the rest. False where the taker
// has enough.
bool take_lines(std::string& rest, const std::function<bool(std::string_view)>& on_data) {
    constexpr std::string_view field = "data: ";
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
        const std::string line = rest.substr(0, end);
        rest.erase(0, end + 1);
        if (line.starts_with(field) && !on_data(std::string_view(line).substr(field.size()))) {
            return false;
        }
    }
    return true;
}

}  // namespace

Result<Reply> Client::request(std::string_view method, std::string_view target) const {
    Connection connection(socket_path_);
    const std::string head =
        fmt::format("{} {} HTTP/1.1\r\nHost: picket\r\nConnection: close\r\n{}\r\n", method, target,
                    method == "POST" ? "Content-Length: 0\r\n" : "");
    const Header header = PICKET_TRY(ask(connection, head, timeout_));
    Reply reply{.status = header.status, .body = {}};
    PICKET_TRY(read_whole(connection, header, reply.body, socket_path_));
    return reply;
}

Result<Reply> Client::stream(std::string_view target,
                             const std::function<bool(std::string_view)>& on_data) const {
    Connection connection(socket_path_);
    const std::string head =
        fmt::format("GET {} HTTP/1.1\r\nHost: picket\r\nAccept: text/event-stream\r\n\r\n", target);
    const Header header = PICKET_TRY(ask(connection, head, timeout_));
    Reply reply{.status = header.status, .body = {}};
    if (header.status != 200) {
        PICKET_TRY(read_whole(connection, header, reply.body, socket_path_));
        return reply;
    }
    std::string rest;
    PICKET_TRY(connection.body(header, [&](std::string_view piece) {
        rest += piece;
        return take_lines(rest, on_data) && rest.size() <= answer_header_bytes_max;
    }));
    return reply;
}

}  // namespace picket::cli
