// DNS messages: what a server's bytes say (RFC 1035, RFC 3597).
//
// A pure function over untrusted bytes. A compressed name may only point
// backwards, so that no loop of pointers can be followed; a message that breaks
// any rule changes nothing and is an Error.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "agent/io/resolver.h"

namespace picket::io {

// Reads an answer; its `server` is left for the caller. Returns corrupt for bytes
// that are not a DNS answer. Of a message marked truncated, the records up to the
// first that is not whole are returned.
//
// Records of the types A AAAA NS CNAME SOA PTR MX TXT SRV CAA are in their usual
// presentation form, names without the last dot; others in that of RFC 3597:
// "\# 4 c0000201".
Result<DnsAnswer> parse_dns_answer(std::span<const std::uint8_t> message);

// "A" is 1, "TYPE65" is 65; case does not matter. Nothing for an unknown name.
std::optional<std::uint16_t> dns_type_from(std::string_view name);
std::string dns_type_name(std::uint16_t type);

// "NOERROR", "NXDOMAIN" ...; "RCODE11" where there is no name.
std::string dns_rcode_name(unsigned rcode);

// The text of a TXT record without quotes and escapes, its strings joined:
// "\"v=spf1\" \" -all\"" is "v=spf1 -all". `presentation` is a DnsRecord's text.
std::string dns_plain_text(std::string_view presentation);

}  // namespace picket::io
