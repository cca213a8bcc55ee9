// DNS and ICMP checks against real name servers and the real kernel.

#include <doctest/doctest.h>

#include <string>

#include "tests/support/ask_check.h"
#include "tests/support/servers.h"
#include "tests/support/test_agent.h"
#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

std::string dns(const std::string& check, const std::string& name, int port,
                const std::string& more = "") {
    return "[dns." + check + "]\nname = \"" + name +
           "\"\nserver = \"127.0.0.1:" + std::to_string(port) +
           "\"\ninterval = \"2s\"\ntimeout = \"1900ms\"\n" + more;
}

std::string message(const Json& last) {
    return last["message"].get<std::string>();
}

TEST_CASE("an authoritative server's answers are held against what was expected") {
    std::string zone =
        "$ORIGIN example.test.\n$TTL 60\n@ IN SOA ns.example.test. admin.example.test. 7 60 60 60 "
        "60\n@ IN NS ns.example.test.\nns IN A 127.0.0.1\nwww IN A 192.0.2.80\nwww IN A "
        "192.0.2.81\n"
        "@ IN MX 10 mail.example.test.\n";
    // More than fits into a datagram without EDNS.
    for (int i = 0; i < 20; ++i) {
        zone += "big IN TXT \"" + std::to_string(i) + std::string(100, 'x') + "\"\n";
    }
    Nsd server("example.test", zone);
    const int port = server.port();
    TestAgent agent;
    agent.define(
        "dns.toml",
        dns("right", "www.example.test", port, "answers = [\"192.0.2.80\"]\n") +
            dns("mail", "example.test", port,
                "type = \"MX\"\nanswers = [\"10 mail.example.test\"]\n") +
            dns("wrong", "www.example.test", port, "answers = [\"192.0.2.99\"]\n") +
            dns("all", "www.example.test", port, "answers_match = \"^192\\\\.0\\\\.2\\\\.80$\"\n") +
            dns("nothing", "none.example.test", port) +
            dns("absent", "none.example.test", port, "rcode = \"NXDOMAIN\"\n") +
            dns("empty", "ns.example.test", port, "type = \"AAAA\"\n") +
            dns("cut", "big.example.test", port, "type = \"TXT\"\n") +
            dns("whole", "big.example.test", port, "type = \"TXT\"\ntransport = \"tcp\"\n") +
            dns("stranger", "www.other.test", port));
    agent.start();
    for (const char* name : {"right", "mail", "absent", "whole"})
        agent.await_finding(name, "passed");
    Json last = agent.await_finding("wrong", "failed", "content");
    CHECK(message(last).find("192.0.2.99") != std::string::npos);
    agent.await_finding("all", "failed", "content");
    last = agent.await_finding("nothing", "failed", "status");
    CHECK(message(last).find("NXDOMAIN") != std::string::npos);
    agent.await_finding("empty", "failed", "content");
    last = agent.await_finding("cut", "failed", "protocol");
    CHECK(message(last).find("truncated") != std::string::npos);
    agent.await_finding("stranger", "failed", "status");
}

std::string zone_of(int serial) {
    return "$ORIGIN example.test.\n$TTL 60\n@ IN SOA ns.example.test. admin.example.test. " +
           std::to_string(serial) +
           " 60 60 60 60\n@ IN NS ns.example.test.\nns IN A 127.0.0.1\nwww IN A 192.0.2.80\n";
}

