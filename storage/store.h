// Store: the agent's database in its state directory, through good and bad days.
//
// Everything here waits for the disk, so the agent calls it on its worker, one call
// at a time, and moves batches in and results out. It never reads a clock.
//
// A store that could be opened stays usable: a write that fails leaves it ready for
// the next try. A file that turns out to be corrupt, at the start or at any time
// later, is set aside (`picket.db.corrupt-<time>`), and a fresh one goes on with all of
// it that can still be read (salvage.h); a file that was removed or replaced under the
// agent is opened anew. The batch at hand goes into the new file, and `problem` says what
// happened. A salvage takes a second or two for 100 MB.
//
// Commits of outcomes survive a kill. Without power at most what came since the last
// commit that waited for the disk is lost: one with a fact, or the first after
// `sync_interval`.
//
// Whether a file is sound is not asked at the start beyond its header, schema and
// the rows that are loaded: checking gigabytes would take minutes. A damaged page is
// noticed when it is met (page_checksums.h), and retention reads the file over, a little
// with each pass.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"
#include "storage/load.h"
#include "storage/records.h"
#include "storage/retention.h"

namespace picket::storage {

class Store {
public:
    struct Options {
        // Writes beyond this fail as on a full disk; 0: only the disk is the limit.
        std::int64_t file_bytes_max = 0;
    };

    // What was done, and whether history began anew on the way.
    struct Written {
        // One line for `status`; empty while all is well. When it is not, what was
        // stored may be gone: the agent appends its verdicts, open outages and facts
        // once more.
        std::string problem;
    };

    static constexpr Duration sync_interval = std::chrono::seconds(30);

    struct Opened;

    // Makes the directory where it is missing and takes its lock, which is held as
    // long as the Store lives. Returns
    //   exhausted  another agent uses the directory, or the disk is full;
    //   invalid    the file is a newer picket's or another program's;
    //   io         the directory or file cannot be made, read or written.
    // Trying again later is safe; nothing stored was changed.
    static Result<Opened> open(const std::string& state_dir, WallTime now);
    static Result<Opened> open(const std::string& state_dir, WallTime now, Options options);

    // All of the batch is stored when this returns a value, and none when not.
    Result<Written> write(const Batch& batch, WallTime now);

    // One bounded step of retention; again soon while `more` says so.
    Result<Pruned> prune(WallTime now, const RetentionLimits& limits);

    const std::string& path() const;

    Store(Store&&) noexcept;
    Store& operator=(Store&&) noexcept;
    ~Store();

private:
    struct State;
    explicit Store(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

struct Store::Opened {
    Store store;
    Loaded loaded;
    std::string problem;  // As in Written.
};

}  // namespace picket::storage
