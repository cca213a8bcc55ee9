#include "checks/plugin_output.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>

namespace picket::checks {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

PerfdataItem only_item(std::string_view perfdata) {
    const auto output = parse_plugin_output("OK | " + std::string(perfdata));
    REQUIRE(output.perfdata.size() == 1);
    CHECK(output.skipped == 0);
    return output.perfdata.front();
}

// How many items are skipped, where none is understood.
std::size_t skipped(std::string_view perfdata) {
    const auto output = parse_plugin_output("OK | " + std::string(perfdata));
    CHECK(output.perfdata.empty());
    return output.skipped;
}

TEST_CASE("exit codes 0 to 3 are states, every other is unknown") {
    CHECK(plugin_exit(0) == PluginExit::ok);
    CHECK(plugin_exit(1) == PluginExit::warning);
    CHECK(plugin_exit(2) == PluginExit::critical);
    CHECK(plugin_exit(3) == PluginExit::unknown);
    CHECK(plugin_exit(4) == PluginExit::unknown);
    CHECK(plugin_exit(127) == PluginExit::unknown);
    CHECK(plugin_exit(-1) == PluginExit::unknown);
}

TEST_CASE("one line without performance data is the summary") {
    const auto output = parse_plugin_output("DISK OK - free space: / 3326 MB (56%)\n");
    CHECK(output.summary == "DISK OK - free space: / 3326 MB (56%)");
    CHECK(output.long_output.empty());
    CHECK(output.text == output.summary);
    CHECK(output.perfdata.empty());
    CHECK_FALSE(output.cut);
}

TEST_CASE("the example of the plugin API's documentation is understood whole") {
    const std::string text =
        "DISK OK - free space: / 3326 MB (56%); | /=2643MB;5948;5958;0;5968\n"
        "/ 15272 MB (77%);\n"
        "/boot 68 MB (69%);\n"
        "/home 69357 MB (27%);\n"
        "/var/log 819 MB (84%); | /boot=68MB;88;93;0;98\n"
        "/home=69357MB;253404;253409;0;253414 \n"
        "/var/log=818MB;970;975;0;980\n";
    const auto output = parse_plugin_output(text);
    CHECK(output.summary == "DISK OK - free space: / 3326 MB (56%);");
    CHECK(output.long_output ==
          "/ 15272 MB (77%);\n/boot 68 MB (69%);\n/home 69357 MB (27%);\n/var/log 819 MB (84%); ");
    CHECK(output.text + "\n" == text);
    CHECK(output.skipped == 0);
    REQUIRE(output.perfdata.size() == 4);
    CHECK(output.perfdata[0].label == "/");
    CHECK(output.perfdata[1].label == "/boot");
    CHECK(output.perfdata[2].label == "/home");
    const PerfdataItem& item = output.perfdata[3];
    CHECK(item.label == "/var/log");
    CHECK(item.value == 818);
    CHECK(item.unit == "MB");
    CHECK(item.warning == Range{0, 970, false});
    CHECK(item.critical == Range{0, 975, false});
    CHECK(item.minimum == 0);
    CHECK(item.maximum == 980);
}

TEST_CASE("performance data may stand without a summary and a summary without text") {
    const auto output = parse_plugin_output("|load=1");
    CHECK(output.summary.empty());
    REQUIRE(output.perfdata.size() == 1);
    const auto nothing = parse_plugin_output("");
    CHECK(nothing.summary.empty());
    CHECK(nothing.text.empty());
    CHECK(parse_plugin_output(" \n\t\r\n").text.empty());
}

TEST_CASE("empty lines before the first are not the summary") {
    CHECK(parse_plugin_output("\n\r\n OK \r\nmore\r\n").summary == "OK");
    CHECK(parse_plugin_output("\n\r\n OK \r\nmore\r\n").long_output == "more");
}

TEST_CASE("the first line's performance data ends with the line") {
    const auto output = parse_plugin_output("OK | a=1\nb=2 is text\n");
    REQUIRE(output.perfdata.size() == 1);
    CHECK(output.long_output == "b=2 is text");
}

TEST_CASE("an item may leave out all but its value") {
    const auto item = only_item("users=4");
    CHECK(item.label == "users");
    CHECK(item.value == 4);
    CHECK(item.unit.empty());
    CHECK_FALSE(item.warning);
    CHECK_FALSE(item.critical);
    CHECK_FALSE(item.minimum);
    CHECK_FALSE(item.maximum);
    CHECK(only_item("users=4;;;;").value == 4);
    CHECK(only_item("users=4;;;0").minimum == 0);
    CHECK(only_item("users=4;;5").critical == Range{0, 5, false});
}

TEST_CASE("values have signs, fractions, exponents and units") {
    CHECK(only_item("t=-0.5s").value == -0.5);
    CHECK(only_item("t=.25").value == 0.25);
    CHECK(only_item("t=1e-05s").value == 1e-05);
    CHECK(only_item("t=1e-05s").unit == "s");
    for (const std::string unit : {"s", "ms", "us", "%", "B", "KB", "MB", "TB", "c", "rpm", "°C"}) {
        CHECK(only_item("t=12" + unit + ";1").unit == unit);
    }
}

TEST_CASE("U is a value that could not be determined") {
    const auto item = only_item("t=U;1:2;@3:4");
    CHECK_FALSE(item.value);
    CHECK(item.warning == Range{1, 2, false});
    CHECK(item.critical == Range{3, 4, true});
}

TEST_CASE("a quoted label may hold spaces, equals signs and doubled quotes") {
    CHECK(only_item("'C:\\ free space'=1").label == "C:\\ free space");
    CHECK(only_item("'it''s a=b'=1").label == "it's a=b");
    CHECK(only_item("''''=1").label == "'");
    const auto two = parse_plugin_output("OK|'a b'=1 'c d'=2");
    REQUIRE(two.perfdata.size() == 2);
    CHECK(two.perfdata[1].label == "c d");
}

TEST_CASE("what does not follow the grammar is skipped and counted, the rest is kept") {
    CHECK(skipped("=5") == 1);
    CHECK(skipped("''=5") == 1);
    CHECK(skipped("novalue") == 1);
    CHECK(skipped("empty=") == 1);
    CHECK(skipped("comma=0,5") == 1);
    CHECK(skipped("text=abc") == 1);
    CHECK(skipped("hex=0x10") == 1);
    CHECK(skipped("plus=+5") == 1);
    CHECK(skipped("two=1.2.3") == 1);
    CHECK(skipped("minus=-") == 1);
    CHECK(skipped("a=inf b=-inf c=nan d=1e999") == 4);
    CHECK(skipped("'open=5 b=1") == 1);
    CHECK(skipped("'closed'x=5") == 1);
    CHECK(skipped("qu'ote=5") == 1);
    CHECK(skipped("unit=5unitsthataremuchtoolong") == 1);
    CHECK(skipped(std::string(perfdata_label_bytes_max + 1, 'x') + "=1") == 1);
    CHECK(skipped("label = 5") == 3);

    const auto output = parse_plugin_output("OK | bad good=1 worse= |x fine=2");
    REQUIRE(output.perfdata.size() == 2);
    CHECK(output.perfdata[0].label == "good");
    CHECK(output.perfdata[1].label == "fine");
    CHECK(output.skipped == 3);
}

TEST_CASE("a threshold that is no range is left out and counted, its value stays") {
    const auto output = parse_plugin_output("OK | load=1;high;5:1;x;y;extra");
    REQUIRE(output.perfdata.size() == 1);
    CHECK(output.perfdata[0].value == 1);
    CHECK_FALSE(output.perfdata[0].warning);
    CHECK_FALSE(output.perfdata[0].critical);
    CHECK(output.skipped == 5);
}

TEST_CASE("ranges are read as the plugin API writes them") {
    CHECK(parse_range("10") == Range{0, 10, false});
    CHECK(parse_range("10:") == Range{10, infinity, false});
    CHECK(parse_range("~:10") == Range{-infinity, 10, false});
    CHECK(parse_range("10:20") == Range{10, 20, false});
    CHECK(parse_range("@10:20") == Range{10, 20, true});
    CHECK(parse_range("-5:-1.5") == Range{-5, -1.5, false});
    CHECK(parse_range(":7") == Range{0, 7, false});
    for (const auto* bad : {"", "@", "~", "20:10", "a", "1:b", "1:2:3", "-1", "10 ", "inf"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_range(bad));
    }
}

TEST_CASE("a range alerts outside its ends, or inside them with @") {
    CHECK(parse_range("10")->alerts(-0.1));
    CHECK_FALSE(parse_range("10")->alerts(0));
    CHECK_FALSE(parse_range("10")->alerts(10));
    CHECK(parse_range("10")->alerts(10.1));
    CHECK(parse_range("10:")->alerts(9));
    CHECK_FALSE(parse_range("~:10")->alerts(-1e9));
    CHECK(parse_range("@10:20")->alerts(10));
    CHECK(parse_range("@10:20")->alerts(20));
    CHECK_FALSE(parse_range("@10:20")->alerts(20.5));
}

TEST_CASE("what a terminal would obey or could not show becomes printable") {
    const auto output =
        parse_plugin_output("OK\x1b[31m \xff\xc3\xa9\ttab | 'l\x1b\xff'=1\nsecond\x07\nthird");
    CHECK(output.summary == "OK?[31m ?\xc3\xa9 tab");
    CHECK(output.long_output == "second?\nthird");
    REQUIRE(output.perfdata.size() == 1);
    CHECK(output.perfdata[0].label == "l??");
    CHECK(parse_plugin_output(std::string("a\0b", 3)).summary == "a?b");
}

TEST_CASE("output is cut at the limit, and a number is never cut in half") {
    const std::string padding(plugin_output_bytes_max - 12, 'x');  // " | a=1 b=23.." follows
    const auto output = parse_plugin_output(padding + "| a=1 b=23456");
    CHECK(output.cut);
    CHECK(output.summary == padding);
    CHECK(output.text.size() == plugin_output_bytes_max);
    REQUIRE(output.perfdata.size() == 1);
    CHECK(output.perfdata[0].label == "a");
    CHECK(output.skipped == 1);

    const auto whole = parse_plugin_output(padding + "| a=1 b=2345\nmore");
    CHECK(whole.cut);
    REQUIRE(whole.perfdata.size() == 2);
    CHECK(whole.perfdata[1].value == 2345);

    const auto next_line = parse_plugin_output(padding + "| a=1 b=234\nmore");
    CHECK(next_line.perfdata.size() == 2);
    CHECK(next_line.skipped == 0);

    const auto letters = parse_plugin_output(std::string(plugin_output_bytes_max - 1, 'x') + "é");
    CHECK(letters.summary == std::string(plugin_output_bytes_max - 1, 'x'));
    CHECK_FALSE(parse_plugin_output(std::string(plugin_output_bytes_max, 'x')).cut);
}

}  // namespace
}  // namespace picket::checks
