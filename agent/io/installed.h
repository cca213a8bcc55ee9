// Where picket's own parts and other people's programs are.

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace picket::io {

// Where packages put the parts of picket that picketd runs or loads.
constexpr std::string_view parts_directory = "/usr/lib/picket";

// The path of such a part: beside the program that runs, as in a build directory, or
// in ../lib/picket, as below any prefix; else in parts_directory, whether it is there
// or not.
std::string installed_part(std::string_view name);

// A variable of this process's environment; nothing where it is not set.
std::optional<std::string> environment_variable(const std::string& name);

// A program by its name, found in this process's PATH, or in the usual directories
// where there is no PATH. Nothing where there is no such program.
std::optional<std::string> find_program(std::string_view name);

}  // namespace picket::io
