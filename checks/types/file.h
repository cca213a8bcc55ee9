// The file type: whether files are there, and how old, large and many they are.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/base/time.h"
#include "checks/amount.h"
#include "checks/query.h"
#include "checks/types/disk.h"

namespace picket::checks {

// Which of several files is held against an age.
enum class FileOfAge : std::uint8_t { newest, oldest };

struct TypeEntry;

struct FileQuery {
    static constexpr Type type = Type::file;

    std::string path{};  // A path or a pattern, "/var/spool/mail/*".
    Tolerance missing = Tolerance::fail;
    std::optional<Duration> older_than{};  // Since it was last written.
    std::optional<Duration> newer_than{};
    FileOfAge age_of = FileOfAge::newest;
    std::optional<Amount> size_above{};  // Bytes; of each file.
    std::optional<Amount> size_below{};
    std::optional<std::uint32_t> count_min{};  // Absent: "any".
    std::optional<std::uint32_t> count_max{};

    bool operator==(const FileQuery&) const = default;
};

const TypeEntry& file_type();

}  // namespace picket::checks
