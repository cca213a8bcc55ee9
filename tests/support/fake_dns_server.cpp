#include "tests/support/fake_dns_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/base/assert.h"
#include "agent/io/sockaddr.h"

namespace picket::testing {
namespace {

constexpr std::size_t header_bytes = 12;

SocketAddress bound_address(int fd) {
    io::KernelAddress address;
    address.length = sizeof(address.storage);
    PICKET_ASSERT(getsockname(fd, address.get(), &address.length) == 0);
    return *io::from_kernel(address.get(), address.length);
}

bool bind_to(int fd, const SocketAddress& address) {
    const io::KernelAddress target = io::to_kernel(address);
    return bind(fd, target.get(), target.length) == 0;
}

SocketAddress loopback(std::uint16_t port) {
    return {*parse_ip("127.0.0.1"), port};
}

void append_u16(Bytes& bytes, std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8));
    bytes.push_back(static_cast<std::uint8_t>(value));
}

// Where the question section of a query with one question ends.
std::size_t question_end(std::span<const std::uint8_t> query) {
    std::size_t at = header_bytes;
    while (query[at] != 0) at += query[at] + 1u;
    return at + 5;
}

}  // namespace

Bytes dns_name(std::string_view name) {
    Bytes bytes;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        bytes.push_back(static_cast<std::uint8_t>(label.size()));
        bytes.insert(bytes.end(), label.begin(), label.end());
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    bytes.push_back(0);
    return bytes;
}

Bytes dns_answer(std::span<const std::uint8_t> question, const FakeAnswer& answer) {
    Bytes bytes(question.begin(), question.begin() + 2);
    if (answer.other_id) bytes[0] ^= 0xff;
    bytes.push_back(
        static_cast<std::uint8_t>(0x80 | (question[2] & 1) | (answer.truncated ? 2 : 0)));
    bytes.push_back(static_cast<std::uint8_t>(0x80 | answer.rcode));
    append_u16(bytes, 1);
    append_u16(bytes, answer.records.size());
    append_u16(bytes, 0);
    append_u16(bytes, 0);
    const auto asked = question.subspan(header_bytes, question_end(question) - header_bytes);
    bytes.insert(bytes.end(), asked.begin(), asked.end());
    for (const FakeRecord& record : answer.records) {
        append_u16(bytes, 0xc000 | header_bytes);  // The name that was asked.
        append_u16(bytes, record.type);
        append_u16(bytes, 1);
        append_u16(bytes, record.ttl >> 16);
        append_u16(bytes, record.ttl & 0xffff);
        append_u16(bytes, record.content.size());
        bytes.insert(bytes.end(), record.content.begin(), record.content.end());
    }
    return bytes;
}

FakeDnsServer::FakeDnsServer(io::Loop& loop, Script script)
    : loop_(loop), script_(std::move(script)) {
    // The kernel picks a UDP port that may be taken for TCP: then another.
    while (true) {
        datagrams_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        PICKET_ASSERT(bind_to(datagrams_, loopback(0)));
        address_ = bound_address(datagrams_);
        if (bind_to(listener_, address_)) break;
        close(datagrams_);
        close(listener_);
    }
    PICKET_ASSERT(listen(listener_, 16) == 0);
    datagram_poll_ = std::make_unique<io::Poll>(loop, datagrams_, [this](int) { on_datagram(); });
    datagram_poll_->watch(UV_READABLE);
    listener_poll_ = std::make_unique<io::Poll>(loop, listener_, [this](int) { on_connection(); });
    listener_poll_->watch(UV_READABLE);
}

FakeDnsServer::~FakeDnsServer() {
    datagram_poll_.reset();
    listener_poll_.reset();
    close(datagrams_);
    close(listener_);
    for (auto& [fd, stream] : streams_) {
        stream.poll.reset();
        close(fd);
    }
}

std::vector<Bytes> FakeDnsServer::answers_to(std::span<const std::uint8_t> question, bool tcp,
                                             const SocketAddress& from) {
    FakeQuestion asked;
    asked.bytes.assign(question.begin(), question.end());
    asked.tcp = tcp;
    asked.from = from;
    asked.recursion = (question[2] & 1) != 0;
    const std::size_t end = question_end(question);
    for (std::size_t at = header_bytes; question[at] != 0; at += question[at] + 1u) {
        if (!asked.name.empty()) asked.name += '.';
        asked.name.append(question.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                          question.begin() + static_cast<std::ptrdiff_t>(at) + 1 + question[at]);
    }
    asked.type = static_cast<std::uint16_t>(question[end - 4] << 8 | question[end - 3]);
    asked_.push_back(asked);
    return script_(asked);
}

void FakeDnsServer::on_datagram() {
    std::array<std::uint8_t, 2048> buffer{};
    io::KernelAddress from;
    from.length = sizeof(from.storage);
    const auto size =
        recvfrom(datagrams_, buffer.data(), buffer.size(), 0, from.get(), &from.length);
    if (size < static_cast<ssize_t>(header_bytes)) return;
    const std::span question(buffer.data(), static_cast<std::size_t>(size));
    for (const Bytes& answer :
         answers_to(question, false, *io::from_kernel(from.get(), from.length))) {
        sendto(datagrams_, answer.data(), answer.size(), 0, from.get(), from.length);
    }
}

void FakeDnsServer::on_connection() {
    io::KernelAddress from;
    from.length = sizeof(from.storage);
    const int fd = accept4(listener_, from.get(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    Stream& stream = streams_[fd];
    stream.fd = fd;
    stream.from = *io::from_kernel(from.get(), from.length);
    stream.poll =
        std::make_unique<io::Poll>(loop_, fd, [this, &stream](int) { on_stream(stream); });
    stream.poll->watch(UV_READABLE);
}

void FakeDnsServer::on_stream(Stream& stream) {
    std::array<std::uint8_t, 2048> buffer{};
    const auto size = recv(stream.fd, buffer.data(), buffer.size(), 0);
    if (size <= 0) {
        const int fd = stream.fd;
        stream.poll.reset();
        streams_.erase(fd);
        close(fd);
        return;
    }
    stream.received.insert(stream.received.end(), buffer.begin(), buffer.begin() + size);
    while (stream.received.size() >= 2) {
        const auto length = static_cast<std::size_t>(stream.received[0] << 8 | stream.received[1]);
        if (stream.received.size() < 2 + length) return;
        const Bytes question(stream.received.begin() + 2,
                             stream.received.begin() + 2 + static_cast<std::ptrdiff_t>(length));
        stream.received.erase(stream.received.begin(),
                              stream.received.begin() + 2 + static_cast<std::ptrdiff_t>(length));
        for (const Bytes& answer : answers_to(question, true, stream.from)) {
            Bytes framed;
            append_u16(framed, answer.size());
            framed.insert(framed.end(), answer.begin(), answer.end());
            send(stream.fd, framed.data(), framed.size(), MSG_NOSIGNAL);
        }
    }
}

FakeDnsServer::Script always(FakeAnswer answer) {
    return [answer = std::move(answer)](const FakeQuestion& question) {
        return std::vector<Bytes>{dns_answer(question.bytes, answer)};
    };
}

FakeDnsServer::Script silence() {
    return [](const FakeQuestion&) { return std::vector<Bytes>{}; };
}

}  // namespace picket::testing
