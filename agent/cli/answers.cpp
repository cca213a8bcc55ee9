#include "agent/cli/answers.h"

#include <fmt/format.h>

#include "agent/base/percent.h"
#include "agent/cli/documents.h"

namespace picket::cli {
namespace {

// The agent answers from memory; a probe takes as long as its check's time-out,
// which may be minutes.
constexpr Duration answer_timeout = std::chrono::seconds(10);
constexpr Duration probe_timeout = std::chrono::minutes(10);
// The others are asked, twice for some operations; a leave is told to all.
constexpr Duration mesh_timeout = std::chrono::seconds(40);

Duration patience_for(Command command) {
    if (command == Command::probe) return probe_timeout;
    const bool mesh_wide = command == Command::key || command == Command::leave;
    return mesh_wide ? mesh_timeout : answer_timeout;
}

Answer read_instead(const Invocation& invocation, const Terminal& terminal,
                    const ReadDatabase& read) {
    const bool named = !invocation.database.empty();
    const std::string& path = named ? invocation.database : terminal.database_default;
    const auto document = read(invocation, terminal.now(), path);
    if (!document.has_value()) {
        const std::string reason = printable(terminal.style, document.error().message());
        terminal.complain(fmt::format("picket: {}\n", reason));
        return Answer{exit_with(named ? ExitCode::failed : ExitCode::no_agent), {}, false};
    }
    if (!named) terminal.complain(fmt::format("picket: read {} instead\n", path));
    return Answer{0, *document, true};
}

}  // namespace

int complain(const Terminal& terminal, const Error& error) {
    terminal.complain(fmt::format("picket: {}\n", printable(terminal.style, error.message())));
    const bool absent = error.code() == Code::not_found || error.code() == Code::timed_out;
    return exit_with(absent ? ExitCode::no_agent : ExitCode::failed);
}

int complain(const Terminal& terminal, const Reply& reply) {
    const std::string message = read_error(reply.body);
    terminal.complain(message.empty()
                          ? fmt::format("picket: the agent answered with status {}\n", reply.status)
                          : fmt::format("picket: {}\n", printable(terminal.style, message)));
    return exit_with(ExitCode::failed);
}

std::string with_parameters(std::string target,
                            const std::vector<std::pair<std::string_view, std::string>>& all) {
    char before = '?';
    for (const auto& [name, value] : all) {
        if (value.empty()) continue;
        target += fmt::format("{}{}={}", std::exchange(before, '&'), name, percent_encode(value));
    }
    return target;
}

Answer ask(const Invocation& invocation, const Terminal& terminal, std::string_view method,
           const std::string& target) {
    const Client client(invocation.socket, patience_for(invocation.command));
    auto reply = client.request(method, target);
    if (!reply.has_value()) return Answer{complain(terminal, reply.error()), {}, false};
    if (reply->status != 200) return Answer{complain(terminal, *reply), {}, false};
    return Answer{0, std::move(reply->body), true};
}

Answer ask_or_read(const Invocation& invocation, const Terminal& terminal,
                   const std::string& target, const ReadDatabase& read) {
    if (!invocation.database.empty()) return read_instead(invocation, terminal, read);
    Answer answer = ask(invocation, terminal, "GET", target);
    const bool absent = !answer.answered && answer.exit_code == exit_with(ExitCode::no_agent);
    return absent ? read_instead(invocation, terminal, read) : answer;
}

}  // namespace picket::cli