TEST_CASE("several servers are each asked, and their serials compared") {
    const Nsd first("example.test", zone_of(7));
    const Nsd second("example.test", zone_of(7));
    const Nsd behind("example.test", zone_of(6));
    const auto address = [](const Nsd& server) {
        return "127.0.0.1:" + std::to_string(server.port());
    };
    const auto check = [&](const Nsd& a, const Nsd& b, const std::string& more) {
        return said(ask_check("[dns.zone]\nname = \"example.test\"\nservers = [\"" + address(a) +
                              "\", \"" + address(b) + "\"]\n" + more));
    };
    const std::string serials = "type = \"SOA\"\nauthoritative = true\nserial_equal = true\n";
    CHECK(check(first, second, serials)
              .starts_with("passed: NOERROR for example.test SOA from 2 servers: ns.example.test"));
    CHECK(check(first, behind, serials).starts_with("content: serials of example.test differ: "));
    // One that nobody answers on fails the check, whichever it is.
    const std::string gone = to_text(refusing_address());
    CHECK(said(ask_check("[dns.zone]\nname = \"example.test\"\ntype = \"SOA\"\nservers = [\"" +
                         address(first) + "\", \"" + gone + "\"]\n"))
              .starts_with("refused: "));
}

TEST_CASE("round trips are held against limits, and what may not be divided is not") {
    const auto check = [](const std::string& more) {
        return said(
            ask_check("[icmp.here]\naddress = \"127.0.0.1\"\npacket_interval = \"1ms\"\n" + more));
    };
    CHECK(check("rtt_min_above = \"1m\"\nrtt_avg_above = \"1m\"\nrtt_max_above = \"1m\"\n"
                "jitter_above = \"1m\"\nttl = 1\ndont_fragment = true\nsize = 1400\n")
              .starts_with("passed: ping 127.0.0.1: 3 of 3 answered"));
    CHECK(run({"ip", "link", "set", "lo", "mtu", "1500"}).exit_code == 0);
    CHECK(check("dont_fragment = true\nsize = 2000\n") ==
          "content: ping 127.0.0.1: 2000 bytes are too many to go there undivided");
    CHECK(check("size = 2000\n").starts_with("passed: "));
}

TEST_CASE("a name server that stops is refused, one that drops is a timeout") {
    Dnsmasq server({"--address=/www.test/192.0.2.80"});
    const int silent = free_port();
    REQUIRE(run({"nft",
                 "add table inet t; add chain inet t in { type filter hook input priority 0; "
                 "}; add rule inet t in udp dport " +
                     std::to_string(silent) + " drop"})
                .exit_code == 0);
    TestAgent agent;
    agent.define("dns.toml",
                 dns("names", "www.test", server.port()) + dns("silent", "www.test", silent));
    agent.start();
    agent.await_state("names", "up");
    server.stop();
    agent.await_state("names", "down");
    agent.await_finding("names", "failed", "refused");
    CHECK(agent.await_finding("silent", "failed")["class"] == "timeout");
    CHECK(run({"nft", "delete table inet t"}).exit_code == 0);
}

TEST_CASE("an echo request is answered, lost or rejected") {
    REQUIRE(run({"nft",
                 "add table inet t; add chain inet t in { type filter hook input priority 0; "
                 "}; add rule inet t in ip daddr 127.0.0.9 drop"})
                .exit_code == 0);
    TestAgent agent;
    const std::string quick = "interval = \"2s\"\ntimeout = \"1900ms\"\n";
    // How many go out and come back in time is the machine's affair.
    const auto await_message = [&](const std::string& name, const std::string& part) {
        Json last;
        await(
            [&] {
                last = agent.check(name)["last"];
                return !last.is_null() && message(last).find(part) != std::string::npos;
            },
            [&] { return last.dump(); });
        return last;
    };
    agent.define("icmp.toml", "[icmp.here]\naddress = \"127.0.0.1\"\n" + quick +
                                  "[icmp.six]\naddress = \"::1\"\n" + quick +
                                  "[icmp.hole]\naddress = \"127.0.0.9\"\n" + quick +
                                  "[icmp.away]\naddress = \"192.0.2.1\"\n" + quick);
    agent.start();
    CHECK(await_message("here", "3 of 3")["finding"] == "passed");
    agent.await_finding("six", "passed");
    CHECK(await_message("hole", "0 of 3")["class"] == "timeout");
    agent.await_finding("away", "failed", "unreachable");
    CHECK(run({"nft", "delete table inet t"}).exit_code == 0);
}

}  // namespace
}  // namespace picket::testing
