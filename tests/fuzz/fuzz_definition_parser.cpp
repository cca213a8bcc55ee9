// Any bytes as a drop-in file: definitions or problems, never a crash; what was
// accepted reads back from its canonical form as the same definition.

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "agent/config.h"
#include "checks/canonical.h"
#include "checks/definition_parser.h"
#include "checks/value.h"

namespace {

using namespace picket;
using namespace picket::checks;

// It stands nowhere in a file, so wherever it turns up it leaked.
constexpr std::string_view secret = "\x7fs3cret\x7f";

Result<std::string> read_secret(Source source, std::string_view) {
    if (source == Source::file) return failure(Code::not_found, "no such file or directory");
    return std::string(secret);
}

void check_definition(const Definition& definition, const ParseContext& context) {
    const std::string bare_name = definition.name.substr(0, definition.name.find('@'));
    std::string text = fmt::format("[{}.{}]\n", to_text(definition.type()), quote(bare_name));
    for (const auto& [key, value] : settings(definition)) {
        PICKET_ASSERT(value.find(secret) == std::string::npos);
        text += fmt::format("{} = {}\n", key, value);
    }
    // A long value may have stood on several lines of its file.
    const ParsedFile again = parse_definitions(text, "again.toml", context);
    const bool same = again.problems.empty() && again.definitions.size() == 1 &&
                      same_definition(again.definitions[0], definition);
    PICKET_ASSERT(same || text.size() > 4000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const ParseContext context{"web-03", read_secret};
    const ParsedFile parsed = parse_definitions(text, "fuzz.toml", context);
    PICKET_ASSERT(parsed.problems.empty() || parsed.definitions.empty());
    for (const Problem& problem : parsed.problems) {
        const std::string line = to_text(problem);
        PICKET_ASSERT(line.find('\n') == std::string::npos && valid_utf8(line));
        PICKET_ASSERT(problem.message.find(secret) == std::string::npos);
        PICKET_ASSERT(!problem.message.empty());
    }
    for (const Definition& definition : parsed.definitions) check_definition(definition, context);
    const ParsedConfig config = parse_config(text, "fuzz.toml",
                                             {.host_name = "web-03",
                                              .system_state_writable = true,
                                              .system_socket_writable = true,
                                              .xdg_state_home = {},
                                              .home = {}});
    PICKET_ASSERT(!config.config.state_dir.empty());
    return 0;
}
