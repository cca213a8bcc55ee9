// FakeDnsServer: a DNS server that answers what a test tells it to.
//
// On 127.0.0.1 and one ephemeral port, UDP and TCP, on the test's own loop.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/address.h"
#include "agent/io/loop.h"
#include "agent/io/poll.h"

namespace picket::testing {

using Bytes = std::vector<std::uint8_t>;

// A name as it goes over the wire, uncompressed. Without the last dot.
Bytes dns_name(std::string_view name);

struct FakeRecord {
    std::uint16_t type = 1;
    Bytes content;
    std::uint32_t ttl = 300;
};

struct FakeAnswer {
    unsigned rcode = 0;
    std::vector<FakeRecord> records{};
    bool truncated = false;
    bool other_id = false;
};

// The message that answers `question`, the bytes of a query.
Bytes dns_answer(std::span<const std::uint8_t> question, const FakeAnswer& answer);

struct FakeQuestion {
    std::string name;
    std::uint16_t type = 0;
    bool tcp = false;
    bool recursion = false;
    Bytes bytes;
    SocketAddress from;
};

class FakeDnsServer {
public:
    // What to send back; nothing for silence.
    using Script = std::function<std::vector<Bytes>(const FakeQuestion&)>;

    FakeDnsServer(io::Loop& loop, Script script);
    ~FakeDnsServer();
    FakeDnsServer(const FakeDnsServer&) = delete;
    FakeDnsServer& operator=(const FakeDnsServer&) = delete;

    const SocketAddress& address() const { return address_; }
    std::string text() const { return to_text(address_); }
    const std::vector<FakeQuestion>& asked() const { return asked_; }

private:
    struct Stream {
        int fd;
        SocketAddress from;
        Bytes received;
        std::unique_ptr<io::Poll> poll;
    };

    void on_datagram();
    void on_connection();
    void on_stream(Stream& stream);
    std::vector<Bytes> answers_to(std::span<const std::uint8_t> question, bool tcp,
                                  const SocketAddress& from);

    io::Loop& loop_;
    Script script_;
    SocketAddress address_;
    int datagrams_ = -1;
    int listener_ = -1;
    std::unique_ptr<io::Poll> datagram_poll_;
    std::unique_ptr<io::Poll> listener_poll_;
    std::map<int, Stream> streams_;
    std::vector<FakeQuestion> asked_;
};

// A server that gives every question the same answer.
FakeDnsServer::Script always(FakeAnswer answer);
FakeDnsServer::Script silence();

}  // namespace picket::testing
