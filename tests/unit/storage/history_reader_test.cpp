#include "storage/history_reader.h"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/entry.h"
#include "storage/store.h"
#include "tests/unit/storage/temporary_directory.h"

namespace picket::storage {
namespace {

using namespace std::chrono_literals;
using checks::Finding;

constexpr WallTime night = WallTime(1'795'402'800s);

// A state directory that the agent of this test has written.
class Written {
public:
    Written() {
        auto opened = Store::open(directory.path(), night);
        REQUIRE(opened);
        store.emplace(std::move(opened->store));
    }

    void outcome(WallTime at, Duration latency, Finding finding = Finding::passed) {
        HistoryRow row;
        row.check = "web";
        row.outcome.at = at;
        row.outcome.finding = finding;
        row.outcome.latency = latency;
        batch.outcomes.push_back(row);
    }
    void commit() {
        REQUIRE(store->write(batch, night));
        batch = {};
    }
    HistoryReader reader() {
        auto opened = HistoryReader::open(directory.file("picket.db"));
        REQUIRE(opened);
        return *std::move(opened);
    }

    TemporaryDirectory directory;
    std::optional<Store> store;
    Batch batch;
};

TEST_CASE("a stretch of time holds its beginning and not its end, oldest first") {
    Written written;
    for (int second = 0; second < 10; ++second) written.outcome(night + second * 1s, 1ms);
    written.commit();
    auto reader = written.reader();
    const auto range = reader.outcomes("web", night + 3s, night + 6s);
    REQUIRE(range);
    CHECK_FALSE(range->truncated);
    REQUIRE(range->outcomes.size() == 3);
    CHECK(range->outcomes.front().at == night + 3s);
    CHECK(range->outcomes.back().at == night + 5s);
    CHECK(reader.outcomes("web", night + 1h, night + 2h)->outcomes.empty());

    written.outcome(night + 4500ms, 1ms);
    written.commit();
    CHECK(reader.outcomes("web", night + 3s, night + 6s)->outcomes.size() == 4);
}

TEST_CASE("what is asked while the reader holds is answered from one state of the file") {
    Written written;
    written.outcome(night, 1ms);
    written.commit();
    auto reader = written.reader();
    const auto stored = [&] { return reader.outcomes("web", night, night + 1h)->outcomes.size(); };
    {
        const auto hold = reader.hold();
        REQUIRE(hold);
        CHECK(stored() == 1);
        written.outcome(night + 10s, 1ms);
        written.commit();
        CHECK(stored() == 1);
        CHECK(reader.totals("web", night, night + 1h)->passed == 1);
        CHECK_FALSE(reader.outcomes("mail", night, night + 1h));
        CHECK(stored() == 1);
    }
    CHECK(stored() == 2);
}

TEST_CASE("asked about one check after the other, the answers are those of each alone") {
    Written written;
    const std::vector<std::string> names{"dns", "mail", "web"};
    // Sealed, saved in heads, and in the journal.
    for (int number = 0; number < 1'200; ++number) {
        for (std::size_t check = 0; check < names.size(); ++check) {
            if (number % 3 == static_cast<int>(check)) continue;
            HistoryRow row;
            row.check = names[check];
            row.interval = 10s;
            row.outcome.at = night + number * 10s;
            row.outcome.latency = 1ms * number;
            written.batch.outcomes.push_back(row);
        }
        if (number % 20 == 0) written.commit();
    }
    written.commit();
    auto alone = written.reader();
    auto together = written.reader();
    const auto all = together.hold_all();
    REQUIRE(all);
    for (const std::string& name : names) {
        const auto expected = alone.totals(name, night, night + 4h);
        const auto hold = together.hold();  // As each question takes it.
        REQUIRE(hold);
        const auto found = together.totals(name, night, night + 4h);
        REQUIRE(found);
        CHECK(found->passed == expected->passed);
        CHECK(found->passed > 700);
        CHECK(found->observed == expected->observed);
        CHECK(together.latency(name, night, night + 4h).value()->p95 ==
              alone.latency(name, night, night + 4h).value()->p95);
    }
}

TEST_CASE("of too many outcomes the newest are given, and that is said") {
    Written written;
    const auto count = static_cast<int>(HistoryReader::outcomes_max);
    for (int second = 0; second < count; ++second) written.outcome(night + second * 1s, 1ms);
    written.commit();
    auto reader = written.reader();
    auto range = reader.outcomes("web", night, night + 24h);
    REQUIRE(range);
    CHECK(range->outcomes.size() == HistoryReader::outcomes_max);
    CHECK_FALSE(range->truncated);

    written.outcome(night + count * 1s, 2ms);
    written.commit();
    range = reader.outcomes("web", night, night + 24h);
    REQUIRE(range);
    CHECK(range->truncated);
    REQUIRE(range->outcomes.size() == HistoryReader::outcomes_max);
    CHECK(range->outcomes.front().at == night + 1s);
    CHECK(range->outcomes.back().latency == 2ms);
}

// As an entry keeps it: right to 2^-10.
Duration stored(Duration latency) {
    return Duration(latency_of(latency_code(latency.count())));
}

TEST_CASE("percentiles are of passed outcomes, by nearest rank") {
    Written written;
    for (int number = 1; number <= 200; ++number) {
        written.outcome(night + number * 7919ms % 1h, number * 1ms);
    }
    written.outcome(night + 1s, 3s, Finding::failed);
    written.outcome(night + 2h, 9s);
    written.commit();
    auto reader = written.reader();
    const auto summary = reader.latency("web", night, night + 1h);
    REQUIRE(summary);
    REQUIRE(summary->has_value());
    CHECK((*summary)->count == 200);
    CHECK((*summary)->p50 == stored(100ms));
    CHECK((*summary)->p95 == stored(190ms));
    CHECK((*summary)->p99 == stored(198ms));
    const auto one = reader.latency("web", night + 2h, night + 3h);
    REQUIRE(one);
    CHECK((*one)->p50 == stored(9s));
    CHECK((*one)->p99 == stored(9s));
    CHECK_FALSE(reader.latency("web", night + 3h, night + 4h)->has_value());
}

TEST_CASE("outages are found by check, by openness and by when they ended") {
    Written written;
    const auto put = [&](const char* check, std::uint32_t epoch, WallTime opened,
                         std::optional<WallTime> closed) {
        Outage outage;
        outage.check = check;
        outage.epoch = epoch;
        outage.scope = "total";
        outage.opened = opened;
        outage.closed = closed;
        outage.first_failure = opened - 1s;
        outage.message = "no";
        written.batch.facts.emplace_back(outage);
    };
    put("web", 1, night, night + 1min);
    put("web", 3, night + 1h, night + 3h);
    put("dns", 1, night + 2h, std::nullopt);
    put("web", 5, night + 4h, std::nullopt);
    written.commit();
    put("web", 5, night + 4h, night + 5h);  // It closes.
    written.commit();

    auto reader = written.reader();
    const auto shown = [&](const OutageQuery& query) {
        std::string text;
        const auto found = reader.outages(query);
        REQUIRE(found);
        for (const Outage& outage : *found) {
            text += outage.check + "#" + std::to_string(outage.epoch) + " ";
        }
        return text;
    };
    CHECK(shown({}) == "web#1 web#3 dns#1 web#5 ");
    CHECK(shown({.check = "", .open_only = true, .since = {}}) == "dns#1 ");
    CHECK(shown({.check = "", .open_only = false, .since = night + 2h}) == "web#3 dns#1 web#5 ");
    CHECK(shown({.check = "web", .open_only = false, .since = night + 4h}) == "web#5 ");
    CHECK(shown({.check = "web", .open_only = true, .since = {}}).empty());

    const auto one = reader.outage("web", 5);
    REQUIRE(one);
    CHECK(one->closed == night + 5h);
    CHECK(one->first_failure == night + 4h - 1s);
    CHECK(one->message == "no");
    CHECK(reader.outage("web", 7).error().code() == Code::not_found);
}

TEST_CASE("what the end of an outage does not say stays as it was stored") {
    Written written;
    Outage outage;
    outage.check = "web";
    outage.epoch = 1;
    outage.opened = night;
    outage.first_failure = night - 1s;
    written.batch.facts.emplace_back(outage);
    written.commit();
    auto reader = written.reader();
    CHECK(reader.outage("web", 1)->scope == "total");

    outage.scope = "partial";
    outage.failure_class = checks::FailureClass::refused;
    outage.message = "no";
    written.batch.facts.emplace_back(outage);
    outage.scope = outage.message = "";
    outage.failure_class = checks::FailureClass::none;
    outage.closed = night + 1min;
    written.batch.facts.emplace_back(outage);
    written.commit();
    const auto closed = reader.outage("web", 1);
    REQUIRE(closed);
    CHECK(closed->closed == night + 1min);
    CHECK(closed->scope == "partial");
    CHECK(closed->failure_class == checks::FailureClass::refused);
    CHECK(closed->message == "no");

    outage.closed.reset();  // Open again, as its check came back.
    written.batch.facts.emplace_back(outage);
    written.commit();
    CHECK_FALSE(reader.outage("web", 1)->closed);
}

TEST_CASE("the transitions of a check come in the order in which they came about") {
    Written written;
    for (std::uint32_t epoch = 1; epoch <= 3; ++epoch) {
        Transition transition;
        transition.check = "web";
        transition.at = night + (epoch == 2 ? 0min : epoch * 1min);  // The clock stepped back.
        transition.epoch = epoch;
        transition.state = "up";
        written.batch.facts.emplace_back(transition);
    }
    written.commit();
    auto reader = written.reader();
    const auto found = reader.transitions("web", night, night + 1h);
    REQUIRE(found);
    REQUIRE(found->size() == 3);
    CHECK((*found)[0].epoch == 1);
    CHECK((*found)[1].epoch == 2);
    CHECK((*found)[2].epoch == 3);
    CHECK(reader.transitions("web", night + 2min, night + 1h)->size() == 1);
}

TEST_CASE("a check that was never stored is not found, by name") {
    Written written;
    written.outcome(night, 1ms);
    written.commit();
    auto reader = written.reader();
    const auto refused = reader.outcomes("wbe", night, night + 1h);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Code::not_found);
    CHECK(refused.error().message() ==
          "wbe: no history of this check in " + written.directory.file("picket.db"));
    CHECK(*reader.check_names() == std::vector<std::string>{"web"});
}

TEST_CASE("history is read where no agent runs, after a clean stop and after none") {
    Written written;
    written.outcome(night, 1ms);
    written.commit();
    SUBCASE("clean") {
        written.store.reset();
    }
    SUBCASE("killed: file, log and index lie there") {}
    CHECK(written.reader().outcomes("web", night, night + 1h)->outcomes.size() == 1);
}

TEST_CASE("a stored value that means nothing is an error, not a guess") {
    Written written;
    written.outcome(night, 1ms);
    written.commit();
    auto database = Database::open(written.directory.file("picket.db"), OpenMode::read_write);
    REQUIRE(database);
    REQUIRE(database->execute("UPDATE journal SET entries = x'77'"));
    const auto refused = written.reader().outcomes("web", night, night + 1h);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Code::corrupt);
    CHECK(refused.error().message() ==
          "read " + written.directory.file("picket.db") + ": not a row of the journal");
}

}  // namespace
}  // namespace picket::storage
