// Asking the check of a piece of TOML once, in a test.

#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "checks/definition_parser.h"
#include "tests/support/probe_run.h"

namespace picket::testing {

inline checks::Definition parse_check(const std::string& text) {
    auto parsed = checks::parse_definitions(
        text, "test.toml", {"a1", [](checks::Source, std::string_view) { return std::string(); }});
    for (const Problem& problem : parsed.problems) MESSAGE(to_text(problem));
    REQUIRE(parsed.definitions.size() == 1);
    return parsed.definitions[0];
}

inline checks::Outcome ask_check(const std::string& text,
                                 Duration timeout = std::chrono::seconds(20)) {
    const checks::Definition definition = parse_check(text);
    ProbeBench bench;
    return bench.ask(definition, timeout);
}

// Asks with ever longer time-outs until the message says `part`.
inline checks::Outcome ask_check_until_said(const std::string& text, std::string_view part) {
    const checks::Definition definition = parse_check(text);
    ProbeBench bench;
    return bench.ask_until_said(definition, part);
}

// The one problem of a piece of TOML, without its place: "key: message".
inline std::string problem_of(const std::string& text) {
    const auto parsed = checks::parse_definitions(
        text, "test.toml", {"a1", [](checks::Source, std::string_view) { return std::string(); }});
    REQUIRE(parsed.problems.size() == 1);
    const std::string line = to_text(parsed.problems[0]);
    return line.substr(line.find(": ") + 2);
}

// "passed: MESSAGE", "errored: MESSAGE", or the class of a failure in place.
inline std::string said(const checks::Outcome& outcome) {
    const bool failed = outcome.finding == checks::Finding::failed;
    return std::string(failed ? to_text(outcome.failure_class) : to_text(outcome.finding)) + ": " +
           outcome.message;
}

}  // namespace picket::testing
