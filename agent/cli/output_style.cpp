#include "agent/cli/output_style.h"

#include <langinfo.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <string_view>

namespace picket::cli {
namespace {

constexpr std::size_t width_min = 40;

std::string_view environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread.
    return value == nullptr ? std::string_view() : value;
}

}  // namespace

bool output_is_terminal() {
    return isatty(STDOUT_FILENO) == 1;
}

Style output_style(ColourWish wish) {
    std::setlocale(LC_CTYPE, "");  // NOLINT(concurrency-mt-unsafe): one thread.
    const bool utf8 = std::string_view(nl_langinfo(CODESET)) == "UTF-8";
    const bool plain = wish == ColourWish::none;
    const bool terminal = output_is_terminal();
    Style style;
    style.colour =
        terminal && !plain && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
    style.unicode = utf8 && !plain;
    winsize size{};
    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        style.width = std::max<std::size_t>(size.ws_col, width_min);
    }
    return style;
}

}  // namespace picket::cli
