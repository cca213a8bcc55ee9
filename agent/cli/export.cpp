#include "agent/cli/export.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include "agent/api/history_answers.h"
#include "agent/base/errno_text.h"
#include "agent/cli/json_lines.h"
#include "agent/cli/render_parts.h"
#include "agent/cli/stored.h"
#include "storage/history_reader.h"
#include "storage/table_export.h"

namespace picket::cli {
namespace {

using storage::ExportTarget;
using storage::HistoryPoint;
using storage::HistoryReader;

constexpr WallTime earliest = from_milliseconds(storage::at_ms_min);
constexpr WallTime latest = from_milliseconds(storage::at_ms_max);

struct Window {
    WallTime from;
    WallTime to;
};

// A file that this export makes, and removes again where it fails.
class NewFile {
public:
    static Result<NewFile> create(const std::string& path) {
        const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor >= 0) return NewFile(path, ::fdopen(descriptor, "w"));
        const int number = errno;
        return failure(number == EEXIST ? Code::invalid : Code::io,
                       fmt::format("create {}: {}", path, errno_text(number)));
    }

    Status write(std::string_view text) const {
        if (std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size()) return {};
        return failed();
    }
    // The file stays.
    Status keep() {
        if (std::fflush(file_.get()) != 0 || ::fsync(::fileno(file_.get())) != 0) return failed();
        path_.clear();
        return {};
    }

    NewFile(NewFile&& other) noexcept
        : path_(std::exchange(other.path_, {})), file_(std::move(other.file_)) {}
    NewFile& operator=(NewFile&&) = delete;
    ~NewFile() {
        if (!path_.empty()) ::unlink(path_.c_str());
    }

private:
    struct Closer {
        void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
    };

    NewFile(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
    Status failed() const {
        return failure(Code::io, fmt::format("write {}: {}", path_, errno_text(errno)));
    }

    std::string path_;
    std::unique_ptr<std::FILE, Closer> file_;
};

// The stretch before `next` in which the last point does not speak any more.
std::optional<storage::Gap> gap_before(const std::optional<HistoryPoint>& last, WallTime next) {
    if (!last) return std::nullopt;
    const WallTime at = last->outcome.at;
    // How long it speaks is not known of what was stored before intervals were.
    if (!last->pause && last->interval == Duration{0}) return std::nullopt;
    if (!last->pause && next - at <= 2 * last->interval) return std::nullopt;
    storage::Gap gap{last->pause ? at : at + last->interval, next, {}};
    if (last->pause) gap.reason = last->outcome.message;
    if (gap.from >= gap.to) return std::nullopt;
    return gap;
}

Status export_points(HistoryReader& reader, const std::string& name, const Window& window,
                     ExportTarget& target, Exported& exported) {
    Status done;
    std::optional<HistoryPoint> last;
    const auto take = [&](const HistoryPoint& point) -> Status {
        if (const auto gap = gap_before(last, point.outcome.at)) PICKET_TRY(target.gap(*gap));
        last = point;
        if (point.pause) return {};
        ++exported.outcomes;
        return target.outcome(point.outcome);
    };
    PICKET_TRY(reader.each_point(name, window.from, window.to, [&](const HistoryPoint& point) {
        done = take(point);
        return done.has_value();
    }));
    PICKET_TRY(std::move(done));
    // What came after the last one is told only up to an end that was asked for.
    if (window.to == latest) return {};
    if (const auto gap = gap_before(last, window.to)) PICKET_TRY(target.gap(*gap));
    return {};
}

Status export_check(HistoryReader& reader, const std::string& name, const Window& window,
                    ExportTarget& target, Exported& exported) {
    PICKET_TRY(target.check(name));
    ++exported.checks;
    PICKET_TRY(export_points(reader, name, window, target, exported));
    for (const storage::RollupPoint& hour :
         PICKET_TRY(reader.rollups(name, window.from, window.to, storage::Tier::hour))) {
        ++exported.hours;
        PICKET_TRY(target.hour(hour));
    }
    for (const storage::Transition& transition :
         PICKET_TRY(api::transitions_in(reader, name, window.from, window.to))) {
        PICKET_TRY(target.transition(transition));
    }
    for (const storage::Outage& outage :
         PICKET_TRY(api::outages_in(reader, name, window.from, window.to))) {
        ++exported.outages;
        PICKET_TRY(target.outage(outage));
    }
    return {};
}

Result<Exported> export_all(HistoryReader& reader, const ExportOptions& options,
                            ExportTarget& target) {
    const Window window{options.from.value_or(earliest), options.to.value_or(latest)};
    std::vector<std::string> names;
    for (const std::string& check : options.checks) {
        names.push_back(PICKET_TRY(stored_name(reader, check)));
    }
    if (names.empty()) names = PICKET_TRY(reader.check_names());
    Exported exported;
    for (const std::string& name : names) {
        PICKET_TRY(export_check(reader, name, window, target, exported));
    }
    PICKET_TRY(target.finish());
    return exported;
}

Result<Exported> export_lines(HistoryReader& reader, const std::string& database,
                              const ExportOptions& options, JsonLines::Write write) {
    JsonLines lines(std::move(write));
    PICKET_TRY(lines.begin(database, options.from.value_or(earliest), options.to.value_or(latest)));
    return export_all(reader, options, lines);
}

bool wants_tables(const ExportOptions& options) {
    if (!options.format.empty()) return options.format == "sqlite";
    for (const std::string_view suffix : {".sqlite", ".sqlite3", ".db"}) {
        if (options.file.ends_with(suffix)) return true;
    }
    return false;
}

}  // namespace

Result<Exported> export_history(const std::string& database, const ExportOptions& options,
                                const std::function<bool(std::string_view)>& print) {
    const bool tables = wants_tables(options);
    if (tables && options.file.empty()) {
        return failure(Code::invalid, "tables of SQLite need a file: --output FILE");
    }
    HistoryReader reader = PICKET_TRY(HistoryReader::open(database));
    if (options.file.empty()) {
        return export_lines(reader, database, options, [&](std::string_view text) -> Status {
            if (print(text)) return {};
            return failure(Code::io, "write standard output: nobody reads it any more");
        });
    }
    NewFile file = PICKET_TRY(NewFile::create(options.file));
    Exported exported;
    if (tables) {
        auto target = PICKET_TRY(storage::TableExport::create(options.file));
        exported = PICKET_TRY(export_all(reader, options, target));
    } else {
        exported = PICKET_TRY(export_lines(
            reader, database, options, [&](std::string_view text) { return file.write(text); }));
    }
    PICKET_TRY(file.keep());
    return exported;
}

std::string export_summary(const Exported& exported, const std::string& file) {
    return fmt::format("picket: {}, {}, {}, {} in {}\n", counted(exported.checks, "check"),
                       counted(exported.outcomes, "outcome"), counted(exported.hours, "hour"),
                       counted(exported.outages, "outage"), file);
}

}  // namespace picket::cli
