#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/random.h"
#include "storage/database.h"
#include "tests/unit/storage/stored_points.h"
#include "tests/unit/storage/temporary_directory.h"

namespace picket::storage {
namespace {

// As in storage_writer.cpp.
constexpr WallTime base = WallTime(std::chrono::seconds(1'795'402'800));

// Beside the binary that this test is in.
std::string writer_program() {
    return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "storage_writer")
        .string();
}

// A writer at work, and the end of the pipe on which it reports.
class Writer {
public:
    explicit Writer(const std::string& state_dir) {
        const std::string program = writer_program();
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::dup2(ends[1], STDOUT_FILENO);
            ::execl(program.c_str(), "storage_writer", state_dir.c_str(), nullptr);
            ::_exit(127);
        }
        ::close(ends[1]);
        output_ = ends[0];
    }
    ~Writer() {
        if (pid_ > 0) kill();
        ::close(output_);
    }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    // Reads what is there; false at the end.
    bool read_some() {
        std::array<char, 4096> buffer{};
        const auto length = ::read(output_, buffer.data(), buffer.size());
        if (length <= 0) return false;
        text_.append(buffer.data(), static_cast<std::size_t>(length));
        return true;
    }
    // Waits for output, at most this long; false when the time is over.
    bool wait_for_output(std::int64_t microseconds) const {
        pollfd watched{output_, POLLIN, 0};
        const timespec limit{0, static_cast<long>(microseconds * 1000)};
        return ::ppoll(&watched, 1, &limit, nullptr) > 0;
    }
    std::size_t reports() const {
        return static_cast<std::size_t>(std::count(text_.begin(), text_.end(), '\n'));
    }
    void kill() {
        ::kill(pid_, SIGKILL);
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        killed_ = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        while (read_some()) {
        }
    }
    // It was still at work when the signal came.
    bool killed() const { return killed_; }

    // The number in the last whole report; 0 before the first.
    std::int64_t committed() const {
        const auto end = text_.rfind('\n');
        if (end == std::string::npos) return 0;
        const auto space = text_.rfind(' ', end);
        return std::stoll(text_.substr(space + 1, end - space - 1));
    }

private:
    pid_t pid_ = -1;
    int output_ = -1;
    std::string text_;
    bool killed_ = false;
};

std::int64_t integer(Database& database, std::string_view sql) {
    const auto value = database.integer(sql);
    REQUIRE_MESSAGE(value, value.error().message());
    return *value;
}

std::uint64_t seed_of_run() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): this test has one thread.
    const char* given = std::getenv("PICKET_SEED");
    if (given != nullptr) return std::strtoull(given, nullptr, 10);
    return static_cast<std::uint64_t>(std::time(nullptr));
}

// PICKET_KILLS=1000 for more.
int kills_of_run() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): this test has one thread.
    const char* given = std::getenv("PICKET_KILLS");
    return given != nullptr ? std::atoi(given) : 200;
}

// Each round looks at all that the rounds before it have left, so a store is left behind after
// so many: by then it has sealed chunks, and let go of the journal's rows.
constexpr int kills_per_store = 25;

void work_and_kill(const std::string& state_dir, Random& random, std::int64_t& committed) {
    Writer writer(state_dir);
    // Some die while they open the file and before they have written a thing.
    const std::size_t reports = random.below(12);
    while (writer.reports() < reports && writer.read_some()) {
    }
    const auto moment = static_cast<std::int64_t>(random.below(3'000));
    while (writer.wait_for_output(moment) && random.chance(1, 2) && writer.read_some()) {
    }
    writer.kill();
    REQUIRE(writer.killed());
    committed = std::max(committed, writer.committed());
}

void check_sound(Database& database) {
    auto check = database.prepare("PRAGMA integrity_check");
    REQUIRE(check);
    REQUIRE(check->step().value());
    REQUIRE(check->text(0) == "ok");
}

// All numbers from 0 on, each once, to the end of some commit at or after `committed`; and what was
// committed with them, and nothing else. Returns how many there are.
std::int64_t check_complete(Database& database, const std::string& path, std::int64_t committed) {
    std::vector<std::int64_t> numbers;
    for (const HistoryPoint& point : stored_points(path)) {
        numbers.push_back((point.outcome.at - base) / std::chrono::milliseconds(1));
    }
    std::sort(numbers.begin(), numbers.end());
    const auto stored = static_cast<std::int64_t>(numbers.size());
    REQUIRE(stored >= committed);
    std::int64_t next = 0;
    while (next < stored && numbers[static_cast<std::size_t>(next)] == next) ++next;
    REQUIRE(next == stored);
    const auto transitions = integer(database, "SELECT count(*) FROM transitions");
    REQUIRE(transitions == (stored + 15) / 16);
    REQUIRE(integer(database, "SELECT count(DISTINCT epoch) FROM transitions") == transitions);
    REQUIRE(
        integer(database, "SELECT ifnull((SELECT value FROM agent_facts WHERE key = 'next'), 0)") ==
        stored);
    return stored;
}

// Returns how many outcomes the store holds after `kills` of them.
std::int64_t kill_repeatedly(int kills, Random& random) {
    const TemporaryDirectory directory;
    std::int64_t committed = 0;
    for (int round = 1; round <= kills; ++round) {
        CAPTURE(round);
        work_and_kill(directory.path(), random, committed);
        if (!std::filesystem::exists(directory.file("picket.db"))) continue;
        auto database = Database::open(directory.file("picket.db"), OpenMode::read_write);
        REQUIRE_MESSAGE(database, database.error().message());
        check_sound(*database);
        if (integer(*database, "PRAGMA user_version") == 0) {
            REQUIRE(committed == 0);
            continue;
        }
        committed = check_complete(*database, directory.file("picket.db"), committed);
    }
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
        CHECK(entry.path().filename().string().find("corrupt") == std::string::npos);
    }
    return committed;
}

TEST_CASE("killed at any moment, the store holds all that was committed, once, and is sound") {
    const std::uint64_t seed = seed_of_run();
    MESSAGE("PICKET_SEED=" << seed);
    CAPTURE(seed);
    Random random(seed);
    const int kills = kills_of_run();
    std::int64_t outcomes = 0;
    for (int killed = 0; killed < kills; killed += kills_per_store) {
        outcomes += kill_repeatedly(std::min(kills_per_store, kills - killed), random);
    }
    CHECK(outcomes > 0);
    MESSAGE(outcomes << " outcomes");
}

}  // namespace
}  // namespace picket::storage
