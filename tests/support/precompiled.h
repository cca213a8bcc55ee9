// What most files include, compiled once for the build with sanitizers, which everybody waits for.
// The other builds do without, and so show that each file includes what it uses. No guard: it is
// no part of any file, and the compiler does not want one here.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
