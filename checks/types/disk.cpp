#include "checks/types/disk.h"

#include <array>

#include "checks/types/forms.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;
using Q = DiskQuery;

constexpr std::array<std::string_view, 2> tolerances{"fail", "ok"};

// clang-format off
constexpr std::array keys{
    Key{"path", required, question, in<&Q::path>, a_path,
        "A path on the file system to look at.", {.check = check_absolute_path}},
    Key{"free_below", optional, question, bytes_or_percent<&Q::free_below>, "a size such as \"10GiB\" or a percentage such as \"10%\"",
        "Fails when less is left for others than root."},
    Key{"used_above", optional, question, bytes_or_percent<&Q::used_above>, "a size such as \"10GiB\" or a percentage such as \"10%\"",
        "Fails when more is used."},
    Key{"inodes_below", optional, question, items_or_percent<&Q::inodes_below>, "a number or a percentage such as \"5%\"",
        "Fails when fewer inodes are left; a file system without a count of them passes."},
    Key{"read_only", optional, question, in<&Q::read_only>, "\"fail\" or \"ok\"",
        "What it means when the file system is mounted read-only, as the kernel does on errors.", {.choices = Words(tolerances)}},
    Key{"mounted", optional, question, in<&Q::mounted>, a_boolean,
        "Whether a file system must be mounted at the path itself."},
};
// clang-format on

}  // namespace

const TypeEntry& disk_type() {
    static const TypeEntry entry{.type = Type::disk,
                                 .keys = keys,
                                 .query = [] { return Query(DiskQuery{}); },
                                 .scope = Scope::host};
    return entry;
}

}  // namespace picket::checks
