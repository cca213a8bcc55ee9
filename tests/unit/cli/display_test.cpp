#include "agent/cli/display.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/cli/sparkline.h"
#include "agent/cli/table.h"

namespace picket::cli {
namespace {

using namespace std::chrono_literals;

const Style plain{.colour = false, .unicode = true, .width = 40};
const Style ascii{.colour = false, .unicode = false, .width = 40};
const Style coloured{.colour = true, .unicode = true, .width = 40};

TEST_CASE("nothing that moves the cursor or turns the line is printed") {
    CHECK(printable(plain, "a\x1b[31mb\r\nc\td\x7f") == "a?[31mb??c?d?");
    CHECK(printable(plain,
                    "\xc2\x9b"
                    "31m") == "?31m");  // C1: CSI in one byte.
    CHECK(printable(plain,
                    "a\xe2\x80\xae"
                    "b\xe2\x81\xa6"
                    "c\xef\xbb\xbf"
                    "d") == "a?b?c?d");
    CHECK(printable(plain, "\xff\xfe") == "??");
    CHECK(printable(plain, "é 監視") == "é 監視");
    CHECK(printable(ascii, "é x") == "? x");
}

TEST_CASE("width counts columns, not bytes") {
    CHECK(display_width("abc") == 3);
    CHECK(display_width("é…") == 2);
    CHECK(display_width("監視") == 4);
    CHECK(display_width("e\xcc\x81") == 1);
}

TEST_CASE("a cut text says so and keeps within its width") {
    CHECK(cut_to_width(plain, "abcdef", 6) == "abcdef");
    CHECK(cut_to_width(plain, "abcdef", 5) == "abcd…");
    CHECK(cut_to_width(plain, "ab cdef", 4) == "ab…");
    CHECK(cut_to_width(plain, "監視監視", 4) == "監…");
    CHECK(cut_to_width(ascii, "abcdef", 5) == "ab...");
    CHECK(cut_to_width(ascii, "abcdef", 2) == "..");
    CHECK(cut_to_width(plain, "abc", 0).empty());
}

TEST_CASE("long text breaks at blanks, and anywhere where there are none") {
    CHECK(wrap(plain, "one two three", 8) == std::vector<std::string>{"one two", "three"});
    CHECK(wrap(plain, "abcdefghij", 4) == std::vector<std::string>{"abcd", "efgh", "ij"});
    CHECK(wrap(plain, "one two", 7) == std::vector<std::string>{"one two"});
    CHECK(wrap(plain, "  ", 7).empty());
}

TEST_CASE("ages and latencies have as many digits as help") {
    CHECK(age(-5s) == "0s");
    CHECK(age(59'999ms) == "59s");
    CHECK(age(60s) == "1m");
    CHECK(age(3h) == "3h");
    CHECK(age(125min) == "2h 5m");
    CHECK(age(75h) == "3d 3h");
    CHECK(age(24h * 10 + 5h) == "10d");
    CHECK(latency_text(Duration{412}) == "0.4 ms");
    CHECK(latency_text(12'340us) == "12 ms");
    CHECK(latency_text(1'234ms) == "1.2 s");
}

TEST_CASE("columns line up, whatever the characters, and no line ends in blanks") {
    Table table({{.heading = "NAME", .align = Align::left, .width_min = 0},
                 {.heading = "MS", .align = Align::right, .width_min = 0},
                 {.heading = "NOTE", .align = Align::left, .width_min = 0}});
    table.add({"監視", "1", "a"});
    table.add({"é", "100", ""});
    CHECK(table.text(plain) ==
          "NAME   MS  NOTE\n"
          "監視    1  a\n"
          "é     100\n");
}

TEST_CASE("a table that is too wide shrinks its last column first, then the others that may") {
    Table table({{.heading = "NAME", .align = Align::left, .width_min = 6},
                 {.heading = "MESSAGE", .align = Align::left, .width_min = 8}});
    table.add({"a-name-of-20-letters", "a message of thirty characters"});
    Style style = plain;
    style.width = 40;
    CHECK(table.text(style) ==
          "NAME                  MESSAGE\n"
          "a-name-of-20-letters  a message of thir…\n");
    style.width = 20;
    CHECK(table.text(style) ==
          "NAME        MESSAGE\n"
          "a-name-of…  a messa…\n");
}

TEST_CASE("colour leaves the alignment alone") {
    Table table({{}, {}});
    table.add({Cell("up", Colour::green), "x"});
    table.add({Cell("down", Colour::red), "y"});
    CHECK(table.text(coloured) == "\x1b[32mup\x1b[0m    x\n\x1b[31mdown\x1b[0m  y\n");
}

std::string drawn(const Style& style, std::string_view steps, std::size_t width) {
    std::string text;
    for (const Span& span : draw_sparkline(style, steps, width).spans) text += span.text;
    return text;
}

TEST_CASE("a sparkline shows each step, or the worst of those that share a column") {
    CHECK(drawn(plain, "-07?!", 5) == "·▁█?×");
    CHECK(drawn(plain, "01!0-?70", 4) == "▂×?█");
    CHECK(drawn(ascii, "-07?!", 5) == "._=?x");
    CHECK(drawn(plain, "", 10).empty());
    CHECK(drawn(plain, "Z", 1) == "·");
}

TEST_CASE("a history's sparkline spreads its points over the time") {
    api::HistoryView view;
    view.to = WallTime(4s);
    const auto add = [&](Duration at, checks::Finding finding, Duration latency) {
        api::HistoryPoint point;
        point.at = WallTime(at);
        point.finding = finding;
        point.latency = latency;
        view.points.push_back(point);
    };
    add(0s, checks::Finding::passed, 10ms);
    add(500ms, checks::Finding::passed, 30ms);
    add(1s, checks::Finding::passed, 40ms);
    add(1'100ms, checks::Finding::failed, 40ms);
    add(3s, checks::Finding::errored, 0s);
    CHECK(sparkline_of(view, 4) == "3!-?");
    add(2s, checks::Finding::passed, 40ms);
    add(4s, checks::Finding::passed, 4ms);  // The end counts.
    CHECK(sparkline_of(view, 4) == "3!70");
}

}  // namespace
}  // namespace picket::cli
