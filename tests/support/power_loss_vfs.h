// PowerLossVfs: a disk that can lose its power, turn read-only or be full, for SQLite.
//
// While one lives, files below `directory` are written through to the real ones, and
// each knows what of it is safe: what was there at its last sync. `on_sync` is called
// before every sync takes effect; leave_behind() then writes, elsewhere, what a machine
// that lost its power at that moment would find: what is safe, and of the writes since
// none or an arbitrary part. Files are taken to exist, or not, as they do.

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "agent/base/random.h"

namespace picket::testing {

class PowerLossVfs {
public:
    PowerLossVfs(std::string directory, std::function<void()> on_sync);
    ~PowerLossVfs();
    PowerLossVfs(const PowerLossVfs&) = delete;
    PowerLossVfs& operator=(const PowerLossVfs&) = delete;

    enum class Unsynced { lost, partly_there };
    void leave_behind(const std::string& directory, Unsynced unsynced, Random& random) const;

    // From now on nothing is written, as on a file system that has turned read-only, or is full.
    enum class Refusal { none, read_only, full };
    void refuse_writes(Refusal refusal);

    struct State;

private:
    std::unique_ptr<State> state_;
};

}  // namespace picket::testing
