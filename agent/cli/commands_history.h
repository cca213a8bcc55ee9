// The commands about what is stored: history, availability and export.

#pragma once

#include "agent/cli/commands.h"

namespace picket::cli {

int run_history(const Invocation& invocation, const Terminal& terminal);
int run_availability(const Invocation& invocation, const Terminal& terminal);

// Reads the database in any case: that of the agent that answers, of --db, or of the default.
int run_export(const Invocation& invocation, const Terminal& terminal);

}  // namespace picket::cli
