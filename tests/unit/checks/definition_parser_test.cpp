#include "checks/definition_parser.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "checks/definition_keys.h"
#include "checks/types/command.h"
#include "checks/types/dns.h"
#include "checks/types/http.h"

namespace picket::checks {
namespace {

using namespace std::chrono_literals;

Result<std::string> read_secret(Source source, std::string_view name) {
    if (source == Source::environment && name == "TOKEN") return std::string("s3cret");
    if (source == Source::environment && name == "SECONDS") return std::string("20s");
    if (source == Source::environment && name == "BAD") return std::string("very wrong");
    if (source == Source::environment) return failure(Code::not_found, "is not set");
    return failure(Code::not_found, "no such file or directory");
}

ParsedFile parse(std::string_view text) {
    return parse_definitions(text, "a.toml", {"web-03", read_secret});
}

Definition only(std::string_view text) {
    ParsedFile parsed = parse(text);
    for (const Problem& problem : parsed.problems) MESSAGE(to_text(problem));
    REQUIRE(parsed.problems.empty());
    REQUIRE(parsed.definitions.size() == 1);
    return std::move(parsed.definitions.front());
}

// All problems, a line each.
std::string problems(std::string_view text) {
    std::string lines;
    const ParsedFile parsed = parse(text);
    for (const Problem& problem : parsed.problems) lines += to_text(problem) + "\n";
    CHECK(parsed.definitions.empty() == !parsed.problems.empty());
    return lines;
}

TEST_CASE("a file holds any number of checks, in their order, with where they stand") {
    const ParsedFile parsed = parse(
        "[tcp.z]\naddress = \"a:1\"\n\n[http.homepage]\nurl = \"https://www.example.com/\"\n"
        "interval = \"10s\"\ntimeout = \"3s\"\nstatus = [\"2xx\", 301]\nlatency = \"800ms\"\n"
        "labels = { team = \"web\" }\ndepends_on = [\"z\"]\n");
    REQUIRE(parsed.problems.empty());
    REQUIRE(parsed.definitions.size() == 2);
    const Definition& homepage = parsed.definitions[1];
    CHECK(parsed.definitions[0].name == "z");
    CHECK(homepage.name == "homepage");
    CHECK(homepage.type() == Type::http);
    CHECK(homepage.scope == Scope::mesh);
    CHECK(homepage.interval == 10s);
    CHECK(homepage.latency == 800ms);
    CHECK(homepage.labels.at("team") == "web");
    CHECK(homepage.depends_on == std::vector<std::string>{"z"});
    CHECK(homepage.origin.file == "a.toml");
    CHECK(homepage.origin.line == 4);
    const auto& query = homepage.query.as<HttpQuery>();
    CHECK(query.url == Text{"https://www.example.com/", "https://www.example.com/"});
    CHECK(query.status == std::vector<StatusRange>{{200, 299}, {301, 301}});
}

TEST_CASE("a command is a check of its host and carries the agent's name") {
    const Definition plugin = only("[command.mailq]\ncommand = [\"/bin/check\", \"-w\", \"5\"]\n");
    CHECK(plugin.name == "mailq@web-03");
    CHECK(plugin.scope == Scope::host);
    CHECK(plugin.query.as<CommandQuery>().command[2].value == "5");
    CHECK(only("[command.mailq]\nscope = \"mesh\"\ncommand = [\"/bin/check\"]\n").name == "mailq");
    CHECK(only("[tcp.x]\nscope = \"host\"\naddress = \"localhost:22\"\n").name == "x@web-03");
}

TEST_CASE("[defaults] come before a check's own keys, wherever they stand") {
    const ParsedFile parsed = parse(
        "[tcp.a]\naddress = \"a:1\"\n[tcp.b]\naddress = \"b:1\"\ninterval = \"5s\"\n"
        "[defaults]\ninterval = \"60s\"\nowner = \"ops\"\n");
    REQUIRE(parsed.definitions.size() == 2);
    CHECK(parsed.definitions[0].interval == 60s);
    CHECK(parsed.definitions[1].interval == 5s);
    CHECK(parsed.definitions[1].owner == "ops");
    CHECK(problems("[defaults]\nurl = \"http://a/\"\nintervall = \"1s\"\n") ==
          "a.toml:2:1: defaults.url: only keys that all types share may stand in [defaults]\n"
          "a.toml:3:1: defaults.intervall: unknown key, did you mean interval\n");
}

TEST_CASE("an unknown key or type is one line with its place and what was probably meant") {
    CHECK(problems("[http.homepage]\nurl = \"http://a/\"\nintervall = \"10s\"\nbanana = 1\n") ==
          "a.toml:3:1: http.homepage.intervall: unknown key, did you mean interval\n"
          "a.toml:4:1: http.homepage.banana: unknown key\n");
    CHECK(problems("[htpp.homepage]\nurl = \"http://a/\"\n") ==
          "a.toml:1:2: htpp: unknown check type, did you mean http\n");
    CHECK(problems("[banana.x]\n") ==
          fmt::format("a.toml:1:2: banana: unknown check type; there are {}\n",
                      fmt::join(type_names(), ", ")));
    CHECK(problems("interval = \"10s\"\n") ==
          "a.toml:1:1: interval: a key stands in a check, [TYPE.NAME], or in [defaults]\n");
    CHECK(problems("[http]\nurl = \"http://a/\"\n") ==
          "a.toml:2:1: http.url: a check has a name: [http.NAME]\n");
}

TEST_CASE("a value of the wrong type says what was expected and what was found") {
    CHECK(problems("[http.h]\nurl = \"http://a/\"\ninterval = 10\n") ==
          "a.toml:3:12: http.h.interval: expected a duration such as \"10s\", found an integer\n");
    CHECK(problems("[http.h]\nurl = \"http://a/\"\ninterval = \"10x\"\n") ==
          "a.toml:3:12: http.h.interval: '10x' is not a duration such as 10s, 800ms or 1h30m\n");
    CHECK(
        problems("[http.h]\nurl = 1979-05-27\nenabled = \"yes\"\n") ==
        "a.toml:2:7: http.h.url: expected a URL such as \"https://www.example.com/\", found a date "
        "or time\n"
        "a.toml:3:11: http.h.enabled: expected true or false, found a string\n");
    CHECK(
        problems("[http.h]\nurl = \"http://a/\"\nheaders = { Accept = 1 }\nlabels = []\n") ==
        "a.toml:3:22: http.h.headers.Accept: expected a string, found an integer\n"
        "a.toml:4:10: http.h.labels: expected a table of strings such as { team = \"web\" }, found "
        "an array\n");
    CHECK(
        problems("[command.c]\ncommand = \"/bin/true -x\"\n") ==
        "a.toml:2:11: command.c.command: expected an array of the program's absolute path and its "
        "arguments (no shell is involved), found a string\n");
    CHECK(problems("[command.c]\ncommand = [\"true\"]\n") ==
          "a.toml:2:12: command.c.command[0]: 'true' is not an absolute path\n");
    CHECK(problems("[tcp]\nx = 3\n[dns.a]\n") ==
          "a.toml:2:1: tcp.x: expected a table [tcp.x], found an integer\n"
          "a.toml:3:6: dns.a: name is missing: expected a domain name\n");
}

TEST_CASE("a regular expression that does not compile is refused with the reason") {
    CHECK(problems("[http.h]\nurl = \"http://a/\"\nbody_matches = \"a(b\"\n") ==
          "a.toml:3:16: http.h.body_matches: is not a regular expression: missing ): a(b\n");
    CHECK(problems("[http.h]\nurl = \"http://a/\"\nheader_matches = { Server = \"[\" }\n")
              .find("a.toml:3:29: http.h.header_matches.Server: is not a regular expression") == 0);
}

TEST_CASE("the interval is above the timeout, and the later of the two is blamed") {
    CHECK(problems("[tcp.a]\naddress = \"a:1\"\ninterval = \"2s\"\n") ==
          "a.toml:3:1: tcp.a.interval: 2s is not above the timeout of 3s\n");
    CHECK(problems("[tcp.a]\naddress = \"a:1\"\ninterval = \"2s\"\ntimeout = \"2s\"\n") ==
          "a.toml:4:1: tcp.a.timeout: 2s is not below the interval of 2s\n");
    CHECK(problems("[tcp.a]\naddress = \"a:1\"\ninterval = \"50ms\"\ntimeout = \"0s\"\n") ==
          "a.toml:3:12: tcp.a.interval: 50ms is not from 100ms to 31d\n"
          "a.toml:4:11: tcp.a.timeout: 0s is not from 1ms to 1d\n");
    CHECK(problems("[tcp.a]\naddress = \"a:1\"\nlatency = \"5s\"\n") ==
          "a.toml:3:1: tcp.a.latency: 5s is above the timeout of 3s, so it would never be seen\n");
    CHECK(
        problems("[icmp.a]\naddress = \"a\"\npackets = 40\n") ==
        "a.toml:1:7: icmp.a.packet_interval: sending 40 packets takes 3s900ms, which is not below "
        "the timeout of 3s\n");
}

TEST_CASE("names with a slash, capitals or an unquoted dot are refused") {
    CHECK(problems("[tcp.\"a/b\"]\naddress = \"a:1\"\n") ==
          "a.toml:1:6: tcp.a/b: 'a/b': a name has no slash\n");
    CHECK(problems("[tcp.\"host/disk\"]\naddress = \"a:1\"\n") ==
          "a.toml:1:6: tcp.host/disk: 'host/disk': host/... is reserved for picket\n");
    CHECK(problems("[tcp.edge.lb]\naddress = \"a:1\"\n") ==
          "a.toml:1:11: tcp.edge.lb: a name with a dot is quoted: [tcp.\"edge.lb\"]\n");
    CHECK(problems("[tcp.a.b.c]\naddress = \"a:1\"\n") ==
          "a.toml:1:10: tcp.a.b.c: a name with a dot is quoted: [tcp.\"a.b.c\"]\n");
    CHECK(only("[tcp.\"edge.lb\"]\naddress = \"a:1\"\n").name == "edge.lb");
    CHECK(only("[http.a]\nurl = \"http://a/\"\n[http.a.headers]\nAccept = \"x\"\n").name == "a");
}

TEST_CASE("one name twice is an error, across types, and of one table by TOML itself") {
    CHECK(problems("[tcp.a]\naddress = \"a:1\"\n[icmp.a]\naddress = \"a\"\n") ==
          "a.toml:1:6: tcp.a: another check of this file is named a too\n");
    const std::string twice = problems("[tcp.a]\naddress = \"a:1\"\n[tcp.a]\naddress = \"b:1\"\n");
    CHECK(twice.find("a.toml:3:") == 0);
    const std::string key = problems("[tcp.a]\naddress = \"a:1\"\naddress = \"b:1\"\n");
    CHECK(key.find("a.toml:3:") == 0);
    CHECK(key.find("address") != std::string::npos);
}

TEST_CASE("a resolver or a source that is no address is refused") {
    CHECK(
        problems("[tcp.a]\naddress = \"a:1\"\nresolver = \"dns.example.com\"\n") ==
        "a.toml:3:12: tcp.a.resolver: 'dns.example.com' is not an IP address such as 192.0.2.53 or "
        "192.0.2.53:53: a resolver's own name would have nobody to resolve it\n");
    CHECK(problems("[tcp.a]\naddress = \"a:1\"\nsource = \"eth0\"\n") ==
          "a.toml:3:10: tcp.a.source: 'eth0' is not an IP address\n");
    CHECK(problems("[tcp.a]\naddress = \"a:1\"\nsource = \"::1\"\nfamily = 4\n") ==
          "a.toml:3:1: tcp.a.source: is an IPv6 address, but family is 4\n");
}

TEST_CASE("words from a list are read in their own case, or guessed at") {
    CHECK(problems("[dns.a]\nname = \"a\"\ntype = \"AAA\"\nrcode = \"NXDOMAN\"\n") ==
          "a.toml:3:8: dns.a.type: 'AAA' is not a record type such as \"A\", did you mean AAAA\n"
          "a.toml:4:9: dns.a.rcode: 'NXDOMAN' is not known, did you mean NXDOMAIN\n");
    CHECK(only("[dns.a]\nname = \"a\"\ntype = \"mx\"\n").query.as<DnsQuery>().record_type == "MX");
    CHECK(
        problems("[tcp.a]\naddress = \"a:1\"\nseverity = \"pgae\"\n") ==
        "a.toml:3:12: tcp.a.severity: 'pgae' is not \"page\", \"ticket\" or \"info\", did you mean "
        "page\n");
}

TEST_CASE("counts that may be a word are read as either") {
    CHECK(only("[tcp.a]\naddress = \"a:1\"\nwitnesses = \"all\"\n").witnesses == std::nullopt);
    CHECK(only("[tcp.a]\naddress = \"a:1\"\nwitnesses = 7\nquorum = 3\n").quorum == 3);
    CHECK(problems("[tcp.a]\naddress = \"a:1\"\nquorum = 6\n") ==
          "a.toml:3:1: tcp.a.quorum: 6 is more than the 5 witnesses\n");
    CHECK(problems("[tcp.a]\naddress = \"a:1\"\nquorum = \"most\"\nwitnesses = 0\n") ==
          "a.toml:3:10: tcp.a.quorum: 'most' is not a whole number or \"majority\"\n"
          "a.toml:4:13: tcp.a.witnesses: 0 is not from 1 to 1000\n");
}

TEST_CASE("a status is a code, a class or a range, alone or in a list") {
    const auto status = [](const char* text) {
        return only(fmt::format("[http.a]\nurl = \"http://a/\"\nstatus = {}\n", text))
            .query.as<HttpQuery>()
            .status;
    };
    CHECK(status("301") == std::vector<StatusRange>{{301, 301}});
    CHECK(status("\"200-299\"") == std::vector<StatusRange>{{200, 299}});
    CHECK(status("[404, \"2xx\", 404]") == std::vector<StatusRange>{{200, 299}, {404, 404}});
    for (const char* bad :
         {"99", "600", "\"6xx\"", "\"299-200\"", "\"x\"", "true", "[]", "[[200]]"}) {
        CAPTURE(bad);
        CHECK_FALSE(
            problems(fmt::format("[http.a]\nurl = \"http://a/\"\nstatus = {}\n", bad)).empty());
    }
}

TEST_CASE("what a substitution brings in reaches the probe and nothing that is shown") {
    const Definition check = only(
        "[http.a]\nurl = \"https://a/?k=${env:TOKEN}\"\nheaders = { X-Key = \"${env:TOKEN}\" }\n"
        "interval = \"${env:SECONDS}\"\n");
    const auto& query = check.query.as<HttpQuery>();
    CHECK(query.url == Text{"https://a/?k=s3cret", "https://a/?k=${env:TOKEN}"});
    CHECK(query.headers[0].second == Text{"s3cret", "${env:TOKEN}"});
    CHECK(check.interval == 20s);
    CHECK(check.as_written.at("interval") == "\"${env:SECONDS}\"");
    CHECK(check.secrets == std::vector<std::string>{"s3cret", "20s"});
}

TEST_CASE("a secret that cannot be read is a problem of its key") {
    CHECK(problems("[http.a]\nurl = \"http://a/\"\nbody = \"${file:/etc/picket/none}\"\n"
                   "headers = { X-Key = \"${env:UNSET}\" }\n") ==
          "a.toml:3:8: http.a.body: ${file:/etc/picket/none}: no such file or directory\n"
          "a.toml:4:21: http.a.headers.X-Key: ${env:UNSET}: is not set\n");
}

TEST_CASE("a secret that does not fit is refused without telling it") {
    for (const char* key : {"interval", "url", "severity", "certificate_days", "body_matches"}) {
        CAPTURE(key);
        const std::string lines = problems(
            fmt::format("[http.a]\n{} = \"${{env:BAD}}\"\nmethod = \"${{env:BAD}}\"\n", key));
        CHECK(lines.find("very wrong") == std::string::npos);
        CHECK(lines.find(
                  "http.a.method: is not a method such as \"GET\" once its ${...} is replaced") !=
              std::string::npos);
    }
}

TEST_CASE("text that is no TOML is one problem, and its checks are still named") {
    for (const char* text :
         {"[tcp.a]\naddress = \n[command.\"b.c\"]\n", "[tcp.a]\n\xff\n[command.\"b.c\"]\n",
          "[tcp.a]\n[command.\"b.c\"] # x\na.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1\n"}) {
        CAPTURE(text);
        const ParsedFile parsed = parse(text);
        REQUIRE(parsed.problems.size() == 1);
        CHECK(parsed.problems[0].position.line > 1);
        REQUIRE(parsed.names.size() == 2);
        CHECK(parsed.names[0].name == "a");
        CHECK(parsed.names[1].name == "b.c@web-03");
        CHECK(parsed.definitions.empty());
    }
}

TEST_CASE("what is too long to be declared to the mesh is a problem of the file") {
    const auto parsed = [](std::size_t selector, std::size_t label) {
        std::string from = "role=";
        from.append(selector - from.size(), 'x');
        return problems("[tcp.a]\naddress = \"a:1\"\nfrom = \"" + from + "\"\nlabels = { doc = \"" +
                        std::string(label, 'y') + "\" }\n");
    };
    CHECK(parsed(512, 128) == "");
    CHECK(parsed(513, 129) ==
          "a.toml:3:8: tcp.a.from: 513 bytes are more than the 512 of a selector\n"
          "a.toml:4:18: tcp.a.labels.doc: 129 bytes are more than the 128 of a label\n");
}

TEST_CASE("a faulty check does not keep the others of its file from being named") {
    const ParsedFile parsed =
        parse("[tcp.a]\naddress = \"a:1\"\n[tcp.b]\nx = 1\n[tcp.c]\naddress = \"c:1\"\n");
    CHECK(parsed.problems.size() == 2);
    REQUIRE(parsed.names.size() == 3);
    CHECK(parsed.names[1].name == "b");
    CHECK(parsed.names[2].position == Position{5, 6});
}

TEST_CASE("tables and lists are bounded, and so is what is told about them") {
    std::string labels = "[tcp.a]\naddress = \"a:1\"\n[tcp.a.labels]\n";
    for (int i = 0; i < 65; ++i) labels += fmt::format("l{} = \"x\"\n", i);
    CHECK(problems(labels).find("tcp.a.labels: holds more than 64 items") != std::string::npos);
    std::string keys;
    for (int i = 0; i < 50'000; ++i) keys += fmt::format("intervall{} = 1\n", i);
    CHECK(parse("[tcp.a]\n" + keys).problems.size() == ProblemList::problems_max + 1);
}

}  // namespace
}  // namespace picket::checks
