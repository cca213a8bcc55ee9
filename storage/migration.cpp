#include "storage/migration.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "storage/database.h"
#include "storage/schema.h"
#include "storage/state_directory.h"

namespace picket::storage {

namespace {

void remove_with_log(const std::string& path) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        std::error_code ignored;
        std::filesystem::remove(path + suffix, ignored);
    }
}

Status make_copy(const std::string& path, const std::string& copy) {
    auto database = PICKET_TRY(Database::open(path, OpenMode::read_write));
    auto vacuum = PICKET_TRY(database.prepare("VACUUM INTO ?1"));
    PICKET_TRY(vacuum.bind(std::string_view(copy)).run());
    // No log stays behind that would then belong to another file.
    database.tidy_on_close();
    return {};
}

Status bring_up_to_date(const std::string& copy) {
    auto database = PICKET_TRY(Database::open(copy, OpenMode::read_write));
    PICKET_TRY(prepare_schema(database));
    database.tidy_on_close();
    return {};
}

}  // namespace

Status migrate_as_copy(const std::string& path) {
    const std::string copy = path + ".migrating";
    remove_with_log(copy);
    if (!std::filesystem::exists(path)) return {};
    {
        auto database = PICKET_TRY(Database::open(path, OpenMode::read_write));
        if (!PICKET_TRY(needs_migration(database))) return {};
    }
    const auto migrate = [&]() -> Status {
        PICKET_TRY(make_copy(path, copy));
        PICKET_TRY(bring_up_to_date(copy));
        if (std::filesystem::exists(copy + "-wal") || std::filesystem::exists(path + "-wal")) {
            return failure(Code::io, fmt::format("{}: its log could not be copied back", path));
        }
        return replace_file(copy, path);
    };
    auto migrated = migrate();
    if (migrated) return migrated;
    remove_with_log(copy);
    Error error = std::move(migrated).error();
    // What is wrong with the copy says nothing against the file.
    const Code code = error.code() == Code::exhausted ? Code::exhausted : Code::io;
    return failure(code, fmt::format("migrate {}: {}; nothing was changed", path, error.message()));
}

}  // namespace picket::storage
