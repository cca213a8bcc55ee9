// HTTP and TCP checks against a real nginx, broken in the ways the world breaks it.

#include <doctest/doctest.h>

#include <string>

#include "tests/support/servers.h"
#include "tests/support/test_agent.h"

namespace picket::testing {
namespace {

// As much time to answer as there can be: a server that is slow is not broken.
const std::string pace = "interval = \"2s\"\ntimeout = \"1900ms\"\n";

std::string http(const std::string& name, const std::string& url, const std::string& more = "") {
    return "[http." + name + "]\nurl = \"" + url + "\"\n" + pace + more;
}

std::string message(const Json& last) {
    return last["message"].get<std::string>();
}

TEST_CASE("a web server that stops is an outage, and its return ends it") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200 'Welcome'; } }");
    TestAgent agent;
    agent.define("web.toml", http("homepage", web.url(), "body_matches = \"Welcome\"\n"));
    agent.start();
    agent.await_state("homepage", "up");

    web.stop();
    agent.await_state("homepage", "down");
    Json check = agent.check("homepage");
    CHECK(check["epoch"] == 1);
    const Json refused = agent.await_finding("homepage", "failed", "refused");
    CHECK(message(refused).find("connection refused") != std::string::npos);
    CHECK(agent.picket({"status", "--exit-code"}).exit_code == 2);
    const Json open = agent.json({"outages", "--open"});
    REQUIRE(open["outages"].size() == 1);
    CHECK(open["outages"][0]["id"] == "homepage#1");

    web.start();
    agent.await_state("homepage", "up");
    check = agent.check("homepage");
    CHECK(check["epoch"] == 2);
    const Json outage = agent.json({"outage", "homepage#1"});
    CHECK(outage["state"] == "closed");
    CHECK(outage["first_failure_at"] <= outage["opened_at"]);
    CHECK(outage["opened_at"] < outage["closed_at"]);
    CHECK(agent.json({"outages", "--open"})["outages"].empty());
}

TEST_CASE("each way in which a web server fails has its class and its words") {
    Nginx web(
        "server { listen 127.0.0.1:PORT;\n"
        "location /error { return 503; }\n"
        "location /wrong { return 200 'Goodbye'; }\n"
        "location /moved { return 302 /wrong; }\n"
        "location /loop { return 302 /loop; }\n"
        "location /closed { return 444; }\n"
        "location /drip { root DIR; limit_rate 1; }\n"
        "location /endless { root DIR; limit_rate 100k; }\n"
        "location /header { add_header X-State broken; return 200; }\n"
        "location / { return 200 'Welcome'; } }");
    web.directory().write("endless", std::string(4 * 1024 * 1024, 'x'));
    web.directory().write("drip", std::string(100'000, 'x'));
    TestAgent agent;
    const std::string welcome = "body_matches = \"Welcome\"\n";
    agent.define(
        "web.toml",
        http("good", web.url("/"), welcome) + http("error", web.url("/error")) +
            http("wrong", web.url("/wrong"), welcome) + http("moved", web.url("/moved"), welcome) +
            http("stays", web.url("/moved"), "follow_redirects = false\nstatus = [302]\n") +
            http("loop", web.url("/loop")) + http("closed", web.url("/closed")) +
            http("drip", web.url("/drip"), welcome) +
            http("endless", web.url("/endless"), welcome) +
            http("header", web.url("/header"), "header_matches = { X-State = \"^ok$\" }\n") +
            http("inverted", web.url("/error"), "expect_failure = true\n"));
    agent.start();

    CHECK(agent.await_finding("good", "passed")["class"].is_null());
    CHECK(agent.await_finding("stays", "passed")["class"].is_null());
    CHECK(agent.await_finding("inverted", "passed")["finding"] == "passed");
    Json last = agent.await_finding("error", "failed", "status");
    CHECK(message(last).find("503") != std::string::npos);
    last = agent.await_finding("wrong", "failed", "content");
    CHECK(message(last).find("Welcome") != std::string::npos);
    agent.await_finding("moved", "failed", "content");
    agent.await_finding("loop", "failed", "protocol");
    agent.await_finding("closed", "failed", "protocol");
    last = agent.await_finding("drip", "failed");
    CHECK(last["class"] == "timeout");
    CHECK(message(last).find("within 1") != std::string::npos);
    CHECK(agent.await_finding("endless", "failed")["class"] == "timeout");
    agent.await_finding("header", "failed", "content");
}

TEST_CASE("a host that drops every packet is a timeout, within the check's own time") {
    REQUIRE(run({"nft",
                 "add table inet t; add chain inet t in { type filter hook input priority 0; "
                 "}; add rule inet t in ip daddr 127.0.0.9 drop"})
                .exit_code == 0);
    TestAgent agent;
    agent.define("hole.toml", http("hole", "http://127.0.0.9:8080/") +
                                  "[tcp.hole-tcp]\naddress = \"127.0.0.9:8080\"\n" + pace);
    agent.start();
    for (const char* name : {"hole", "hole-tcp"}) {
        const Json last = agent.await_finding(name, "failed");
        CHECK(last["class"] == "timeout");
        CHECK(message(last).find("127.0.0.9:8080") != std::string::npos);
        CHECK(last["latency_ms"].get<double>() >= 1890);
    }
    CHECK(agent.json({"status"})["agent"]["counters"]["deadlines_enforced"] == 0);
    CHECK(run({"nft", "delete table inet t"}).exit_code == 0);
}

TEST_CASE("certificates: trusted, expiring, expired, untrusted, for another name") {
    TemporaryDirectory certificates;
    const std::string good = make_certificate(certificates, "good", "www.test", 90);
    const std::string soon = make_certificate(certificates, "soon", "www.test", 3);
    const std::string over = make_certificate(certificates, "over", "www.test", -1);
    const int good_port = free_port(), soon_port = free_port(), over_port = free_port();
    const auto server = [&](int port, const std::string& base) {
        return "server { listen 127.0.0.1:" + std::to_string(port) + " ssl; ssl_certificate " +
               base + ".crt; ssl_certificate_key " + base + ".key; location / { return 200; } }\n";
    };
    Nginx web("server { listen 127.0.0.1:PORT; }\n" + server(good_port, good) +
              server(soon_port, soon) + server(over_port, over));
    const auto https = [](int port) { return "https://127.0.0.1:" + std::to_string(port) + "/"; };
    TestAgent agent;
    agent.define("tls.toml",
                 http("trusted", https(good_port),
                      "ca_file = \"" + good + ".crt\"\ncertificate_days = 14\n") +
                     http("named", https(good_port),
                          "ca_file = \"" + good + ".crt\"\ntls_server_name = \"www.test\"\n") +
                     http("soon", https(soon_port),
                          "ca_file = \"" + soon + ".crt\"\ncertificate_days = 14\n") +
                     http("over", https(over_port), "ca_file = \"" + over + ".crt\"\n") +
                     http("untrusted", https(good_port)) +
                     http("misnamed", https(good_port),
                          "ca_file = \"" + good + ".crt\"\ntls_server_name = \"mail.test\"\n") +
                     http("unverified", https(good_port), "tls_verify = false\n") +
                     http("plain", "https://127.0.0.1:" + std::to_string(web.port()) + "/"));
    agent.start();
    agent.await_finding("trusted", "passed");
    agent.await_finding("named", "passed");
    agent.await_finding("unverified", "passed");
    for (const char* name : {"soon", "over", "untrusted", "misnamed"}) {
        CAPTURE(name);
        const Json last = agent.await_finding(name, "failed", "certificate");
        if (name == std::string("soon")) CHECK(message(last).find("days") != std::string::npos);
    }
    agent.await_finding("plain", "failed", "tls");
}

TEST_CASE("a name is resolved by the resolver that the check names") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200; } }");
    Dnsmasq names({"--address=/www.test/127.0.0.1"});
    TestAgent agent;
    const std::string resolver = "resolver = \"127.0.0.1:" + std::to_string(names.port()) + "\"\n";
    agent.define("web.toml",
                 http("known", "http://www.test:" + std::to_string(web.port()) + "/", resolver) +
                     http("stranger", "http://nowhere.test:1/", resolver));
    agent.start();
    const Json last = agent.await_finding("known", "passed");
    CHECK(last["address"] == "127.0.0.1:" + std::to_string(web.port()));
    const Json stranger = agent.await_finding("stranger", "failed", "dns");
    CHECK(message(stranger).find("nowhere.test") != std::string::npos);
}

