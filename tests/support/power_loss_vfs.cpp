#include "tests/support/power_loss_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>
#include <vector>

#include "agent/base/assert.h"

namespace picket::testing {

namespace {

// A write, or a new size where there are no bytes.
struct Change {
    std::size_t offset;
    std::string bytes;
};

void apply(std::string& image, const Change& change) {
    if (change.bytes.empty()) return image.resize(change.offset);
    if (image.size() < change.offset + change.bytes.size()) {
        image.resize(change.offset + change.bytes.size());
    }
    image.replace(change.offset, change.bytes.size(), change.bytes);
}

struct Tracked {
    std::string safe;
    std::vector<Change> unsynced;
};

}  // namespace

struct PowerLossVfs::State {
    std::string directory;
    std::function<void()> on_sync;
    Refusal refusal = Refusal::none;
    std::map<std::string, Tracked> files;  // By path.
    sqlite3_vfs vfs{};
    sqlite3_vfs* real = nullptr;
};

namespace {

struct File {
    sqlite3_file base;
    PowerLossVfs::State* state;
    Tracked* tracked;  // Null where it is not below the directory.
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* own(sqlite3_file* file) {
    return reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
    return own(file)->real();
}

int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    using Refusal = PowerLossVfs::Refusal;
    const Refusal refusal = own(file)->state->refusal;
    if (refusal != Refusal::none) {
        return refusal == Refusal::full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    }
    const int code = real(file)->pMethods->xWrite(real(file), bytes, count, offset);
    if (code == SQLITE_OK && own(file)->tracked != nullptr) {
        own(file)->tracked->unsynced.push_back(
            {static_cast<std::size_t>(offset),
             std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count))});
    }
    return code;
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
    // A full disk lets files shrink.
    if (own(file)->state->refusal == PowerLossVfs::Refusal::read_only) {
        return SQLITE_IOERR_TRUNCATE;
    }
    const int code = real(file)->pMethods->xTruncate(real(file), size);
    if (code == SQLITE_OK && own(file)->tracked != nullptr) {
        own(file)->tracked->unsynced.push_back({static_cast<std::size_t>(size), {}});
    }
    return code;
}

// The disk of the test need not be waited for.
int sync(sqlite3_file* file, int /*flags*/) {
    Tracked* tracked = own(file)->tracked;
    if (tracked == nullptr) return SQLITE_OK;
    own(file)->state->on_sync();
    for (const Change& change : tracked->unsynced) apply(tracked->safe, change);
    tracked->unsynced.clear();
    return SQLITE_OK;
}

// No memory map: writes would be missed.
int fetch(sqlite3_file* /*file*/, sqlite3_int64 /*offset*/, int /*count*/, void** page) {
    *page = nullptr;
    return SQLITE_OK;
}

const sqlite3_io_methods methods{
    .iVersion = 3,
    .xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
    .xRead = [](sqlite3_file* f, void* bytes, int count,
                sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), bytes, count, at); },
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = [](sqlite3_file* f,
                    sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
    .xLock = [](sqlite3_file* f, int lock) { return real(f)->pMethods->xLock(real(f), lock); },
    .xUnlock = [](sqlite3_file* f, int lock) { return real(f)->pMethods->xUnlock(real(f), lock); },
    .xCheckReservedLock =
        [](sqlite3_file* f, int* held) {
            return real(f)->pMethods->xCheckReservedLock(real(f), held);
        },
    .xFileControl =
        [](sqlite3_file* f, int what, void* argument) {
            return real(f)->pMethods->xFileControl(real(f), what, argument);
        },
    .xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    .xDeviceCharacteristics =
        [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
    .xShmMap =
        [](sqlite3_file* f, int page, int size, int extend, volatile void** memory) {
            return real(f)->pMethods->xShmMap(real(f), page, size, extend, memory);
        },
    .xShmLock =
        [](sqlite3_file* f, int offset, int count, int flags) {
            return real(f)->pMethods->xShmLock(real(f), offset, count, flags);
        },
    .xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    .xShmUnmap = [](sqlite3_file* f,
                    int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
    .xFetch = fetch,
    .xUnfetch = [](sqlite3_file*, sqlite3_int64, void*) { return SQLITE_OK; },
};

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
    auto* state = static_cast<PowerLossVfs::State*>(vfs->pAppData);
    File* opened = own(file);
    opened->base.pMethods = nullptr;
    opened->state = state;
    opened->tracked = nullptr;
    const int code = state->real->xOpen(state->real, path, real(file), flags, out_flags);
    if (code != SQLITE_OK) return code;
    opened->base.pMethods = &methods;
    if (path != nullptr && std::string_view(path).starts_with(state->directory)) {
        opened->tracked = &state->files[path];
    }
    return code;
}

int remove(sqlite3_vfs* vfs, const char* path, int sync_directory) {
    auto* state = static_cast<PowerLossVfs::State*>(vfs->pAppData);
    state->files.erase(path);
    return state->real->xDelete(state->real, path, sync_directory);
}

}  // namespace

PowerLossVfs::PowerLossVfs(std::string directory, std::function<void()> on_sync)
    : state_(std::make_unique<State>()) {
    state_->directory = std::move(directory);
    state_->on_sync = std::move(on_sync);
    state_->real = sqlite3_vfs_find(nullptr);
    state_->vfs = *state_->real;
    state_->vfs.zName = "power-loss";
    state_->vfs.szOsFile += static_cast<int>(sizeof(File));
    state_->vfs.pNext = nullptr;
    state_->vfs.pAppData = state_.get();
    state_->vfs.xOpen = open;
    state_->vfs.xDelete = remove;
    // What remains takes the real one's own data, so it must be handed the real one.
    state_->vfs.xAccess = [](sqlite3_vfs* vfs, const char* path, int flags, int* result) {
        sqlite3_vfs* real_vfs = static_cast<State*>(vfs->pAppData)->real;
        return real_vfs->xAccess(real_vfs, path, flags, result);
    };
    state_->vfs.xFullPathname = [](sqlite3_vfs* vfs, const char* path, int size, char* full) {
        sqlite3_vfs* real_vfs = static_cast<State*>(vfs->pAppData)->real;
        return real_vfs->xFullPathname(real_vfs, path, size, full);
    };
    PICKET_ASSERT(sqlite3_vfs_register(&state_->vfs, 1) == SQLITE_OK);
}

PowerLossVfs::~PowerLossVfs() {
    sqlite3_vfs_unregister(&state_->vfs);
    sqlite3_vfs_register(state_->real, 1);
}

void PowerLossVfs::refuse_writes(Refusal refusal) {
    state_->refusal = refusal;
}

void PowerLossVfs::leave_behind(const std::string& directory, Unsynced unsynced,
                                Random& random) const {
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    for (const auto& [path, tracked] : state_->files) {
        std::string image = tracked.safe;
        for (const Change& change : tracked.unsynced) {
            if (unsynced == Unsynced::partly_there && random.chance(1, 2)) apply(image, change);
        }
        const auto name = std::filesystem::path(path).filename();
        std::ofstream(std::filesystem::path(directory) / name, std::ios::binary) << image;
    }
}

}  // namespace picket::testing
