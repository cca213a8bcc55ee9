// What a server may say in a dialogue: any bytes, cut anywhere.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "agent/base/assert.h"
#include "checks/dialogue.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using picket::checks::CapturingPattern;
using picket::checks::Dialogue;
using picket::checks::ScriptStep;

std::vector<ScriptStep> make_script() {
    std::vector<ScriptStep> script;
    script.push_back({"", CapturingPattern("^220 (?P<host>\\S+)"), false, false});
    script.push_back(
        {"EHLO {{host}} {{1}}\r\n", CapturingPattern("(?m)^250 ([A-Z]*)"), true, false});
    script.push_back({"NOOP {{1}}\r\n", CapturingPattern("(?s)^.{3}(.*)$"), false, false});
    return script;
}

}  // namespace

// The first byte says how long the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<ScriptStep> script = make_script();
    if (size == 0) return 0;
    const std::size_t piece = data[0] + 1U;
    std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    Dialogue dialogue(script);
    while (true) {
        const Dialogue::Next next = dialogue.next();
        if (next == Dialogue::Next::send) PICKET_ASSERT(!dialogue.take_output().empty());
        if (next == Dialogue::Next::secure) dialogue.on_secured();
        if (next == Dialogue::Next::done || next == Dialogue::Next::failed) return 0;
        if (next != Dialogue::Next::wait) continue;
        PICKET_ASSERT(dialogue.expected() != nullptr);
        if (bytes.empty() || dialogue.full()) return 0;
        dialogue.on_bytes(bytes.substr(0, piece));
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
}
