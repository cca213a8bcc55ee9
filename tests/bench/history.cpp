// history DIR [DAYS]: what history costs, beside plain rows of SQLite in the same run.
// history DIR DAYS PART: only one part of that, `ingest` or `steady`; or asks one question of
// what `ingest` left in DIR/month: `availability`, `p95` or `raw`.
//
// Writes DAYS (30) of 100 checks at 10 s with log-normal latencies (median 20 ms, sigma
// 0.3), 0 to 2 ms of jitter and the messages of an http check, as an agent would, only faster;
// DIR should be on a real disk, since /proc/self/io tells what is written.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/random.h"
#include "checks/expectation.h"
#include "storage/database.h"
#include "storage/history_reader.h"
#include "storage/store.h"

namespace {

using namespace picket;
using namespace picket::storage;
using namespace std::chrono_literals;

constexpr WallTime base = WallTime(1'795'402'800s);
constexpr int checks_count = 100;
constexpr Duration interval = 10s;
constexpr std::size_t latencies_count = 1 << 16;

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double now_seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

double bytes_written() {
    std::ifstream io("/proc/self/io");
    std::string key;
    double value = 0;
    while (io >> key >> value) {
        if (key == "write_bytes:") return value;
    }
    return 0;
}

double log_normal(Random& random) {
    double normal = -6;
    for (int each = 0; each < 12; ++each) {
        normal += static_cast<double>(random.below(1'000'000'007)) / 1'000'000'007.0;
    }
    return 20'000 * std::exp(0.3 * normal);
}

// Rows in the order of time, all checks in turn; made once and then only changed.
class Load {
public:
    Load(int checks, Duration every, std::size_t batch_rows) : checks_(checks), every_(every) {
        Random random(1);
        for (std::size_t each = 0; each < latencies_count; ++each) {
            latencies_.push_back(std::llround(log_normal(random)));
            spoken_.push_back(checks::spoken(Duration(latencies_.back())));
        }
        for (int check = 0; check < checks; ++check) {
            names_.push_back("check-" + std::to_string(check));
            answers_.push_back("200 from 192.0.2." + std::to_string(check % 250) + ":443 in ");
        }
        batch_.outcomes.resize(batch_rows);
    }

    const Batch& next() {
        for (HistoryRow& row : batch_.outcomes) {
            const auto check = static_cast<std::size_t>(number_ % checks_);
            const std::size_t latency = random_.below(latencies_count);
            row.check = names_[check];
            row.interval = every_;
            row.outcome.at = base + number_ / checks_ * every_ +
                             every_ * (number_ % checks_) / checks_ +
                             static_cast<std::int64_t>(random_.below(3)) * 1ms;
            row.outcome.latency = Duration(latencies_[latency]);
            row.outcome.message.assign(answers_[check]).append(spoken_[latency]);
            ++number_;
        }
        return batch_;
    }
    std::int64_t number() const { return number_; }
    WallTime now() const { return base + number_ / checks_ * every_; }

private:
    std::int64_t checks_;
    Duration every_;
    Random random_{2};
    std::vector<std::int64_t> latencies_;
    std::vector<std::string> names_;
    std::vector<std::string> answers_;
    std::vector<std::string> spoken_;  // Of each latency.
    Batch batch_;
    std::int64_t number_ = 0;
};

Store open_store(const std::string& directory) {
    std::filesystem::remove_all(directory);
    auto opened = Store::open(directory, base);
    PICKET_ASSERT(opened.has_value());
    return std::move(opened->store);
}

struct Pruning {
    int steps = 0;
    std::int64_t rows = 0;
    double longest_seconds = 0;
    double longest_cpu_seconds = 0;
};

Pruning prune(Store& store, WallTime now, const RetentionLimits& limits = {}) {
    Pruning pruning;
    for (bool more = true; more;) {
        const double begun = now_seconds();
        const double cpu_begun = cpu_seconds();
        const auto pruned = store.prune(now, limits);
        PICKET_ASSERT(pruned.has_value());
        pruning.longest_seconds = std::max(pruning.longest_seconds, now_seconds() - begun);
        pruning.longest_cpu_seconds =
            std::max(pruning.longest_cpu_seconds, cpu_seconds() - cpu_begun);
        ++pruning.steps;
        pruning.rows += pruned->rows;
        more = pruned->more;
    }
    return pruning;
}

// On a copy of the month: a day's worth too old, half of it, and a budget of a quarter.
void retention(const std::string& month, const std::string& directory, int days) {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    std::filesystem::copy(month + "/picket.db", directory + "/picket.db");
    const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(month + "/picket.db"));
    const WallTime end = base + days * 24h;
    auto opened = Store::open(directory, end);
    PICKET_ASSERT(opened.has_value());
    const auto run = [&](const char* what, const RetentionLimits& limits) {
        const Pruning pruning = prune(opened->store, end, limits);
        std::printf(
            "retention, %-19s %11.2f ms the longest of %d steps (%.2f ms of a core; %lld "
            "rows)\n",
            what, pruning.longest_seconds * 1e3, pruning.steps, pruning.longest_cpu_seconds * 1e3,
            static_cast<long long>(pruning.rows));
    };
    run("a day too old", {.outcomes_age = (days - 1) * 24h});
    run("half too old", {.outcomes_age = days * 12h});
    run("a quarter of the size", {.size_bytes_max = bytes / 4});
}

void ingest(const std::string& directory, int days) {
    double cpu = 0;
    double wall = 0;
    Load load(checks_count, interval, 4'096);
    {
        Store store = open_store(directory);
        const WallTime end = base + days * 24h;
        WallTime pruned = base;
        while (load.now() < end) {
            const Batch& batch = load.next();
            const double cpu_begun = cpu_seconds();
            const double begun = now_seconds();
            PICKET_ASSERT(store.write(batch, load.now()).has_value());
            cpu += cpu_seconds() - cpu_begun;
            wall += now_seconds() - begun;
            if (load.now() - pruned < 6h) continue;
            prune(store, load.now());
            pruned = load.now();
        }
    }
    const auto count = static_cast<double>(load.number());
    const auto bytes = static_cast<double>(std::filesystem::file_size(directory + "/picket.db"));
    std::printf("outcomes stored                    %12.0f\n", count);
    std::printf("file, all included                 %12.1f MB\n", bytes / 1e6);
    std::printf("  an outcome                       %12.2f bytes\n", bytes / count);
    std::printf("ingest, a core's time              %12.0f outcomes/s\n", count / cpu);
    std::printf("ingest, the clock's time           %12.0f outcomes/s\n", count / wall);
}

// 1,000 checks at 10 s, a commit each half second as the agent's writer makes them, for so
// many seconds of made-up time. `write` stores a batch, `tidy` is called each ten minutes.
template <typename Write, typename Tidy>
void steady(const char* what, int seconds, const Write& write, const Tidy& tidy) {
    Load load(1'000, interval, 50);
    double cpu = 0;
    const double written = bytes_written();
    for (int half = 0; half < 2 * seconds; ++half) {
        const Batch& batch = load.next();
        const double begun = cpu_seconds();
        write(batch, load.now());
        if (half % 1'200 == 1'199) tidy(load.now());
        cpu += cpu_seconds() - begun;
    }
    std::printf("%-11s at 100/s: of a core     %12.3f %%\n", what, 100 * cpu / seconds);
    std::printf("%-11s at 100/s: an outcome    %12.0f bytes written\n", what,
                (bytes_written() - written) / static_cast<double>(load.number()));
}

void steady_store(const std::string& directory) {
    Store store = open_store(directory);
    steady(
        "picket", 3 * 3'600,
        [&](const Batch& batch, WallTime now) {
            PICKET_ASSERT(store.write(batch, now).has_value());
        },
        [&](WallTime now) { prune(store, now); });
}

// ---- Plain rows, to compare with

struct Rows {
    const char* name;
    const char* table;
};
constexpr const char* row_columns =
    "check_id INTEGER NOT NULL, at_ms INTEGER NOT NULL, finding INTEGER NOT NULL, failure_class "
    "INTEGER NOT NULL, latency_us INTEGER NOT NULL, message_id INTEGER NOT NULL";
// By check and time, as the first release had it; and as they come.
constexpr Rows keyed{"keyed rows", ", PRIMARY KEY (check_id, at_ms)) WITHOUT ROWID, STRICT"};
constexpr Rows appended{"rows", ") STRICT"};

class RowsFile {
public:
    RowsFile(const std::string& directory, const Rows& rows) {
        std::filesystem::remove_all(directory);
        std::filesystem::create_directory(directory);
        path_ = directory + "/rows.db";
        auto opened = Database::open(path_, OpenMode::read_write);
        PICKET_ASSERT(opened && opened->use_log());
        database_.emplace(*std::move(opened));
        PICKET_ASSERT(
            database_->execute(std::string("CREATE TABLE outcomes (") + row_columns + rows.table));
        insert_.emplace(*database_->prepare("INSERT INTO outcomes VALUES (?1, ?2, 0, 0, ?3, 0)"));
    }
    ~RowsFile() {
        if (database_) database_->tidy_on_close();
    }
    void write(const Batch& batch, std::int64_t checks) {
        auto transaction = Transaction::begin(*database_);
        PICKET_ASSERT(transaction.has_value());
        for (const HistoryRow& row : batch.outcomes) {
            const auto latency = row.outcome.latency.count();
            PICKET_ASSERT(insert_->bind(check_, to_milliseconds(row.outcome.at), latency).run());
            check_ = (check_ + 1) % checks;
        }
        PICKET_ASSERT(transaction->commit());
    }
    // One check's counts, and its latency at 95 %: the quickest of several times.
    std::pair<double, double> ask() {
        std::pair<double, double> best{1e9, 1e9};
        for (int each = 0; each < 5; ++each) {
            double begun = now_seconds();
            PICKET_ASSERT(database_
                              ->integer("SELECT sum(finding = 0) FROM outcomes WHERE "
                                        "check_id = 50")
                              .has_value());
            best.first = std::min(best.first, now_seconds() - begun);
            begun = now_seconds();
            PICKET_ASSERT(
                database_
                    ->integer("SELECT latency_us FROM outcomes WHERE check_id = 50 ORDER BY "
                              "latency_us LIMIT 1 OFFSET (SELECT count(*) * 95 / 100 FROM "
                              "outcomes WHERE check_id = 50)")
                    .has_value());
            best.second = std::min(best.second, now_seconds() - begun);
        }
        return best;
    }
    double close() {
        insert_.reset();
        database_->tidy_on_close();
        database_.reset();
        return static_cast<double>(std::filesystem::file_size(path_));
    }

private:
    std::string path_;
    std::optional<Database> database_;
    std::optional<Statement> insert_;
    std::int64_t check_ = 0;
};

// Two days of the same load.
void plain_rows(const std::string& directory, const Rows& rows) {
    constexpr int days = 2;
    RowsFile file(directory, rows);
    Load load(checks_count, interval, 4'000);
    double cpu = 0;
    while (load.now() < base + days * 24h) {
        const Batch& batch = load.next();
        const double begun = cpu_seconds();
        file.write(batch, checks_count);
        cpu += cpu_seconds() - begun;
    }
    const auto count = static_cast<double>(load.number());
    const auto [availability, p95] = file.ask();
    std::printf("%-11s an outcome              %12.2f bytes\n", rows.name, file.close() / count);
    std::printf("%-11s ingest, a core's time   %12.0f outcomes/s\n", rows.name, count / cpu);
    std::printf("%-11s availability, %d days    %12.2f ms\n", rows.name, days, availability * 1e3);
    std::printf("%-11s p95, %d days             %12.2f ms\n", rows.name, days, p95 * 1e3);
    std::fflush(stdout);
    RowsFile steadily(directory, rows);
    steady(
        rows.name, 600, [&](const Batch& batch, WallTime) { steadily.write(batch, 1'000); },
        [](WallTime) {});
    std::fflush(stdout);
}

void ask(const std::string& directory, int days, const std::string& kind) {
    const WallTime end = base + days * 24h;
    auto reader = HistoryReader::open(directory + "/picket.db");
    PICKET_ASSERT(reader.has_value());
    if (kind == "availability") {
        PICKET_ASSERT(reader->totals("check-50", end - days * 24h, end)->passed > 0);
    } else if (kind == "p95") {
        PICKET_ASSERT(reader->latency("check-50", end - days * 24h, end)->has_value());
    } else {
        std::int64_t count = 0;
        PICKET_ASSERT(reader->each_point("check-50", end - 24h, end, [&](const HistoryPoint&) {
            ++count;
            return true;
        }));
        PICKET_ASSERT(count > 8'000);
    }
}

struct Cost {
    double median_seconds;
    double peak_mebibytes;
};

// Of a process of its own, what it prints not looked at.
Cost cost_of(std::vector<std::string> arguments) {
    std::vector<char*> pointers;
    for (std::string& each : arguments) pointers.push_back(each.data());
    pointers.push_back(nullptr);
    std::array<double, 11> times{};
    long peak_kb = 0;
    for (double& time : times) {
        const double begun = now_seconds();
        const pid_t child = ::fork();
        if (child == 0) {
            ::dup2(::open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
            ::execv(pointers.front(), pointers.data());
            ::_exit(127);
        }
        int status = 0;
        rusage usage{};
        PICKET_ASSERT(::wait4(child, &status, 0, &usage) == child && status == 0);
        time = now_seconds() - begun;
        peak_kb = std::max(peak_kb, usage.ru_maxrss);
    }
    std::nth_element(times.begin(), times.begin() + 5, times.end());
    return {times[5], static_cast<double>(peak_kb) / 1024};
}

void question(const char* program, const std::string& scratch, int days, const std::string& kind) {
    const Cost cost = cost_of({program, scratch, std::to_string(days), kind});
    double inside = 1e9;
    for (int each = 0; each < 11; ++each) {
        const double begun = now_seconds();
        ask(scratch + "/month", days, kind);
        inside = std::min(inside, now_seconds() - begun);
    }
    std::printf("%-13s %3s, opened and asked %11.2f ms\n", kind.c_str(),
                kind == "raw" ? "1 d" : "all", inside * 1e3);
    std::printf("  as a process of its own          %12.2f ms, %.1f MiB at most\n",
                cost.median_seconds * 1e3, cost.peak_mebibytes);
}

// In a process of its own, so that its memory is not that of what came before: a process
// that is started takes over the peak of the one that started it.
template <typename Work>
void apart(const Work& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        work();
        std::fflush(stdout);
        ::_exit(0);
    }
    int status = 0;
    PICKET_ASSERT(::waitpid(child, &status, 0) == child && status == 0);
}

void only(const std::string& part, const std::string& scratch, int days) {
    if (part == "ingest") return ingest(scratch + "/month", days);
    if (part == "steady") return steady_store(scratch + "/steady");
    ask(scratch + "/month", days, part);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: history DIR [DAYS [PART]]\n");
        return 2;
    }
    const std::string scratch = argv[1];
    const std::string directory = scratch + "/month";
    const int days = argc > 2 ? std::atoi(argv[2]) : 30;
    if (argc > 3) {
        only(argv[3], scratch, days);
        return 0;
    }
    apart([&] { ingest(directory, days); });
    for (const char* kind : {"availability", "p95", "raw"}) {
        apart([&] { question(argv[0], scratch, days, kind); });
    }
    apart([&] { retention(directory, scratch + "/retention", days); });
    apart([&] { steady_store(scratch + "/steady"); });
    apart([&] { plain_rows(scratch + "/rows", appended); });
    apart([&] { plain_rows(scratch + "/rows", keyed); });
    return 0;
}
