// Conversation: connects to a host and talks, in TLS or not.
//
// The addresses of the host are tried in order until one accepts. Then TLS begins,
// if it is spoken from the beginning; then comes the dialogue, in which it may
// begin later. It is over when the dialogue is, or cannot go on.
//
//     refused, reset before a byte   failed, class refused
//     no connection in time          failed, class timeout
//     not a byte in time             failed, class timeout
//     bytes, but no match            failed, class content: at the deadline, when
//                                    the peer closes, or at the byte limit
//     handshake, certificate         failed, class tls, certificate
//     no descriptor, unusable file   errored

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/tls_options.h"
#include "agent/io/deadline.h"
#include "agent/io/tls_stream.h"
#include "checks/dialogue.h"
#include "checks/outcome.h"
#include "checks/probes/kinds.h"
#include "checks/probes/reach.h"
#include "checks/types/addresses.h"

namespace picket::checks {

struct ConversationPlan {
    HostPort target;
    std::optional<IpAddress> pin;  // Asked in place of the host's addresses.
    Addresses addresses = Addresses::any;
    TlsOptions tls;
    bool tls_from_start = false;
    std::vector<std::string> alpn;
    std::vector<ScriptStep> script;
};

// What came of it. Without a failure, the dialogue came to its end.
struct Heard {
    std::optional<Outcome> failure;
    std::string peer;  // Who was asked last; empty: nobody.
    std::vector<Phase> phases;
    std::string answer;  // What the last expression was found in, or what came in its place.
    bool connected = false;
    bool secured = false;
    io::TlsFacts tls;
    // Of the handshake; also where it failed. The server's own first.
    std::vector<io::Certificate> chain;
};

class Conversation {
public:
    using Done = std::function<void(Heard)>;

    // Both must outlive the conversation.
    Conversation(const Definition& definition, const ConversationPlan& plan,
                 ProbeServices services);
    ~Conversation();
    Conversation(const Conversation&) = delete;
    Conversation& operator=(const Conversation&) = delete;

    // Calls `done` once, later, by the deadline; it may destroy this or start the
    // next. Requires that none is under way.
    void start(Instant now, Instant deadline, Done done);
    void cancel();

private:
    struct Run;

    void connect_to(const std::vector<IpAddress>& ips);
    void connect_next();
    void on_connected();
    void on_secured();
    void on_bytes(std::string_view bytes);
    void on_end(io::StreamEnd end);
    void on_error(const io::StreamError& error);
    void on_refused(io::TlsFault fault, const std::string& message);
    void on_time();

    void secure();
    void talk();
    void no_match(const std::string& what_happened);
    bool another_address() const;
    std::string peer() const;
    std::string tried() const;
    Duration since_start() const;
    void end_phase(std::string_view name);
    void fail(FailureClass failure_class, std::string_view message);
    void finish(std::optional<Outcome> failure);

    const ConversationPlan& plan_;
    ProbeServices services_;
    AddressSearch search_;
    io::Deadline timer_;
    std::unique_ptr<Run> run_;
};

}  // namespace picket::checks
