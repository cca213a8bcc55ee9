// What an http answer is judged by that a server on loopback cannot be made to show,
// and what is kept of it.

#include "checks/probes/http_judge.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "agent/base/text.h"
#include "checks/definition.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

// The messages of what is unmet.
std::vector<std::string> unmet(const HttpQuery& query, const Fetched& fetched) {
    std::vector<std::string> messages;
    for (const Judgement& judged : HttpJudge(query).judge(fetched, 10ms, std::nullopt, {})) {
        if (!judged.met()) messages.push_back(judged.message);
    }
    return messages;
}

TEST_CASE("each phase has a limit of its own, over all redirects") {
    Fetched fetched;
    fetched.exchange.status = 200;
    // Two hops, as a redirect makes them.
    for (const Duration begun : {0ms, 100ms}) {
        for (const std::string_view name :
             {"resolve", "connect", "tls", "first_byte", "transfer"}) {
            fetched.phases.push_back({name, begun, 5ms});
        }
    }
    HttpQuery query;
    const std::pair<std::optional<Duration>*, std::string> limits[] = {
        {&query.resolve_latency, "resolve"},   {&query.connect_latency, "connect"},
        {&query.tls_latency, "tls"},           {&query.first_byte_latency, "first_byte"},
        {&query.transfer_latency, "transfer"},
    };
    for (const auto& [limit, name] : limits) {
        CAPTURE(name);
        *limit = 10ms;
        CHECK(unmet(query, fetched).empty());
        *limit = 9ms;
        CHECK(unmet(query, fetched) ==
              std::vector<std::string>{name + " took 10 ms, expected at most 9.0 ms"});
        limit->reset();
    }
}

TEST_CASE("what is kept of an answer is bounded and printable") {
    io::HttpExchange exchange;
    exchange.status = 500;
    exchange.version = "1.1";
    for (int i = 0; i < 20; ++i) exchange.headers.emplace_back("X-Long", std::string(4096, 'h'));
    exchange.body = "\x1b[31m\n" + std::string(100'000, 'b');
    exchange.certificate.emplace();
    exchange.certificate->subject = std::string(10'000, 's');
    const std::string kept = http_evidence(exchange);
    CHECK(kept.size() <= 6 * 161 + 1024 + 512 + 32);
    CHECK(kept.starts_with("HTTP/1.1 500\nX-Long: hhh"));
    CHECK(kept.find("\n?[31m?bbb") != std::string::npos);
    CHECK(kept.find('\x1b') == std::string::npos);
    CHECK(http_evidence({}).empty());
}

TEST_CASE("no secret is shown, not even where an excerpt ends within it") {
    Definition definition;
    definition.secrets = {"correct-horse-battery"};
    CHECK(redact("is correct-horse-battery here", definition) == "is *** here");
    CHECK(redact("body (first bytes: \"token=correct-ho\")", definition) ==
          "body (first bytes: \"token=***\")");
    CHECK(redact("HTTP/1.1 500\nX-Echo: correct-horse-batter\nx corr", definition) ==
          "HTTP/1.1 500\nX-Echo: ***\nx ***");
    CHECK(redact("a correct answer, cor", definition) == "a correct answer, cor");

    io::HttpExchange echo;
    echo.status = 500;
    echo.version = "1.1";
    for (std::size_t before = 980; before < 1040; ++before) {
        echo.body = std::string(before, '.') + definition.secrets[0];
        const std::string shown = redact(http_evidence(echo), definition);
        CAPTURE(shown);
        CHECK(shown.find("corr") == std::string::npos);
    }
}

TEST_CASE("a secret that a server repeats as Basic credentials is not shown either") {
    Definition definition;
    definition.secrets = {"correct-horse-battery", "abc"};
    for (const char* name : {"", "m", "mo", "monitor"}) {
        CAPTURE(name);
        const std::string sent = base64_encode(fmt::format("{}:{}", name, definition.secrets[0]));
        CHECK(redact("got \"Basic " + sent + "\", no", definition) == "got \"Basic ***\", no");
        CHECK(redact("/echo/" + sent, definition) == "***");
        const std::string cut = redact("Basic " + sent.substr(0, sent.size() - 12), definition);
        CHECK(cut == "Basic ***");
    }
    // Words, which say something in base64 too; a short secret is in many of them.
    const std::string plain = "Authorization/YWJj of everybody: connection refused";
    CHECK(redact(plain, definition) == plain);
}

}  // namespace
}  // namespace picket::checks
