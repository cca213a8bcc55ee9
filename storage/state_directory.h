// The state directory: made where it is missing, held by one agent, and the place
// where a database that cannot be trusted is set aside.

#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace picket::storage {

// Makes the directory and its missing parents, mode 0750.
Status create_directories(const std::string& path);

// Held from acquire() until it is destroyed or the process ends, however it ends.
// The file stays; it holds the pid of the last holder, for people.
class FileLock {
public:
    // Returns exhausted, naming the holder, while another holds it.
    static Result<FileLock> acquire(const std::string& path);

    FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    FileLock& operator=(FileLock&&) = delete;
    ~FileLock();

private:
    explicit FileLock(int descriptor) : descriptor_(descriptor) {}

    int descriptor_;
};

// Beyond this many the next one is refused, so that a bad disk does not fill up with
// what it spoils. Somebody has to look, and to remove them.
constexpr std::size_t set_aside_max = 8;

// Renames the database to `picket.db.corrupt-<time>` with its log and index beside
// it, bytes untouched, and returns the new path. Requires that no connection that
// would write on its close has the file open.
Result<std::string> set_aside(const std::string& database_path, WallTime now);

// The database that was set aside last; empty where none was.
Result<std::string> newest_set_aside(const std::string& database_path);

// Renames `from` to `to` beside it, and waits until that is on disk.
Status replace_file(const std::string& from, const std::string& to);

}  // namespace picket::storage
