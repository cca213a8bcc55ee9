#include "agent/recorder.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/io/loop.h"
#include "storage/database.h"
#include "tests/unit/storage/temporary_directory.h"

namespace picket {
namespace {

using storage::MeshRecord;
using storage::TemporaryDirectory;

std::unique_ptr<Recorder> recorder_in(io::Loop& loop, const std::string& state_dir) {
    return std::make_unique<Recorder>(
        loop, Recorder::Options{.state_dir = state_dir, .retention = {}},
        [](const storage::Loaded&) {}, [] {});
}

// What is in the file, for whoever opens it now.
std::string stored(const TemporaryDirectory& directory, const std::string& key) {
    auto database =
        storage::Database::open(directory.file("picket.db"), storage::OpenMode::read_only);
    REQUIRE(database);
    auto row = database->prepare("SELECT bytes FROM mesh_records WHERE key = ?1");
    REQUIRE(row);
    row->bind(std::string_view(key));
    return row->step().value() ? row->blob(0) : std::string();
}

TEST_CASE("a fact that is acted on is in the file before it is told to be, in order") {
    const TemporaryDirectory directory;
    io::Loop loop;
    auto recorder = recorder_in(loop, directory.path());
    REQUIRE(recorder->open());
    std::vector<std::string> told;
    for (const std::string key : {"a", "b"}) {
        recorder->record_durably(MeshRecord{"verdict", key, "of " + key, {}},
                                 [&, key](const Status& written) {
                                     CHECK(written);
                                     CHECK(stored(directory, key) == "of " + key);
                                     told.push_back(key);
                                 });
        CHECK(told.empty());
    }
    while (told.size() < 2) loop.run_once();
    CHECK(told == std::vector<std::string>{"a", "b"});
    recorder->finish([] {});
}

TEST_CASE("who waits for a fact is told at once when there is nothing to write to") {
    const TemporaryDirectory directory;
    storage::write_bytes(directory.file("file"), "");
    io::Loop loop;
    auto recorder = recorder_in(loop, directory.file("file"));
    REQUIRE(recorder->open());
    int refused = 0;
    recorder->record_durably(MeshRecord{"verdict", "a", "1", {}}, [&](const Status& written) {
        REQUIRE_FALSE(written);
        CHECK(written.error().message() == "open " + directory.file("file") + ": not a directory");
        ++refused;
        // Asking again from within is as good as later.
        if (refused == 1) {
            recorder->record_durably(MeshRecord{"verdict", "b", "1", {}}, [&](const Status& again) {
                CHECK_FALSE(again);
                ++refused;
            });
            CHECK(refused == 1);
        }
    });
    CHECK(refused == 0);
    while (refused < 2) loop.run_once();
    CHECK(recorder->writer().facts_waiting() == 2);
}

}  // namespace
}  // namespace picket
