#include "checks/dialogue.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace picket::checks {
namespace {

using Next = Dialogue::Next;

std::vector<ScriptStep> greeting() {
    std::vector<ScriptStep> script;
    script.push_back({"", CapturingPattern("^220 (?P<host>\\S+) (\\w+)"), false, false});
    script.push_back({"HELLO {{host}} {{2}}\r\n", CapturingPattern("(?m)^250 "), true, false});
    script.push_back({"BYE\r\n", std::nullopt, false, false});
    return script;
}

TEST_CASE("a dialogue waits, repeats what it heard, asks for TLS and ends") {
    const auto script = greeting();
    Dialogue dialogue(script);
    CHECK(dialogue.next() == Next::wait);
    dialogue.on_bytes("220 mx.te");
    CHECK(dialogue.next() == Next::wait);
    dialogue.on_bytes("st ESMTP\r\n250 too soon\r\n");
    REQUIRE(dialogue.next() == Next::send);
    REQUIRE(dialogue.next() == Next::send);  // Until it is taken.
    CHECK(dialogue.take_output() == "HELLO mx.test ESMTP\r\n");
    REQUIRE(dialogue.next() == Next::secure);
    dialogue.on_bytes("an injected answer");
    dialogue.on_secured();
    CHECK(dialogue.heard().empty());
    REQUIRE(dialogue.next() == Next::send);
    CHECK(dialogue.take_output() == "BYE\r\n");
    CHECK(dialogue.next() == Next::done);
}

TEST_CASE("what was never captured cannot be sent") {
    std::vector<ScriptStep> script;
    script.push_back({"{{host}}", std::nullopt, false, false});
    Dialogue dialogue(script);
    CHECK(dialogue.next() == Next::failed);
    CHECK(dialogue.error() == "nothing was captured as host");
}

TEST_CASE("a peer that never stops is heard up to a limit") {
    std::vector<ScriptStep> script;
    script.push_back({"", CapturingPattern("never"), false, false});
    Dialogue dialogue(script);
    for (int i = 0; i < 100; ++i) dialogue.on_bytes(std::string(1000, 'x'));
    CHECK(dialogue.next() == Next::wait);
    CHECK(dialogue.full());
    CHECK(dialogue.heard().size() == dialogue_bytes_max);
}

TEST_CASE("names in braces are read, and refused where they are none") {
    CHECK(interpolate("a{{ x }}b{{y}}", {{"x", "1"}, {"y", "2"}, {"x", "3"}}).value() == "a3b2");
    CHECK(interpolate("{\"a\":{}}", {}).value() == "{\"a\":{}}");
    CHECK(interpolate("{{x", {}).error().message() == "a {{ without its }}");
    CHECK(interpolate("{{a b}}", {}).error().message() == "'{{a b}}' is not the name of a capture");
    CHECK(interpolated_names("{{a}}{{b-1}}").value() == std::vector<std::string>{"a", "b-1"});
}

}  // namespace
}  // namespace picket::checks
