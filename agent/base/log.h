// The agent's log: one line per event, to stderr, for systemd's journal.
//
// A line says what happened and to what, in words; never a secret. Under the
// journal lines carry the syslog priority prefix ("<4>"), elsewhere the time.

#pragma once

#include <string_view>

namespace picket {

enum class LogLevel { debug, info, warning, error };

// Sets the least level that is written. The default is info.
void set_log_level(LogLevel level);

void log_debug(std::string_view message);
void log_info(std::string_view message);
void log_warning(std::string_view message);
void log_error(std::string_view message);

}  // namespace picket
