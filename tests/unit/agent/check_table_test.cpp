#include "agent/check_table.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace picket {
namespace {

using namespace std::chrono_literals;

const Instant start{1000s};
constexpr WallTime noon = WallTime(1'795'402'800s);
const checks::ParseContext context{
    "a1", [](checks::Source, std::string_view) { return Result<std::string>(std::string()); }};
const std::string homepage = "[tcp.homepage]\naddress = \"a:1\"\n";

// A lone agent's checks.
struct Table {
    CheckTable checks;
    checks::Catalogue catalogue;
    std::vector<std::unique_ptr<checks::Definition>> retired;

    CheckTable::Changes define(const std::string& text, WallTime wall = noon) {
        std::vector<DropInFile> files;
        if (!text.empty()) files.push_back({"web.toml", "/etc/web.toml", text, {}, false});
        auto loaded = checks::load_catalogue(std::move(catalogue), files, context);
        catalogue = std::move(loaded.next);
        for (auto& definition : loaded.retired) retired.push_back(std::move(definition));
        return checks.apply(catalogue, loaded.diff, start, wall);
    }
    Witness& witness() { return *checks.at(checks::check_key("homepage")).witness; }
    void attempts(bool passes, Duration at) {
        for (int i = 0; i < 3; ++i, at += 1s) {
            const auto outcome =
                passes ? checks::passed(5ms, "open")
                       : checks::failed(checks::FailureClass::refused, 1ms, "refused");
            witness().on_run({start + at, start + at, noon + at, noon + at, outcome});
        }
    }
};

TEST_CASE("the outage of a check that is no longer defined ends, and its number is used up") {
    Table table;
    CHECK(table.define(homepage).let_go.empty());
    table.attempts(true, 0s);
    table.attempts(false, 10s);
    REQUIRE(table.witness().verdict().epoch == 1);

    const auto changes = table.define("", noon + 1min);
    REQUIRE(changes.let_go.size() == 1);
    const storage::Outage& outage = changes.let_go[0].outage;
    CHECK(outage.check == "homepage");
    CHECK(outage.epoch == 1);
    CHECK(outage.opened == noon + 12s);
    CHECK(outage.closed == noon + 1min);
    CHECK(outage.message == "refused [ended: no longer defined]");
    CHECK(changes.let_go[0].verdict.epoch == 2);

    table.define(homepage, noon + 2min);
    CHECK(table.witness().verdict().epoch == 2);
    table.attempts(false, 3min);
    CHECK(table.witness().verdict().epoch == 3);
}

TEST_CASE("a check that was up when it was disabled goes on counting its outages") {
    Table table;
    table.define(homepage);
    table.attempts(false, 0s);
    table.attempts(true, 30s);
    REQUIRE(table.witness().verdict().epoch == 2);
    CHECK(table.define(homepage + "enabled = false\n").let_go.empty());
    table.define(homepage);
    CHECK(table.witness().verdict().epoch == 2);
}

TEST_CASE("a check that is disabled while it is down is no outage any more") {
    Table table;
    table.define(homepage);
    table.attempts(false, 0s);
    const auto changes = table.define(homepage + "enabled = false\n", noon + 1min);
    REQUIRE(changes.let_go.size() == 1);
    CHECK(changes.let_go[0].outage.message == "refused [ended: disabled by its definition]");
}

TEST_CASE("outages of checks that were removed while no agent ran end at its start") {
    const auto open = [](const char* check) {
        storage::Outage outage;
        outage.check = check;
        outage.epoch = 5;
        outage.opened = noon - 1h;
        return outage;
    };
    storage::Loaded loaded;
    loaded.open_outages = {open("homepage"), open("gone"), open("root@a1")};
    Table table;
    table.define(homepage);
    const auto ended = table.checks.let_go_meanwhile(loaded, noon);
    REQUIRE(ended.size() == 2);
    CHECK(ended[0].outage.check == "gone");
    CHECK(ended[0].outage.closed == noon);
    CHECK(ended[0].outage.message == "[ended: no longer defined]");
    CHECK(ended[0].verdict.epoch == 6);
    CHECK(ended[1].outage.check == "root@a1");

    // In a mesh others may carry what this agent does not.
    CheckTable meshed(true);
    const auto own = meshed.let_go_meanwhile(loaded, noon);
    REQUIRE(own.size() == 1);
    CHECK(own[0].outage.check == "root@a1");
}

TEST_CASE("the outage of a check whose file is faulty at the start goes on") {
    storage::Loaded loaded;
    loaded.open_outages.emplace_back().check = "homepage";
    Table table;
    table.define(homepage + "intervall = \"10s\"\n");
    CHECK(table.checks.let_go_meanwhile(loaded, noon).empty());
}

}  // namespace
}  // namespace picket
