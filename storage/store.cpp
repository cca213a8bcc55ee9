#include "storage/store.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "agent/base/assert.h"
#include "storage/database.h"
#include "storage/history_tables.h"
#include "storage/migration.h"
#include "storage/salvage.h"
#include "storage/schema.h"
#include "storage/state_directory.h"

namespace picket::storage {

namespace {

constexpr std::int64_t page_bytes = 4096;
// Behind one commit; more is due again behind the next.
constexpr int folds_per_write = 4;

// What is salvaged is gathered beside the file, and takes its place when it is whole.
constexpr std::string_view salvaging_suffix = ".salvaging";

// One opened file; the tables' statements end before their database does.
struct File {
    Database database;
    HistoryTables tables;
    Retention retention;
};

Result<File> open_file(const std::string& path, std::int64_t file_bytes_max) {
    PICKET_TRY(migrate_as_copy(path));
    auto database = PICKET_TRY(Database::open(path, OpenMode::read_write));
    PICKET_TRY(prepare_schema(database));
    if (file_bytes_max > 0) {
        PICKET_TRY(database.execute(
            fmt::format("PRAGMA max_page_count = {}", file_bytes_max / page_bytes)));
    }
    auto tables = PICKET_TRY(HistoryTables::create(database));
    return File{std::move(database), std::move(tables), Retention()};
}

}  // namespace

struct Store::State {
    State(FileLock held, std::string database_path, Options given)
        : lock(std::move(held)), path(std::move(database_path)), options(given) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (file && !file->database.moved()) file->database.tidy_on_close();
    }

    // Opens the file, setting a corrupt one aside; `loaded` is filled where given.
    Status open(WallTime now, Loaded* loaded);
    // Sets the corrupt file aside and goes on in a fresh one, with what could be read.
    Status begin_anew(WallTime now, const Error& reason);
    Status go_on_from(const std::string& aside, std::string_view reason);
    // A salvage that a kill cut short is begun again.
    Status finish_salvage();
    // Opens anew where the last attempt failed, or where the file went away.
    Status ready(WallTime now);
    Status write(const Batch& batch, WallTime now);
    // What is due behind the writes; a failure is that of the next write, too.
    Status fold();

    FileLock lock;
    std::string path;
    Options options;
    std::optional<File> file;  // Absent after a failed attempt to open it anew.
    std::string problem;       // Not yet told.
    WallTime synced_at{};      // When a commit last waited for the disk.
};

Status Store::State::open(WallTime now, Loaded* loaded) {
    const auto attempt = [&]() -> Status {
        file.reset();
        PICKET_TRY(finish_salvage());
        if (!file) file.emplace(PICKET_TRY(open_file(path, options.file_bytes_max)));
        if (loaded != nullptr)
            *loaded = PICKET_TRY(load(file->database, file->tables.series(), now));
        return {};
    };
    auto opened = attempt();
    if (!opened && opened.error().code() == Code::corrupt) {
        PICKET_TRY(begin_anew(now, opened.error()));
        if (loaded == nullptr) return {};
        auto salvaged = load(file->database, file->tables.series(), now);
        *loaded = salvaged ? *std::move(salvaged) : Loaded{};
        return {};
    }
    if (!opened) file.reset();
    return opened;
}

Status Store::State::begin_anew(WallTime now, const Error& reason) {
    file.reset();
    // Should we end before it is done, the next start finds what is to be done.
    const std::string mark = path + std::string(salvaging_suffix);
    std::ofstream(mark, std::ios::app);
    const auto aside = set_aside(path, now);
    if (!aside) {
        std::error_code ignored;
        std::filesystem::remove(mark, ignored);
        return tl::make_unexpected(aside.error());
    }
    return go_on_from(*aside, reason.message());
}

