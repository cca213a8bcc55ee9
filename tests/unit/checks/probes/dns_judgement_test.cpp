#include "checks/probes/dns_judgement.h"

#include <doctest/doctest.h>

#include <vector>

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

DnsQuery about(const std::string& type = "A") {
    DnsQuery query;
    query.name = {"www.test", "www.test"};
    query.record_type = type;
    return query;
}

io::DnsAnswer answer(std::vector<io::DnsRecord> records, std::uint8_t last_byte = 53) {
    io::DnsAnswer result;
    result.rcode = "NOERROR";
    result.answers = std::move(records);
    result.server = {IpAddress{IpAddress::Family::v4, {192, 0, 2, last_byte}}, 53};
    return result;
}

io::DnsAnswer two_addresses() {
    return answer({{"A", "192.0.2.1", 60}, {"A", "192.0.2.2", 300}});
}

// The message of the first expectation that is not met; empty where all are.
std::string judged(const DnsQuery& query, const io::DnsAnswer& given) {
    for (const Judgement& judgement : judge_dns_answer(query, DnsPatterns(query), given)) {
        if (!judgement.met()) return judgement.message;
    }
    return "";
}

TEST_CASE("any of several rcodes passes") {
    DnsQuery query = about();
    query.rcode = {"NXDOMAIN", "REFUSED"};
    io::DnsAnswer refused = answer({});
    refused.rcode = "REFUSED";
    CHECK(judged(query, refused).empty());
    CHECK(judged(query, two_addresses()) ==
          "NOERROR for www.test A from 192.0.2.53:53, expected NXDOMAIN or REFUSED");
}

TEST_CASE("an exact set knows no further answer and misses none") {
    DnsQuery query = about();
    query.answers_exact = {"192.0.2.1", "192.0.2.2"};
    CHECK(judged(query, two_addresses()).empty());
    query.answers_exact = {"192.0.2.1"};
    CHECK(judged(query, two_addresses()) ==
          "www.test A from 192.0.2.53:53: 192.0.2.1, 192.0.2.2, expected exactly 192.0.2.1");
    query.answers_exact = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
    CHECK(judged(query, two_addresses()) ==
          "www.test A from 192.0.2.53:53: 192.0.2.1, 192.0.2.2, expected exactly 192.0.2.1, "
          "192.0.2.2, 192.0.2.3");
}

TEST_CASE("addresses are within a range, and there are enough of them") {
    DnsQuery query = about();
    query.answers_within = {"192.0.2.0/31", "2001:db8::/32"};
    CHECK(judged(query, answer({{"A", "192.0.2.1", 1}})).empty());
    CHECK(judged(query, answer({{"AAAA", "2001:db8::7", 1}, {"A", "192.0.2.0", 1}})).empty());
    CHECK(judged(query, two_addresses()) ==
          "www.test A from 192.0.2.53:53: 192.0.2.2 is not within 192.0.2.0/31, 2001:db8::/32");
    query = about();
    query.answers_min = 3;
    CHECK(judged(query, two_addresses()) ==
          "www.test A from 192.0.2.53:53: 2 answers, expected at least 3");
    query.answers_min = 2;
    CHECK(judged(query, two_addresses()).empty());
    query.answers_min = 0;
    CHECK(judged(query, answer({})).empty());
}

TEST_CASE("answers match in every, one or no case") {
    DnsQuery query = about();
    query.answers_any_match = "\\.2$";
    CHECK(judged(query, two_addresses()).empty());
    query.answers_any_match = "\\.3$";
    CHECK(judged(query, two_addresses()) ==
          "www.test A from 192.0.2.53:53: none of 192.0.2.1, 192.0.2.2 matches \\.3$");
    query = about();
    query.answers_not_match = "^10\\.";
    CHECK(judged(query, two_addresses()).empty());
    query.answers_not_match = "\\.1$";
    CHECK(judged(query, two_addresses()) ==
          "www.test A from 192.0.2.53:53: 192.0.2.1 matches \\.1$");
}

TEST_CASE("the time that answers may be kept has bounds") {
    DnsQuery query = about();
    query.ttl_below = 60s;
    query.ttl_above = 300s;
    CHECK(judged(query, two_addresses()).empty());
    query.ttl_below = 61s;
    CHECK(judged(query, two_addresses()) ==
          "www.test A from 192.0.2.53:53: TTL 1m, expected at least 1m1s");
    query = about();
    query.ttl_above = 299s;
    CHECK(judged(query, two_addresses()) ==
          "www.test A from 192.0.2.53:53: TTL 5m, expected at most 4m59s");
}

TEST_CASE("an answer is authoritative where it must be") {
    DnsQuery query = about();
    query.authoritative = true;
    CHECK(judged(query, two_addresses()) ==
          "www.test A from 192.0.2.53:53: the answer is not authoritative");
    io::DnsAnswer authoritative = two_addresses();
    authoritative.authoritative = true;
    CHECK(judged(query, authoritative).empty());
}

TEST_CASE("the serials of all servers are compared") {
    const DnsQuery query = about("SOA");
    const io::DnsAnswer seven = answer({{"SOA", "ns.test admin.test 7 60 60 60 60", 60}}, 1);
    const io::DnsAnswer eight = answer({{"SOA", "ns.test admin.test 8 60 60 60 60", 60}}, 2);
    CHECK(judge_serials(query, std::vector{seven, seven}).met());
    CHECK(judge_serials(query, std::vector{seven, eight}).message ==
          "serials of www.test differ: 7 at 192.0.2.1:53, 8 at 192.0.2.2:53");
    CHECK(judge_serials(query, std::vector{seven, answer({}, 3)}).message ==
          "serials of www.test differ: 7 at 192.0.2.1:53, none at 192.0.2.3:53");
}

}  // namespace
}  // namespace picket::checks
