// What becomes of a file that a disk or a memory has damaged.

#include "storage/salvage.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "storage/database.h"
#include "storage/store.h"
#include "tests/unit/storage/stored_points.h"
#include "tests/unit/storage/temporary_directory.h"

namespace picket::storage {
namespace {

using namespace std::chrono_literals;

constexpr WallTime night = WallTime(1'795'402'800s);
constexpr std::size_t page_bytes = 4'096;
constexpr int rounds = 900;

HistoryRow outcome(int check, int number) {
    HistoryRow row;
    row.check = "check-" + std::to_string(check);
    row.outcome.at = night + number * 10s + check * 1ms;
    row.outcome.latency = Duration(2'000 + number % 700);
    row.outcome.finding = number % 50 == 0 ? checks::Finding::failed : checks::Finding::passed;
    if (number % 50 == 0) row.outcome.message = "message " + std::to_string(number);
    row.interval = 10s;
    return row;
}

// Five checks with chunks, heads and a journal, and facts of each kind.
void write_history(const std::string& directory) {
    auto opened = Store::open(directory, night);
    REQUIRE(opened);
    for (int number = 0; number < rounds; ++number) {
        Batch batch;
        for (int check = 0; check < 5; ++check) batch.outcomes.push_back(outcome(check, number));
        if (number % 10 == 0) {
            const auto epoch = static_cast<std::uint32_t>(number);
            Transition transition;
            transition.check = "check-1";
            transition.at = night;
            transition.epoch = epoch;
            transition.state = "up";
            batch.facts.emplace_back(transition);
            Outage outage;
            outage.check = "check-2";
            outage.epoch = epoch;
            outage.opened = outage.first_failure = night;
            outage.closed = night + 1s;
            batch.facts.emplace_back(outage);
            MeshRecord record;
            record.kind = "verdict";
            record.key = std::to_string(number);
            record.bytes = "12345";
            batch.facts.emplace_back(record);
        }
        REQUIRE(opened->store.write(batch, night));
    }
}

struct Contents {
    std::map<std::string, std::vector<std::int64_t>> times;  // By check.
    std::int64_t transitions = 0;
    std::int64_t outages = 0;
    std::int64_t mesh_records = 0;
    std::uint64_t passed = 0;  // By the rollups.

    friend bool operator==(const Contents&, const Contents&) = default;
};

Contents contents(const std::string& path) {
    Contents found;
    auto reader = HistoryReader::open(path);
    REQUIRE_MESSAGE(reader, reader.error().message());
    const auto names = reader->check_names();
    REQUIRE(names);
    for (const std::string& check : *names) {
        for (const HistoryPoint& point : stored_points(path, check)) {
            found.times[check].push_back(to_milliseconds(point.outcome.at));
        }
        const auto totals = reader->totals(check, night, night + 24h);
        REQUIRE_MESSAGE(totals, totals.error().message());
        found.passed += totals->passed;
    }
    auto database = Database::open(path, OpenMode::read_only);
    REQUIRE(database);
    found.transitions = database->integer("SELECT count(*) FROM transitions").value();
    found.outages = database->integer("SELECT count(*) FROM outages").value();
    found.mesh_records = database->integer("SELECT count(*) FROM mesh_records").value();
    return found;
}

// An agent starts, and goes on until it has read its whole file over; returns what it told.
std::string live_on(const std::string& directory) {
    auto opened = Store::open(directory, night);
    REQUIRE_MESSAGE(opened, opened.error().message());
    std::string told = opened->problem;
    // From somewhere to the end, and from the beginning to the end.
    for (int passes = 0; passes < 2;) {
        RetentionLimits limits;
        limits.checked_pages_max = limits.pages_per_step_max = 4'096;
        const auto pruned = opened->store.prune(night, limits);
        REQUIRE_MESSAGE(pruned, pruned.error().message());
        if (!pruned->more) ++passes;
    }
    const auto written = opened->store.write({}, night);
    REQUIRE_MESSAGE(written, written.error().message());
    return told + written->problem;
}

bool integrity_is_ok(const std::string& path) {
    auto database = Database::open(path, OpenMode::read_write);
    REQUIRE(database);
    auto check = database->prepare("PRAGMA integrity_check");
    REQUIRE(check);
    return check->step().value() && check->text(0) == "ok";
}

class Damaged {
public:
    Damaged() {
        write_history(directory_.path());
        bytes_ = read_bytes(path());
        before_ = contents(path());
        REQUIRE(bytes_.size() >= 20 * page_bytes);
    }
    // Puts these bytes there, with nothing else beside them.
    void put(const std::string& bytes) const {
        for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
            std::filesystem::remove(entry.path());
        }
        write_bytes(path(), bytes);
    }
    std::string path() const { return directory_.file("picket.db"); }
    const std::string& directory() const { return directory_.path(); }
    const std::string& bytes() const { return bytes_; }
    const Contents& before() const { return before_; }

private:
    TemporaryDirectory directory_;
    std::string bytes_;
    Contents before_;
};

TEST_CASE("a byte that flips anywhere is noticed, the file set aside, and nothing lost" *
          doctest::test_suite("long")) {
    const Damaged damaged;
    Random random(1);
    for (int round = 0; round < 60; ++round) {
        // All of the header's kinds, and anything.
        const std::size_t at = round < 24 ? static_cast<std::size_t>(round) * 4 + random.below(4)
                                          : random.below(damaged.bytes().size());
        CAPTURE(round);
        CAPTURE(at);
        std::string bytes = damaged.bytes();
        bytes[at] = static_cast<char>(bytes[at] + 1 + static_cast<char>(random.below(255)));
        damaged.put(bytes);
        const std::string told = live_on(damaged.directory());
        CHECK(told.find("set aside as " + damaged.path() + ".corrupt-") != std::string::npos);
        CHECK_MESSAGE(told.find("which is all") != std::string::npos, told);
        CHECK(contents(damaged.path()) == damaged.before());
        CHECK(integrity_is_ok(damaged.path()));
    }
}

// Whether what is there came about in this order.
bool is_part_of(const std::vector<std::int64_t>& part, const std::vector<std::int64_t>& whole) {
    auto next = whole.begin();
    for (const std::int64_t each : part) {
        next = std::find(next, whole.end(), each);
        if (next == whole.end()) return false;
        ++next;
    }
    return true;
}

TEST_CASE("of a page that is gone, all that was elsewhere is salvaged, and nothing twice" *
          doctest::test_suite("long")) {
    const Damaged damaged;
    const std::size_t pages = damaged.bytes().size() / page_bytes;
    std::size_t most = 0;
    int hopeless = 0;
    for (std::size_t page = 1; page < pages; ++page) {
        CAPTURE(page);
        std::string bytes = damaged.bytes();
        bytes.replace(page * page_bytes, page_bytes, page_bytes, '\x5a');
        damaged.put(bytes);
        const std::string told = live_on(damaged.directory());
        CHECK(told.find("set aside as") != std::string::npos);
        CHECK(integrity_is_ok(damaged.path()));
        if (told.find("history begins anew") != std::string::npos) {
            ++hopeless;
            continue;
        }
        const Contents found = contents(damaged.path());
        CHECK(found.transitions <= damaged.before().transitions);
        CHECK(found.passed <= damaged.before().passed);
        std::size_t count = 0;
        for (const auto& [check, times] : found.times) {
            CAPTURE(check);
            count += times.size();
            if (check.starts_with("lost-")) continue;
            CHECK(is_part_of(times, damaged.before().times.at(check)));
        }
        most = std::max(most, count);
        // A page of a table's root leads to all of it; any other holds little.
        CHECK(found.mesh_records + found.outages + found.transitions >= 90);
    }
    CHECK(most == 5 * rounds);
    CHECK(hopeless <= 3);  // Those that say which tables there are.
}

TEST_CASE("without their heads, checks go on where their chunks end") {
    const Damaged damaged;
    const TemporaryDirectory scratch;
    {
        auto database = Database::open(damaged.path(), OpenMode::read_write);
        REQUIRE(database);
        REQUIRE(database->execute("DELETE FROM heads"));
        database->tidy_on_close();
    }
    const auto salvaged = salvage(damaged.path(), scratch.file("picket.db"));
    REQUIRE_MESSAGE(salvaged, salvaged.error().message());
    CHECK(contents(scratch.file("picket.db")) == damaged.before());
}

}  // namespace
}  // namespace picket::storage
