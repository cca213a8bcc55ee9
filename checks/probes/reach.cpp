#include "checks/probes/reach.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "agent/io/socket_fault.h"

namespace picket::checks {
namespace {

io::LookupFamily lookup_family(Family family, const std::optional<IpAddress>& source) {
    // Nothing can be reached from a source of the other family.
    if (family == Family::any && source.has_value()) {
        family = source->family == IpAddress::Family::v4 ? Family::v4 : Family::v6;
    }
    switch (family) {
        case Family::any:
            return io::LookupFamily::any;
        case Family::v4:
            return io::LookupFamily::v4;
        case Family::v6:
            return io::LookupFamily::v6;
    }
    return io::LookupFamily::any;
}

}  // namespace

AddressSearch::AddressSearch(const Definition& definition, io::Resolvers& resolvers)
    : definition_(definition), resolvers_(resolvers) {
    if (definition.source.empty()) return;
    const Result<IpAddress> source = parse_ip(definition.source);
    PICKET_ASSERT(source.has_value());  // The parser takes addresses only.
    source_ = *source;
}

std::optional<IpAddress> AddressSearch::literal(std::string_view host) {
    const Result<IpAddress> ip = parse_ip(host);
    return ip.has_value() ? std::optional(*ip) : std::nullopt;
}

void AddressSearch::start(std::string_view host, Instant deadline, OnFound on_found) {
    lookup_ = resolvers_.resolve(host, lookup_family(definition_.family, source_),
                                 definition_.resolver, deadline, std::move(on_found));
}

Outcome lookup_failed(const Error& error, Duration took) {
    // Where the name servers fail is no reason to hold one's tongue: a name that
    // nobody can resolve is down. Only what never left this agent is our own.
    const bool ours = error.code() == Code::exhausted || error.code() == Code::invalid;
    return ours ? errored(error.message()) : failed(FailureClass::dns, took, error.message());
}

Outcome socket_failed(int error_number, Duration took, const std::string& message) {
    switch (io::socket_fault(error_number)) {
        case io::SocketFault::refused:
        case io::SocketFault::reset:
            return failed(FailureClass::refused, took, message);
        case io::SocketFault::timed_out:
            return failed(FailureClass::timeout, took, message);
        case io::SocketFault::unreachable:
            return failed(FailureClass::unreachable, took, message);
        case io::SocketFault::local:
            break;
    }
    return errored(message);
}

Instant connect_by(Instant now, Instant deadline, std::size_t left) {
    PICKET_ASSERT(left > 0);
    if (left == 1) return deadline;
    return now + std::max(deadline - now, Duration{0}) / static_cast<Duration::rep>(left);
}

}  // namespace picket::checks
