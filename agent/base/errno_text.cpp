#include "agent/base/errno_text.h"

#include <string.h>

namespace picket {

std::string errno_text(int error_number) {
    const char* description = ::strerrordesc_np(error_number);
    if (description == nullptr) return "error " + std::to_string(error_number);
    std::string text = description;
    // Only a word is lowered, not an acronym: "RPC struct is bad" stays.
    const auto upper = [&](std::size_t i) {
        return i < text.size() && text[i] >= 'A' && text[i] <= 'Z';
    };
    if (upper(0) && !upper(1)) text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

}  // namespace picket
