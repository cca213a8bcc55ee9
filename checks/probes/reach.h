// What the probes share that connect to a host: its addresses, and what it means
// where one cannot be reached.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/address.h"
#include "agent/io/resolver.h"
#include "checks/definition.h"
#include "checks/outcome.h"

namespace picket::checks {

// Finds the addresses of hosts as a definition says: its family, its resolver and
// the family of its source. An address is its own and needs no lookup.
class AddressSearch {
public:
    using OnFound = std::function<void(Result<std::vector<IpAddress>>)>;

    // Both must outlive the search.
    AddressSearch(const Definition& definition, io::Resolvers& resolvers);

    // The address that `host` is written as, if it is.
    static std::optional<IpAddress> literal(std::string_view host);

    // Calls `on_found` once, later, by `deadline`, with at least one address in the
    // order in which to try them. Ends the search before this one.
    void start(std::string_view host, Instant deadline, OnFound on_found);
    void cancel() { lookup_.reset(); }

    const std::optional<IpAddress>& source() const { return source_; }

private:
    const Definition& definition_;
    io::Resolvers& resolvers_;
    std::optional<IpAddress> source_;
    std::unique_ptr<io::Lookup> lookup_;
};

// The outcome of a name that was not resolved.
Outcome lookup_failed(const Error& error, Duration took);

// The outcome of a socket's error, an errno: of the peer or the network, or our own.
Outcome socket_failed(int error_number, Duration took, const std::string& message);

// When to go on to the next of the addresses, `left` with this one: each gets an
// equal share of the time left to be connected to, the last one all of it.
Instant connect_by(Instant now, Instant deadline, std::size_t left);

}  // namespace picket::checks
