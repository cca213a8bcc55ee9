// What a DNS answer is worth, held against a definition. Pure.

#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "agent/io/resolver.h"
#include "checks/definition.h"
#include "checks/expectation.h"

namespace picket::checks {

// Whether `record` is what a person wrote as `expected`: names without regard to
// case and a last dot, addresses by value, a TXT record also without its quotes.
bool same_answer(const io::DnsRecord& record, std::string_view expected);

// In the order of the list in checks/probes/dns.h, without the latency. Stops at
// a wrong rcode and at truncation, after which the records mean nothing.
std::vector<Judgement> judge_dns_answer(const DnsQuery& query, const std::optional<Pattern>& match,
                                        const io::DnsAnswer& answer);

}  // namespace picket::checks
