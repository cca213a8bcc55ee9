#include "checks/canonical.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "agent/base/digest.h"
#include "checks/definition_keys.h"
#include "checks/definition_parser.h"

namespace picket::checks {
namespace {

Definition only(std::string_view text) {
    const ParseContext context{
        "web-03", [](Source, std::string_view) { return Result<std::string>("s3cret"); }};
    ParsedFile parsed = parse_definitions(text, "a.toml", context);
    for (const Problem& problem : parsed.problems) MESSAGE(to_text(problem));
    REQUIRE(parsed.definitions.size() == 1);
    return std::move(parsed.definitions.front());
}

constexpr std::string_view plain = "[http.a]\nurl = \"http://a/\"\n";

TEST_CASE("settings are what is required and what differs from the default") {
    using Settings = std::vector<std::pair<std::string, std::string>>;
    CHECK(settings(only(plain)) == Settings{{"url", "\"http://a/\""}});
    CHECK(settings(only("[http.a]\nurl = \"http://a/\"\ninterval = \"60s\"\ntimeout = \"3s\"\n"
                        "status = [301, \"200-299\"]\nheaders = { X-Key = \"${env:K}\" }\n"
                        "labels = { team = \"web\" }\nslo = 99.9\nquorum = 2\n"
                        "body_size_max = \"2048KiB\"\n")) ==
          Settings{{"body_size_max", "\"2MiB\""},
                   {"headers", "{ X-Key = \"${env:K}\" }"},
                   {"interval", "\"1m\""},
                   {"labels", "{ team = \"web\" }"},
                   {"quorum", "2"},
                   {"slo", "\"99.9%\""},
                   {"status", "[\"2xx\", 301]"},
                   {"url", "\"http://a/\""}});
}

TEST_CASE("the fingerprint is of the question alone, and stays what it was") {
    // A constant: agents of different versions compare it.
    CHECK(canonical_question(only(plain)) == "[http]\nurl = \"http://a/\"\n");
    CHECK(to_hex(probe_fingerprint(only(plain))) == "402883392ad042b9");
    const auto with = [](std::string_view line) {
        return probe_fingerprint(only(std::string(plain) + std::string(line)));
    };
    const std::uint64_t bare = with("");
    for (const char* line :
         {"interval = \"10s\"", "labels = { a = \"b\" }", "enabled = false", "severity = \"info\"",
          "timeout = \"3000ms\"", "status = \"200-299\"", "quorum = 1", "method = \"GET\""}) {
        CAPTURE(line);
        CHECK(with(line) == bare);
    }
    for (const char* line : {"timeout = \"4s\"", "latency = \"1s\"", "status = 200", "family = 4",
                             "expect_failure = true", "method = \"HEAD\"", "body = \"x\""}) {
        CAPTURE(line);
        CHECK(with(line) != bare);
    }
}

TEST_CASE("a secret changes no fingerprint and is shown nowhere") {
    const Definition check = only(
        "[http.a]\nurl = \"http://${env:H}/\"\nheaders = { X = \"${env:K}\" }\nbody = "
        "\"${env:B}\"\n"
        "labels = { a = \"${env:L}\" }\nowner = \"${env:O}\"\nbody_matches = \"${env:P}\"\n");
    CHECK(check.owner == "s3cret");
    for (const auto& [key, value] : settings(check)) {
        CAPTURE(key);
        CHECK(value.find("s3cret") == std::string::npos);
        CHECK(value.find("${env:") != std::string::npos);
    }
    CHECK(canonical_question(check).find("s3cret") == std::string::npos);
}

TEST_CASE("what is written reads back as the same definition, for every key") {
    const Definition check = only(
        "[command.\"a.b\"]\ncommand = [\"/bin/x\", \"a \\\"b\\\" \\\\ \\n\"]\nenv = { A = \"1\" }\n"
        "working_directory = \"/tmp\"\nfail_on = \"warning\"\nscope = \"mesh\"\nwitnesses = "
        "\"all\"\n"
        "depends_on = [\"z\", \"a\"]\nfamily = 6\nsource = \"::1\"\nfrom = \"role=edge\"\n");
    std::string text = "[command.\"a.b\"]\n";
    for (const auto& [key, value] : settings(check)) text += key + " = " + value + "\n";
    CHECK(same_definition(only(text), check));
}

TEST_CASE("no two keys of a type share a name, and each fills a member of its own") {
    for (const std::string_view name : type_names()) {
        Definition definition = default_definition(*type_from(name));
        std::vector<std::string_view> names;
        std::vector<Slot> slots;
        for (const std::span<const Key> keys : {keys_of(definition.type()), common_keys()}) {
            for (const Key& key : keys) {
                CAPTURE(key.name);
                CHECK(std::ranges::count(names, key.name) == 0);
                CHECK(std::ranges::count(slots, key.slot(definition)) == 0);
                names.push_back(key.name);
                slots.push_back(key.slot(definition));
            }
        }
    }
}

}  // namespace
}  // namespace picket::checks