TEST_CASE("a tcp dialogue is held against what was expected") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200 'Welcome'; } }");
    TestAgent agent;
    const std::string address =
        "address = \"127.0.0.1:" + std::to_string(web.port()) + "\"\n" + pace;
    const std::string send = "send = \"GET / HTTP/1.0\\r\\n\\r\\n\"\n";
    agent.define("tcp.toml", "[tcp.open]\n" + address + "[tcp.right]\n" + address + send +
                                 "expect = \"200 OK[\\\\s\\\\S]*Welcome\"\n[tcp.wrong]\n" +
                                 address + send + "expect = \"220 ready\"\n[tcp.silent]\n" +
                                 address +
                                 "expect = \"220\"\n[tcp.closed]\naddress = \"127.0.0.1:1\"\n");
    agent.start();
    agent.await_finding("open", "passed");
    agent.await_finding("right", "passed");
    agent.await_finding("wrong", "failed", "content");
    CHECK(agent.await_finding("silent", "failed")["class"] == "timeout");
    agent.await_finding("closed", "failed", "refused");
}

TEST_CASE("a probe on demand shows its phases and expectations and records nothing") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200 'Welcome'; } }");
    TestAgent agent;
    agent.define("web.toml", "[http.homepage]\nurl = \"" + web.url() +
                                 "\"\ninterval = \"1h\"\nbody_matches = \"Welcome\"\n");
    agent.start();
    agent.await_state("homepage", "up");
    const Json before = agent.recorded("homepage");
    CHECK(before["sparkline"] == "7");
    const Json outcome = agent.json({"probe", "homepage"});
    CHECK(outcome["finding"] == "passed");
    CHECK(outcome["phases"].size() >= 3);
    CHECK(outcome["expectations"].size() == 2);
    const Finished traced = agent.picket({"probe", "homepage", "--trace"});
    CHECK(traced.exit_code == 0);
    CHECK(traced.output.find("connect") != std::string::npos);
    CHECK(agent.recorded("homepage") == before);

    web.stop();
    CHECK(agent.picket({"probe", "homepage"}).exit_code == 1);
    CHECK(agent.recorded("homepage") == before);
    CHECK(agent.picket({"probe", "nosuch"}).exit_code == 1);

    // From a file, without the agent: as the caller, and nothing is recorded either.
    web.start();
    const std::string file =
        agent.directory().write("mine.toml", "[http.mine]\nurl = \"" + web.url() + "\"\n");
    CHECK(agent.picket({"probe", file}).exit_code == 0);
}

}  // namespace
}  // namespace picket::testing