Status Store::State::go_on_from(const std::string& aside, std::string_view reason) {
    const std::string fresh_path = path + std::string(salvaging_suffix);
    problem = fmt::format("{}: set aside as {}, ", reason, aside);
    auto salvaged = salvage(aside, fresh_path);
    if (salvaged && salvaged->rows > 0) PICKET_TRY(replace_file(fresh_path, path));
    std::error_code ignored;
    std::filesystem::remove(fresh_path, ignored);
    auto fresh = open_file(path, options.file_bytes_max);
    if (!fresh && fresh.error().code() == Code::corrupt) {
        // Sound pages of nonsense: what was copied is still in the file set aside.
        salvaged = tl::make_unexpected(fresh.error());
        std::filesystem::remove(path, ignored);
        fresh = open_file(path, options.file_bytes_max);
    }
    if (!salvaged) {
        problem += fmt::format("history begins anew ({})", salvaged.error().message());
    } else if (salvaged->rows == 0) {
        problem += "nothing in it can be read, history begins anew";
    } else {
        problem +=
            fmt::format("history goes on with the {} rows that can be read, {}", salvaged->rows,
                        salvaged->stretches_lost == 0
                            ? "which is all"
                            : fmt::format("{} stretches are lost", salvaged->stretches_lost));
    }
    if (!fresh) return tl::make_unexpected(std::move(fresh).error().within(problem));
    file.emplace(*std::move(fresh));
    return {};
}

Status Store::State::finish_salvage() {
    std::error_code ignored;
    const std::string fresh_path = path + std::string(salvaging_suffix);
    if (!std::filesystem::exists(fresh_path, ignored)) return {};
    const std::string aside = PICKET_TRY(newest_set_aside(path));
    if (aside.empty() || std::filesystem::exists(path, ignored)) return {};
    return go_on_from(aside, "a salvage was interrupted");
}

Status Store::State::ready(WallTime now) {
    if (file && file->database.moved()) {
        problem = fmt::format("{}: removed or replaced while in use; opened anew", path);
        file.reset();
    }
    if (file) return {};
    return open(now, nullptr);
}

Status Store::State::write(const Batch& batch, WallTime now) {
    PICKET_ASSERT(file.has_value());
    // Facts are acted on once they are written, so they wait for the disk; outcomes
    // wait now and then. A clock that stepped back makes it now.
    const bool waits = !batch.facts.empty() || now < synced_at || now - synced_at >= sync_interval;
    PICKET_TRY(
        file->tables.write(file->database, batch, waits ? Durability::power : Durability::process));
    if (waits) synced_at = now;
    return {};
}

Status Store::State::fold() {
    SeriesTables& series = file->tables.series();
    for (int each = 0; each < folds_per_write && series.fold_due(); ++each) {
        PICKET_TRY(series.fold(file->database));
    }
    return {};
}

Store::Store(std::unique_ptr<State> state) : state_(std::move(state)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;

Store::~Store() = default;

Result<Store::Opened> Store::open(const std::string& state_dir, WallTime now) {
    return open(state_dir, now, Options{});
}

Result<Store::Opened> Store::open(const std::string& state_dir, WallTime now, Options options) {
    PICKET_TRY(create_directories(state_dir));
    const std::string path = state_dir + "/picket.db";
    auto lock = PICKET_TRY(FileLock::acquire(path + ".lock"));
    auto state = std::make_unique<State>(std::move(lock), path, options);
    Loaded loaded;
    PICKET_TRY(state->open(now, &loaded));
    std::string problem = std::exchange(state->problem, {});
    return Opened{Store(std::move(state)), std::move(loaded), std::move(problem)};
}

Result<Store::Written> Store::write(const Batch& batch, WallTime now) {
    State& state = *state_;
    PICKET_TRY(state.ready(now));
    auto written = state.write(batch, now);
    if (!written && written.error().code() == Code::corrupt) {
        PICKET_TRY(state.begin_anew(now, written.error()));
        written = state.write(batch, now);
    }
    if (!written) return tl::make_unexpected(std::move(written).error());
    // The batch is stored, so a full disk here is not its failure: it is tried again.
    const auto folded = state.fold();
    if (!folded && folded.error().code() == Code::corrupt) {
        PICKET_TRY(state.begin_anew(now, folded.error()));
    }
    return Written{std::exchange(state.problem, {})};
}

Result<Pruned> Store::prune(WallTime now, const RetentionLimits& limits) {
    State& state = *state_;
    PICKET_TRY(state.ready(now));
    auto pruned =
        state.file->retention.step(state.file->database, state.file->tables.series(), now, limits);
    if (!pruned && pruned.error().code() == Code::corrupt) {
        // The next write() tells of it.
        PICKET_TRY(state.begin_anew(now, pruned.error()));
        return Pruned{};
    }
    if (pruned && pruned->ids_changed) state.file->tables.forget_ids();
    return pruned;
}

const std::string& Store::path() const {
    return state_->path;
}

}  // namespace picket::storage
