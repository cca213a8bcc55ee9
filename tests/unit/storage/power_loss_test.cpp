#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "storage/database.h"
#include "storage/history_writer.h"
#include "storage/store.h"
#include "tests/support/power_loss_vfs.h"
#include "tests/unit/storage/stored_points.h"
#include "tests/unit/storage/temporary_directory.h"

namespace picket::storage {
namespace {

using namespace std::chrono_literals;
using testing::PowerLossVfs;

constexpr WallTime night = WallTime(1'795'402'800s);

HistoryRow outcome(std::int64_t number) {
    HistoryRow row;
    row.check = "check-" + std::to_string(number % 3);
    row.outcome.at = night + number * 1ms;
    row.outcome.message = "message " + std::to_string(number % 200);
    row.interval = 3ms;
    return row;
}

// What a machine finds when its power is back.
void check_left_behind(const std::string& directory, std::int64_t durable, std::int64_t tried) {
    auto opened = Store::open(directory, night);
    REQUIRE_MESSAGE(opened, opened.error().message());
    REQUIRE(opened->problem.empty());
    const auto next = opened->loaded.agent_facts.find("next");
    const std::int64_t found =
        next == opened->loaded.agent_facts.end() ? 0 : std::stoll(next->second);
    REQUIRE(found >= durable);
    REQUIRE(found <= tried);
    const std::string path = directory + "/picket.db";
    std::vector<std::int64_t> numbers;
    for (const HistoryPoint& point : stored_points(path)) {
        numbers.push_back((point.outcome.at - night) / 1ms);
    }
    std::sort(numbers.begin(), numbers.end());
    // Outcomes that came after the last fact may be there too, without a hole.
    REQUIRE(static_cast<std::int64_t>(numbers.size()) >= found);
    REQUIRE(static_cast<std::int64_t>(numbers.size()) <= tried);
    for (std::size_t each = 0; each < numbers.size(); ++each) {
        REQUIRE(numbers[each] == static_cast<std::int64_t>(each));
    }
    auto database = Database::open(path, OpenMode::read_write);
    REQUIRE(database);
    auto check = database->prepare("PRAGMA integrity_check");
    REQUIRE(check);
    REQUIRE(check->step().value());
    REQUIRE(check->text(0) == "ok");
}

TEST_CASE("without power, at every sync, what was told to be on disk is, and all of it is sound" *
          doctest::test_suite("long")) {
    const TemporaryDirectory live;
    const TemporaryDirectory scratch;
    Random random(1);
    std::int64_t durable = 0;
    std::int64_t tried = 0;
    int syncs = 0;
    const PowerLossVfs* disk = nullptr;
    const PowerLossVfs vfs(live.path() + "/", [&] {
        // The very first ones are of a file that is not yet one.
        ++syncs;
        CAPTURE(syncs);
        for (const auto unsynced :
             {PowerLossVfs::Unsynced::lost, PowerLossVfs::Unsynced::partly_there}) {
            disk->leave_behind(scratch.file("disk"), unsynced, random);
            check_left_behind(scratch.file("disk"), durable, tried);
        }
    });
    disk = &vfs;
    auto opened = Store::open(live.path(), night);
    REQUIRE(opened);
    std::int64_t number = 0;
    for (int commit = 0; commit < 160; ++commit) {
        Batch batch;
        for (int each = 0; each < 50; ++each) batch.outcomes.push_back(outcome(number++));
        const bool with_fact = commit % 4 == 0;
        if (with_fact) batch.facts.emplace_back(AgentFact{"next", std::to_string(number)});
        tried = number;
        const auto written = opened->store.write(batch, night);
        REQUIRE_MESSAGE(written, written.error().message());
        if (with_fact) durable = number;
    }
    CHECK(syncs > 40);
    CHECK(durable > 7'000);
}

TEST_CASE("on a disk that turns read-only nothing is lost, and writing goes on once it may") {
    const TemporaryDirectory live;
    PowerLossVfs vfs(live.path() + "/", [] {});
    auto opened = Store::open(live.path(), night);
    REQUIRE(opened);
    std::int64_t number = 0;
    const auto write = [&] {
        Batch batch;
        for (std::int64_t each = 0; each < 50; ++each) {
            batch.outcomes.push_back(outcome(number + each));
        }
        const auto written = opened->store.write(batch, night);
        if (written) number += 50;
        return written;
    };
    for (int commit = 0; commit < 20; ++commit) REQUIRE(write());
    vfs.refuse_writes(PowerLossVfs::Refusal::read_only);
    for (int commit = 0; commit < 20; ++commit) {
        const auto refused = write();
        REQUIRE_FALSE(refused);
        CHECK(refused.error().code() == Code::io);
        // Readers are not disturbed.
        CHECK(stored_points(live.path() + "/picket.db").size() == 1'000);
    }
    vfs.refuse_writes(PowerLossVfs::Refusal::none);
    for (int commit = 0; commit < 60; ++commit) REQUIRE(write());
    CHECK(stored_points(live.path() + "/picket.db").size() == 4'000);
}

// The agent's writer and store at a hundred outcomes a second; the minute is made up.
TEST_CASE("a disk that is full for a minute costs what memory cannot hold, counted, and no more") {
    for (const std::size_t rows_max : {std::size_t{65'536}, std::size_t{2'000}}) {
        CAPTURE(rows_max);
        const TemporaryDirectory live;
        PowerLossVfs vfs(live.path() + "/", [] {});
        auto opened = Store::open(live.path(), night);
        REQUIRE(opened);
        HistoryWriter writer({.rows_max = rows_max});
        Instant now{};
        std::int64_t number = 0;
        const auto pass = [&](Duration length) {
            for (const Instant end = now + length; now < end; now += 10ms) {
                writer.append(now, outcome(number++));
                const auto batch = writer.poll_batch(now);
                if (!batch) continue;
                const auto written = opened->store.write(*batch, night + now.time_since_epoch());
                if (!written) CHECK(written.error().code() == Code::exhausted);
                writer.on_written(now, written ? Status() : tl::make_unexpected(written.error()));
            }
        };
        pass(10s);
        vfs.refuse_writes(PowerLossVfs::Refusal::full);
        const std::int64_t first_refused = static_cast<std::int64_t>(writer.rows_written());
        pass(1min);
        CHECK(writer.batches_failed() >= 100);
        CHECK(static_cast<std::int64_t>(writer.rows_written()) == first_refused);
        CHECK(writer.rows_waiting() >= std::min<std::size_t>(rows_max, 6'000));
        vfs.refuse_writes(PowerLossVfs::Refusal::none);
        pass(2s);
        const auto dropped = static_cast<std::int64_t>(writer.rows_dropped());
        CHECK((dropped == 0) == (rows_max > 6'100));
        CHECK(writer.rows_waiting() < 100);

        // All but those dropped, each once; what was dropped is one stretch, the oldest that
        // waited.
        std::vector<std::int64_t> numbers;
        for (const HistoryPoint& point : stored_points(live.path() + "/picket.db")) {
            numbers.push_back((point.outcome.at - night) / 1ms);
        }
        std::sort(numbers.begin(), numbers.end());
        REQUIRE(static_cast<std::int64_t>(numbers.size()) ==
                number - dropped - static_cast<std::int64_t>(writer.rows_waiting()));
        std::int64_t missed = 0;
        for (std::size_t each = 0; each < numbers.size(); ++each) {
            const std::int64_t missing = numbers[each] - static_cast<std::int64_t>(each);
            if (missing != missed) CHECK(missing == dropped);
            missed = missing;
        }
        CHECK(missed == dropped);
    }
}

}  // namespace
}  // namespace picket::storage
