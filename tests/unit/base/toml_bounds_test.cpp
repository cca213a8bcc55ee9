#include "agent/base/toml_bounds.h"

#include <doctest/doctest.h>

#include <string>

#include "agent/base/limits.h"

namespace picket {
namespace {

std::string repeat(std::string_view part, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += part;
    return text;
}

TEST_CASE("an ordinary text is within its bounds, whatever its strings and comments hold") {
    for (const std::string& text : std::initializer_list<std::string>{
             std::string("[http.homepage]\r\nurl = \"https://a.b.c.d/\"\n# grün\n"),
             "a = \"" + repeat("x.", 100) + "\"\nb = '" + repeat("[", 100) + "'\n",
             "# " + repeat("[a.", 100) + "\n",
             "a = \"\"\"\n" + repeat("[[x.\n", 100) + "\"\"\"\nb = '''" + repeat("{.", 100) +
                 "'''\n",
             "a = \"\\\"" + repeat("[", 100) + "\"\n",
             "a = \"\"\"x\\\"\"\"\"\nb = 1.5\n",
             "a = \"\"\"x\"\"\"\"\"\nb = [1.5, 2.5]\n",
             repeat("a.", 15) + "b = 1\n",
             "a = " + repeat("[", 16) + repeat("]", 16) + "\n",
         }) {
        CAPTURE(text);
        CHECK_FALSE(find_toml_fault(text).has_value());
    }
}

TEST_CASE("100,000 dotted parts are refused where the seventeenth begins") {
    const auto fault =
        find_toml_fault("x = 1\na" + repeat("\n", 2) + repeat("a.", 100'000) + "b = 1");
    REQUIRE(fault);
    CHECK(fault->message == "a key has more than 16 dotted parts");
    CHECK(fault->position == Position{4, 32});
    CHECK(find_toml_fault("[" + repeat("a . ", 16) + "b]\n"));
    CHECK(find_toml_fault("[" + repeat("\"a\".'b'.", 9) + "b]\n"));
    CHECK(find_toml_fault("x = { " + repeat("a.", 16) + "b = 1 }\n"));
}

TEST_CASE("brackets nested more than sixteen deep are refused, also across lines") {
    CHECK(find_toml_fault("a = " + repeat("[", 17))->message ==
          "arrays and tables are nested more than 16 deep");
    CHECK(find_toml_fault("a = " + repeat("[\n", 17))->position == Position{17, 1});
    CHECK(find_toml_fault("a = " + repeat("{a=", 17)));
}

TEST_CASE("a closed multi-line string hides nothing that follows it") {
    const std::string deep = " # \n" + repeat("a.", 20) + "b = 1\n";
    CHECK(find_toml_fault("a = \"\"\"\"\"\"" + deep));
    CHECK(find_toml_fault("a = \"\"\"x\"\"\"\"\"" + deep));
    CHECK(find_toml_fault("a = '''x''''" + deep));
    CHECK(find_toml_fault("a = \"\"" + deep));
    CHECK(find_toml_fault("a = \"x\\\\\"" + deep));
    CHECK(find_toml_fault("a = 'x\\'" + deep));
    CHECK(find_toml_fault("a = \"unfinished" + deep));
}

TEST_CASE("size, line length, encoding and control characters are bounded, with their place") {
    CHECK(find_toml_fault(std::string(limits::definition_file_bytes_max + 1, '\n'))->message ==
          "the file is larger than 1 MiB");
    CHECK_FALSE(find_toml_fault(std::string(limits::definition_file_bytes_max, '\n')));
    CHECK(find_toml_fault("\n#" + std::string(4096, 'x'))->position == Position{2, 4097});
    CHECK_FALSE(find_toml_fault("\n#" + std::string(4095, 'x')));
    CHECK(find_toml_fault("a = 1\n# gr\xfcn")->position == Position{2, 5});
    CHECK(find_toml_fault("a = 1\n# gr\xfcn")->message == "the text is not UTF-8");
    CHECK(find_toml_fault("grün \xc3")->position == Position{1, 6});
    CHECK(find_toml_fault(std::string_view("a = \"\0\"", 7))->position == Position{1, 6});
    CHECK(find_toml_fault("# a\rb"));
    CHECK(find_toml_fault("# a\x0b"));
    CHECK(find_toml_fault("# \x7f"));
}

TEST_CASE("outside quotes and comments all is ASCII, but for a byte order mark") {
    CHECK(find_toml_fault("x = 1\ngrün = 1\n")->position == Position{2, 3});
    CHECK(find_toml_fault("x = “y”\n")->message ==
          "a character that is not ASCII stands outside quotes");
    CHECK_FALSE(find_toml_fault("\xef\xbb\xbfx = 1 # grün\n"));
    CHECK(find_toml_fault("\xef\xbb\xbb#\n"));
    CHECK_FALSE(find_toml_fault("x = \"ﻻ\"\n"));
    CHECK(find_toml_fault("x = \"\"\"\\\n ﻻ\"\"\"\n")->position == Position{2, 2});
}

TEST_CASE("a table's header begins with a name") {
    for (const char* text : {"[.com\"\n", "x = 1\n [ .a]\n", "[[.a]]\n", "[=]\n", "[\n]\n"}) {
        CAPTURE(text);
        REQUIRE(find_toml_fault(text));
        CHECK(find_toml_fault(text)->message == "expected a table's name after the bracket");
    }
    CHECK(find_toml_fault("x = 1\n [.a]\n")->position == Position{2, 2});
    for (const char* text : {"[a]\n", "[\"a\"]\n", "[ 'a' ]\n", "[[a]]\n", "[-]\n", "[]\n",
                             "a = [\n.5\n]\n", "a = [\n [.5]\n]\n", "["}) {
        CAPTURE(text);
        CHECK_FALSE(find_toml_fault(text));
    }
}

TEST_CASE("a problem is one printable line") {
    CHECK(to_text(Problem{"a.toml", {3, 7}, "http.a.url", "is\nmissing"}) ==
          "a.toml:3:7: http.a.url: is?missing");
    CHECK(to_text(Problem{"a.toml", {}, "", "permission denied"}) ==
          "a.toml:1:1: permission denied");
    CHECK(did_you_mean("url") == ", did you mean url");
    CHECK(did_you_mean("").empty());
}

TEST_CASE("problems come sorted by position and the ones left out are counted") {
    ProblemList list("a.toml");
    for (std::uint32_t line = 150; line > 0; --line) list.add({line, 1}, "key", "wrong");
    CHECK(list.full());
    const std::vector<Problem> problems = std::move(list).take();
    REQUIRE(problems.size() == 101);
    CHECK(problems.front().position.line == 51);
    CHECK(problems.back().message == "50 more problems are not shown");
}

}  // namespace
}  // namespace picket
