// What the CLI says of history: years of it, with an agent and without, exported and replayed.

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "storage/store.h"
#include "tests/support/servers.h"
#include "tests/support/test_agent.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;

// Up also where the machine has no time for it now and then.
const std::string dummy =
    "[command.one]\ncommand = [\"/usr/lib/nagios/plugins/check_dummy\", \"0\"]\ninterval = "
    "\"500ms\"\ntimeout = \"450ms\"\nfail_after = 100\n";
constexpr Duration dummy_interval = 500ms;

Finished picket(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {program("picket"), "--socket", "/nonexistent"});
    return run(arguments);
}

Json document(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    const Finished finished = picket(std::move(arguments));
    REQUIRE_MESSAGE(finished.exit_code == 0, finished.errors);
    return Json::parse(finished.output);
}

// Waits until the agent has this many outcomes of the check on disk.
void await_points(const TestAgent& agent, const std::string& check, std::size_t count) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (agent.json({"history", check})["points"].size() < count) {
        REQUIRE(std::chrono::steady_clock::now() < deadline);
    }
}

// Two years of a check that is asked every two minutes, up to `end`. Every week it was down for
// an hour; in the second February nobody looked for four weeks.
void write_two_years(const std::string& directory, WallTime end) {
    const WallTime begin = end - 730 * 24h;
    auto opened = storage::Store::open(directory, begin);
    REQUIRE(opened);
    storage::Batch batch;
    storage::HistoryRow row;
    row.check = "homepage";
    row.interval = 2min;
    std::uint32_t epoch = 1;
    for (std::int64_t i = 0; i < 730 * 24 * 30; ++i) {
        row.outcome.at = begin + i * 2min;
        const bool fails = i % (7 * 720) >= 5'000 && i % (7 * 720) < 5'030;
        if (i % (7 * 720) == 5'000) {
            storage::Outage outage;
            outage.check = row.check;
            outage.epoch = epoch;
            outage.scope = "total";
            outage.opened = outage.first_failure = row.outcome.at;
            outage.closed = row.outcome.at + 1h;
            batch.facts.emplace_back(outage);
            epoch += 2;
        }
        if (i >= 400 * 720 && i < 428 * 720) continue;
        row.outcome.finding = fails ? checks::Finding::failed : checks::Finding::passed;
        row.outcome.failure_class =
            fails ? checks::FailureClass::refused : checks::FailureClass::none;
        row.outcome.latency = Duration{static_cast<std::int64_t>(
            20'000 * std::exp(0.3 * std::sin(static_cast<double>(i) * 0.1)))};
        batch.outcomes.push_back(row);
        if (batch.outcomes.size() < 20'000) continue;
        REQUIRE(opened->store.write(batch, row.outcome.at));
        batch = {};
    }
    REQUIRE(opened->store.write(batch, end));
}

TEST_CASE("two years of history are opened by the command line, whatever is asked of them") {
    const TemporaryDirectory directory;
    const WallTime end = WallTime(1'795'402'800s);
    write_two_years(directory.path(), end);
    const std::string database = directory.path("picket.db");
    const std::vector<std::string> window{
        "--since", format_time(end - 730 * 24h), "--until", format_time(end), "--db", database};
    const auto ask = [&](std::vector<std::string> words) {
        words.insert(words.end(), window.begin(), window.end());
        return words;
    };

    const Json history = document(ask({"history", "homepage"}));
    CHECK(history["resolution_seconds"] == 12 * 3600);
    CHECK(history["outages"].size() == 104);
    std::uint64_t passed = 0;
    double unseen = 0;
    for (const Json& slot : history["points"]) {
        passed += slot["passed"].get<std::uint64_t>();
        unseen += slot["not_observed_seconds"].get<double>();
    }
    CHECK(passed > 500'000);
    // The first slot begins three hours before the first outcome.
    CHECK(unseen == doctest::Approx(28 * 86'400 + 3 * 3'600).epsilon(0.001));

    const Finished plot = picket(ask({"history", "homepage", "--plot", "--no-color"}));
    CHECK(plot.exit_code == 0);
    std::istringstream lines(plot.output);
    for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
    CHECK(plot.output.find("state |") != std::string::npos);

    const Json availability = document(ask({"availability", "homepage", "--slo", "99"}));
    const Json& one = availability["checks"][0];
    CHECK(one["not_observed_seconds"].get<double>() == doctest::Approx(28 * 86'400).epsilon(0.01));
    CHECK(one["down_seconds"].get<double>() == doctest::Approx(100 * 3'600).epsilon(0.01));
    CHECK(one["latency_ms"]["p50"].get<double>() == doctest::Approx(20).epsilon(0.03));

    const Json day = document({"history", "homepage", "--db", database, "--since",
                               format_time(end - 24h), "--until", format_time(end)});
    CHECK(day["resolution_seconds"] == 0);
    CHECK(day["points"].size() == 720);

    const Finished exported = picket({"export", "homepage", "--db", database, "--since",
                                      format_time(end - 48h), "--until", format_time(end)});
    CHECK(exported.exit_code == 0);
    CHECK(exported.output.find("{\"type\":\"end\"") != std::string::npos);
}

TEST_CASE("an agent and its file say the same, and the time it slept was not observed") {
    TestAgent agent;
    agent.define("one.toml", dummy);
    agent.start();
    await_points(agent, "one", 4);
    CHECK(agent.stop() == 0);
    // An outcome speaks for the time until the next one if that comes within two intervals.
    std::this_thread::sleep_for(2 * dummy_interval);
    agent.start();
    await_points(agent, "one", 8);
    const std::string until = agent.json({"history", "one"})["points"].back()["at"];
    const std::vector<std::string> window{"--since", "2020-01-01T00:00:00Z", "--until", until};
    const auto words = [&](const std::string& command, bool offline) {
        std::vector<std::string> all{command, "one"};
        all.insert(all.end(), window.begin(), window.end());
        if (offline) all.insert(all.end(), {"--db", agent.state_path("picket.db")});
        return all;
    };
    const Json history = agent.json(words("history", false));
    const Json availability = agent.json(words("availability", false));
    CHECK(document(words("history", true)) == history);
    CHECK(document(words("availability", true)) == availability);

    // Before its first start, and between its two lives.
    std::size_t gaps = 0;
    for (const Json& point : history["points"])
        gaps += point["finding"] == "not_observed" ? 1u : 0u;
    CHECK(gaps >= 2);
    CHECK(availability["checks"][0]["availability"] == 1.0);
    CHECK(availability["checks"][0]["down_seconds"] == 0);

    CHECK(agent.stop() == 0);
    const Finished instead = agent.picket({"availability", "one"});
    CHECK(instead.exit_code == 3);  // The default database is another one.
    const Json later = document(words("history", true));
    CHECK(later == history);
}

TEST_CASE("a check under maintenance is not observed from that moment on, and says why") {
    // Asked so rarely that its last outcome would speak for the whole test.
    const std::string rarely =
        "[command.one]\ncommand = [\"/usr/lib/nagios/plugins/check_dummy\", \"0\"]\ninterval = "
        "\"1h\"\n";
    TestAgent agent;
    agent.define("one.toml", rarely);
    agent.start();
    await_points(agent, "one", 1);
    const std::string begin = agent.json({"history", "one"})["points"].back()["at"];
    const auto points = [&] {
        return document({"history", "one", "--raw", "--since", begin, "--db",
                         agent.state_path("picket.db")})["points"];
    };
    const auto await_last = [&](const std::string& finding) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (points().back()["finding"] != finding) {
            REQUIRE(std::chrono::steady_clock::now() < deadline);
        }
        return points();
    };
    REQUIRE(await_last("passed").size() == 1);

    agent.define("one.toml", rarely + "enabled = false\n");
    const Json disabled = await_last("not_observed");
    REQUIRE(disabled.size() == 2);
    CHECK(disabled[1]["message"] == "disabled by its definition");
    const Json meanwhile = document({"availability", "one", "--since", begin, "--db",
                                     agent.state_path("picket.db")})["checks"][0];
    CHECK(meanwhile["not_observed_seconds"].get<double>() > 0);
    CHECK(meanwhile["down_seconds"] == 0);

    agent.define("one.toml", rarely);
    const Json again = await_last("passed");
    REQUIRE(again.size() == 3);
    CHECK(again[1]["at"] == disabled[1]["at"]);
    CHECK(again[1]["until"] == again[2]["at"]);

    agent.undefine("one.toml");
    CHECK(await_last("not_observed").back()["message"] == "no longer defined");
}

TEST_CASE("an export beside a running agent has each outcome once") {
    TestAgent agent;
    agent.define("one.toml", dummy);
    agent.start();
    await_points(agent, "one", 4);
    const std::string until = agent.json({"history", "one"})["points"].back()["at"];
    // The agent says where its file is.
    const Finished exported = agent.picket({"export", "one", "--until", until});
    REQUIRE_MESSAGE(exported.exit_code == 0, exported.errors);
    std::size_t outcomes = 0;
    std::string last;
    std::istringstream lines(exported.output);
    for (std::string line; std::getline(lines, line);) {
        const Json parsed = Json::parse(line);
        if (parsed["type"] == "outcome") {
            ++outcomes;
            CHECK(parsed["at"].get<std::string>() >= last);
            last = parsed["at"];
        }
    }
    std::size_t points = 0;
    const Json history =
        agent.json({"history", "one", "--since", "2020-01-01T00:00:00Z", "--until", until});
    for (const Json& point : history["points"]) {
        points += point["finding"] == "not_observed" ? 0u : 1u;
    }
    CHECK(outcomes == points);
    const std::string file = agent.directory().path("out.sqlite");
    CHECK(agent.picket({"export", "--output", file}).exit_code == 0);
    CHECK(agent.picket({"export", "--output", file}).exit_code == 1);
}

TEST_CASE("a replay decides what was decided, and shows what other limits would have") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200; } }");
    TestAgent agent;
    const std::string definition =
        "[http.homepage]\nurl = \"" + web.url() + "\"\ninterval = \"2s\"\ntimeout = \"1900ms\"\n";
    agent.define("web.toml", definition);
    agent.start();
    agent.await_state("homepage", "up");
    web.stop();
    agent.await_state("homepage", "down");
    web.start();
    agent.await_state("homepage", "up");
    CHECK(agent.stop() == 0);

    const auto replay = [&](const std::string& text) {
        const std::string file = agent.directory().write("trial.toml", text);
        return document({"replay", file, "--since", "1h", "--db", agent.state_path("picket.db"),
                         "--config", agent.config_path()})["checks"][0];
    };
    const Json same = replay(definition);
    CHECK(same["decided_outages"] == 1);
    CHECK(same["replayed_outages"] == 1);
    REQUIRE(same["outages"].size() == 1);
    const Json& pair = same["outages"][0];
    CHECK(pair["decided"]["id"] == "homepage#1");
    CHECK(pair["replayed"]["class"] == pair["decided"]["class"]);
    CHECK(pair["replayed"]["to"].is_string());
    CHECK(same["replayed_down_seconds"].get<double>() ==
          doctest::Approx(same["decided_down_seconds"].get<double>()).epsilon(0.2));

    CHECK(replay(definition + "fail_after = 100\n")["replayed_outages"] == 0);
    const Json strict = replay(definition + "latency = \"1ms\"\n");
    CHECK(strict["judged_otherwise"].get<int>() + strict["outcomes"].get<int>() > 0);
    CHECK(replay("[http.other]\nurl = \"" + web.url() + "\"\n")["stored"] == false);

    const Finished told =
        run({program("picket"), "replay", agent.directory().write("trial.toml", definition),
             "homepage", "--since", "1h", "--db", agent.state_path("picket.db"), "--config",
             agent.config_path(), "--no-color"});
    CHECK(told.exit_code == 0);
    CHECK(told.output.find("DECIDED (UTC)") != std::string::npos);
}

}  // namespace
}  // namespace picket::testing
