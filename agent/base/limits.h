// Limits that more than one module relies on. Those of one module stand with it.

#pragma once

#include <cstddef>

namespace picket::limits {

constexpr std::size_t definition_file_bytes_max = 1024UL * 1024;
constexpr std::size_t definition_line_bytes_max = 4096;
constexpr std::size_t definition_key_parts_max = 16;
constexpr std::size_t definition_depth_max = 16;  // Arrays and inline tables in one another.

// An outcome's message and each line of a trace. Longer ones are cut at a
// character boundary.
constexpr std::size_t message_bytes_max = 200;

// What a check's definition declares to the mesh.
constexpr std::size_t selector_bytes_max = 512;     // Its `from`.
constexpr std::size_t label_value_bytes_max = 128;  // Of each of its `labels`.

// One agent carries at most this many checks; further ones are refused by name.
constexpr std::size_t checks_max = 20'000;

}  // namespace picket::limits
