// Answers: what an agent says, or its database where none does, and what is shown of it.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"
#include "agent/cli/client.h"
#include "agent/cli/commands.h"

namespace picket::cli {

// An answer that worked: its document.
struct Answer {
    int exit_code = 0;  // Of the command, where there is no document.
    std::string document;
    bool answered = false;
};

constexpr int exit_with(ExitCode code) {
    return static_cast<int>(code);
}

// Tells what went wrong, and gives the exit code for it.
int complain(const Terminal& terminal, const Error& error);
int complain(const Terminal& terminal, const Reply& reply);

// "/v1/outages?open=1&since=2h"; those without a value are left out.
std::string with_parameters(std::string target,
                            const std::vector<std::pair<std::string_view, std::string>>& all);

// Asks the agent. `target` is path and query, already encoded.
Answer ask(const Invocation& invocation, const Terminal& terminal, std::string_view method,
           const std::string& target);

// Makes the document out of a database.
using ReadDatabase = std::function<Result<std::string>(const Invocation& invocation, WallTime now,
                                                       const std::string& database)>;

// Asks the agent; reads the database where --db says so, or no agent answers and there is one.
Answer ask_or_read(const Invocation& invocation, const Terminal& terminal,
                   const std::string& target, const ReadDatabase& read);

// Prints the document itself or what the first of `then` makes of it; the second turns what was
// read into the exit code.
template <typename Read, typename Render, typename Judge>
int show_document(const Terminal& terminal, const Invocation& invocation, const Answer& answer,
                  Read read, const std::pair<Render, Judge>& then) {
    if (!answer.answered) return answer.exit_code;
    if (invocation.json) terminal.print(answer.document);
    const auto view = read(answer.document);
    if (!view.has_value()) return complain(terminal, view.error());
    if (!invocation.json) terminal.print(then.first(*view));
    return then.second(*view);
}

// As above, for what is done once it is shown.
template <typename Read, typename Render>
int show_document(const Terminal& terminal, const Invocation& invocation, const Answer& answer,
                  Read read, Render render) {
    if (!answer.answered) return answer.exit_code;
    if (invocation.json) {
        terminal.print(answer.document);
        return exit_with(ExitCode::done);
    }
    const auto view = read(answer.document);
    if (!view.has_value()) return complain(terminal, view.error());
    terminal.print(render(*view));
    return exit_with(ExitCode::done);
}

}  // namespace picket::cli
