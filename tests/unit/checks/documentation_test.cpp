// docs/CHECKS.md and the table of keys say the same, row by row.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "agent/base/text.h"
#include "checks/canonical.h"
#include "checks/definition_keys.h"
#include "checks/definition_parser.h"
#include "checks/types/journey.h"
#include "checks/value_forms.h"

namespace picket::checks {
namespace {

const ParseContext context{"web-03", [](Source, std::string_view) -> Result<std::string> {
                               return std::string("secret");
                           }};

std::vector<std::string> document() {
    std::ifstream file("docs/CHECKS.md");
    REQUIRE_MESSAGE(file.is_open(), "run the tests from the top of the tree");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
}

std::string range_of(const Key& key) {
    const ValueRule none;
    if (key.rule.min == none.min && key.rule.max == none.max) return {};
    if (key.expects.find("duration") != std::string_view::npos) {
        return fmt::format(", {} to {}", format_duration(std::chrono::milliseconds(key.rule.min)),
                           format_duration(std::chrono::milliseconds(key.rule.max)));
    }
    if (key.expects.find("percentage") != std::string_view::npos) return {};
    if (!key.rule.size) return fmt::format(", {} to {}", key.rule.min, key.rule.max);
    std::string max = write_size(key.rule.max);
    std::erase(max, '"');
    return fmt::format(", at most {}", max);
}

// The row that the documentation must have, up to its example.
std::string row_of(const Key& key, Type type) {
    const auto written = write_key(key, default_definition(type));
    std::string holds(key.expects);
    return fmt::format("| `{}` | {}{} | {} | {} | `", key.name, holds, range_of(key),
                       key.need == Need::required ? "required"
                       : written                  ? "`" + *written + "`"
                                                  : "none",
                       key.meaning);
}

// Of each required key its example, "key = value".
std::map<std::string, std::string> least_check(const std::vector<std::string>& rows) {
    std::map<std::string, std::string> least;
    for (const std::string& row : rows) {
        if (row.find("| required |") == std::string::npos) continue;
        const std::size_t last = row.rfind('`');
        const std::size_t begin = row.rfind("| `", last) + 3;
        const std::string example = row.substr(begin, last - begin);
        least.emplace(example.substr(0, example.find(' ')), example);
    }
    return least;
}

// What an example stands beside, where its key alone makes no whole check.
std::string beside(Type type, std::string_view key) {
    if (key == "serial_equal") return "type = \"SOA\"\nservers = [\"192.0.2.1\", \"192.0.2.2\"]\n";
    if (type == Type::process && key != "name") return "name = \"a\"\n";
    if (key == "client_key") return "client_certificate = \"/etc/picket/client.crt\"\n";
    const bool of_result = key == "expect" || key.starts_with("value_") || key.starts_with("rows_");
    const bool database = type == Type::mysql || type == Type::postgres;
    return database && of_result ? "query = \"SELECT 1\"\n" : "";
}

// Parses a check that sets `example` ("key = value") beside what is required.
ParsedFile parse_example(Type type, std::map<std::string, std::string> least, std::string_view key,
                         const std::string& example) {
    least.erase(std::string(key));
    std::string text = fmt::format("[{}.x]\n{}\n", to_text(type), example);
    for (const auto& [name, line] : least) text += line + "\n";
    text += beside(type, key);
    return parse_definitions(text, "example.toml", context);
}

void check_section(std::span<const Key> keys, Type type, const std::vector<std::string>& rows,
                   const std::map<std::string, std::string>& least) {
    std::set<std::string> documented;
    for (const Key& key : keys) {
        const std::string wanted = row_of(key, type);
        CAPTURE(wanted);
        const auto row = std::ranges::find_if(
            rows, [&](const std::string& line) { return line.starts_with(wanted); });
        REQUIRE(row != rows.end());
        documented.insert(*row);
        const std::string example = row->substr(wanted.size(), row->rfind('`') - wanted.size());
        const ParsedFile parsed = parse_example(type, least, key.name, example);
        for (const Problem& problem : parsed.problems) MESSAGE(to_text(problem));
        REQUIRE(parsed.definitions.size() == 1);
        const auto shown = settings(parsed.definitions[0]);
        CHECK_MESSAGE(
            std::ranges::count(shown, key.name, [](const auto& s) { return s.first; }) == 1,
            "the example sets the key to its default: ", example);
    }
    for (const std::string& row : rows) {
        CAPTURE(row);
        CHECK_MESSAGE(documented.contains(row), "documents a key that is not there");
    }
}

TEST_CASE("every key is documented with its default and limits, and its example parses") {
    std::map<std::string, std::vector<std::string>> sections;  // Rows below each heading.
    std::string heading;
    for (const std::string& line : document()) {
        if (line.starts_with("## ")) heading = line.substr(3);
        if (line.starts_with("| `") && line[3] != '$') sections[heading].push_back(line);
    }
    check_section(common_keys(), Type::http, sections["Keys of every check"],
                  least_check(sections["http"]));
    for (const std::string_view name : type_names()) {
        const auto& rows = sections[std::string(name)];
        check_section(keys_of(*type_from(name)), *type_from(name), rows, least_check(rows));
    }
    CHECK(sections.size() == type_names().size() + 1);
}

TEST_CASE("every key of a step is documented below its type") {
    const std::vector<std::string> lines = document();
    for (const Key& key : journey_step_keys()) {
        const std::string line = fmt::format("* `{}`: {}", key.name, key.meaning);
        CAPTURE(line);
        CHECK(std::ranges::count(lines, line) == 1);
    }
}

TEST_CASE("every TOML block of the documentation parses without a problem") {
    const std::vector<std::string> lines = document();
    std::size_t blocks = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (lines[i] != "```toml") continue;
        std::string text;
        for (++i; lines[i] != "```"; ++i) text += lines[i] + "\n";
        CAPTURE(text);
        const ParsedFile parsed = parse_definitions(text, "CHECKS.md", context);
        for (const Problem& problem : parsed.problems) MESSAGE(to_text(problem));
        CHECK(parsed.problems.empty());
        CHECK_FALSE(parsed.definitions.empty());
        ++blocks;
    }
    CHECK(blocks >= type_names().size());
}

TEST_CASE("the errors that the documentation shows are the ones that picket prints") {
    const std::vector<std::string> lines = document();
    const auto begin = std::ranges::find(lines, "<!-- faulty -->");
    REQUIRE(begin != lines.end());
    std::string text;
    std::string shown;
    auto line = std::next(begin, 2);
    for (; *line != "```"; ++line) text += *line + "\n";
    line = std::find(line + 1, lines.end(), "```text");
    for (++line; *line != "```"; ++line) shown += *line + "\n";
    std::string printed;
    const std::string file = "/etc/picket/checks.d/web.toml";
    for (const Problem& problem : parse_definitions(text, file, context).problems) {
        printed += to_text(problem) + "\n";
    }
    CHECK(printed == shown);
}

}  // namespace
}  // namespace picket::checks
