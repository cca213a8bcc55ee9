// The disk type: how full a file system is, and whether it can be written to.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "checks/amount.h"
#include "checks/query.h"

namespace picket::checks {

enum class Tolerance : std::uint8_t { fail, ok };

struct TypeEntry;

struct DiskQuery {
    static constexpr Type type = Type::disk;

    std::string path{};
    std::optional<Amount> free_below{};    // Bytes or percent, of what others than root may use.
    std::optional<Amount> used_above{};    // Bytes or percent.
    std::optional<Amount> inodes_below{};  // Free ones; a number or percent.
    Tolerance read_only = Tolerance::fail;
    bool mounted = false;  // The path must be where a file system is mounted.

    bool operator==(const DiskQuery&) const = default;
};

const TypeEntry& disk_type();

}  // namespace picket::checks
