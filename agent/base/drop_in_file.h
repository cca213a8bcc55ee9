// A file of a drop-in directory, and what reading it brought.

#pragma once

#include <string>
#include <string_view>

#include "agent/base/time.h"

namespace picket {

struct DropInFile {
    std::string name;          // Without its directory.
    std::string path;          // As it is shown.
    std::string text;          // Empty where there is a fault.
    std::string fault;         // "permission denied"; empty: it was read.
    bool null_device = false;  // It is, or leads to, /dev/null.
    WallTime modified{};       // As the file system has it.
};

// Whether a file of that name counts at all: visible, and named *.toml.
constexpr bool is_drop_in_name(std::string_view name) {
    constexpr std::string_view suffix = ".toml";
    return name.size() > suffix.size() && name.ends_with(suffix) && !name.starts_with('.');
}

}  // namespace picket
