// What a DNS answer is worth, held against a definition. Pure.

#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "agent/io/resolver.h"
#include "checks/expectation.h"
#include "checks/types/dns.h"

namespace picket::checks {

// The compiled expressions of a query; absent where it has none.
struct DnsPatterns {
    explicit DnsPatterns(const DnsQuery& query);

    std::optional<Pattern> every;
    std::optional<Pattern> any;
    std::optional<Pattern> none;
};

// Whether `record` is what a person wrote as `expected`: names without regard to
// case and a last dot, addresses by value, a TXT record also without its quotes.
bool same_answer(const io::DnsRecord& record, std::string_view expected);

// In the order of the list in checks/probes/dns.h, without the latency. Stops at
// a wrong rcode and at truncation, after which the records mean nothing.
std::vector<Judgement> judge_dns_answer(const DnsQuery& query, const DnsPatterns& patterns,
                                        const io::DnsAnswer& answer);

// Whether the SOA records of all servers have one serial.
Judgement judge_serials(const DnsQuery& query, std::span<const io::DnsAnswer> answers);

}  // namespace picket::checks
