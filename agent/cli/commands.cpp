#include "agent/cli/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/api/documents.h"
#include "agent/base/percent.h"
#include "agent/base/text.h"
#include "agent/cli/answers.h"
#include "agent/cli/client.h"
#include "agent/cli/commands_history.h"
#include "agent/cli/documents.h"
#include "agent/cli/render.h"
#include "agent/cli/stored.h"

namespace picket::cli {
namespace {

// More than the agent's keep-alive: a stream this silent is dead.
constexpr Duration stream_timeout = std::chrono::seconds(60);

constexpr std::size_t events_before_following = 10;

int judge_states(const api::StatusView& view) {
    int code = 0;
    for (const api::CheckView& check : view.checks) {
        if (check.state == "down") return exit_some_down;
        if (check.state != "up") code = exit_some_not_up;
    }
    return code;
}

int status_once(const Invocation& invocation, const Terminal& terminal) {
    const Answer answer = ask(invocation, terminal, "GET", "/v1/status");
    const auto render = [&](const api::StatusView& view) {
        const std::string text = render_status(terminal.style, terminal.now(), view);
        const bool clears = invocation.watch.has_value() && terminal.interactive;
        return clears ? "\x1b[H\x1b[2J" + text : text;
    };
    if (!invocation.exit_code) {
        return show_document(terminal, invocation, answer, read_status, render);
    }
    return show_document(terminal, invocation, answer, read_status,
                         std::pair(render, &judge_states));
}

int run_status(const Invocation& invocation, const Terminal& terminal) {
    if (!invocation.watch.has_value()) return status_once(invocation, terminal);
    for (;;) {
        // An agent that restarts comes back, and so does its status.
        status_once(invocation, terminal);
        if (!terminal.print("")) return exit_with(ExitCode::done);
        terminal.sleep(*invocation.watch);
    }
}

Result<std::string> stored_outages(const Invocation& invocation, WallTime now,
                                   const std::string& database) {
    api::OutagesQuery query{.open_only = invocation.open, .since = {}};
    if (!invocation.since.empty()) query.since = PICKET_TRY(parse_moment(now, invocation.since));
    const auto view = PICKET_TRY(read_stored_outages(database, query));
    return api::outages_document(view, now);
}

int run_outages(const Invocation& invocation, const Terminal& terminal) {
    const std::string target = with_parameters(
        "/v1/outages", {{"open", invocation.open ? "1" : ""}, {"since", invocation.since}});
    const Answer answer = ask_or_read(invocation, terminal, target, stored_outages);
    return show_document(terminal, invocation, answer, read_outages,
                         [&](const api::OutagesView& view) {
                             return render_outages(terminal.style, terminal.now(), view);
                         });
}

Result<std::string> stored_outage(const Invocation& invocation, WallTime now,
                                  const std::string& database) {
    const auto view = PICKET_TRY(read_stored_outage(database, invocation.subject));
    return api::outage_document(view, now);
}

int run_outage(const Invocation& invocation, const Terminal& terminal) {
    const std::string target = "/v1/outages/" + percent_encode(invocation.subject);
    const Answer answer = ask_or_read(invocation, terminal, target, stored_outage);
    return show_document(terminal, invocation, answer, read_outage,
                         [&](const api::OutageDetailView& view) {
                             if (invocation.markdown) {
                                 return render_outage_markdown(terminal.now(), view);
                             }
                             return render_outage(terminal.style, terminal.now(), view);
                         });
}

Result<std::string> stored_why(const Invocation& invocation, WallTime now,
                               const std::string& database) {
    const auto view = PICKET_TRY(read_stored_why(
        database, {.check = invocation.subject, .epoch = invocation.epoch, .sub = invocation.sub}));
    return api::why_document(view, now);
}

int run_why(const Invocation& invocation, const Terminal& terminal) {
    const auto text = [](const std::optional<std::uint32_t>& number) {
        return number ? std::to_string(*number) : std::string();
    };
    const std::string target =
        with_parameters("/v1/checks/" + percent_encode(invocation.subject) + "/why",
                        {{"epoch", text(invocation.epoch)}, {"sub", text(invocation.sub)}});
    const Answer answer = ask_or_read(invocation, terminal, target, stored_why);
    return show_document(terminal, invocation, answer, read_why, [&](const api::WhyView& view) {
        return render_why(terminal.style, terminal.now(), view);
    });
}

// Says nothing where it was heard: whoever is told runs in a job.
int run_ping(const Invocation& invocation, const Terminal& terminal) {
    const std::string target =
        with_parameters(fmt::format("/v1/checks/{}/ping", percent_encode(invocation.subject)),
                        {{"signal", invocation.signal},
                         {"exit_code", invocation.exit_code_told},
                         {"message", invocation.message}});
    const Answer answer = ask(invocation, terminal, "POST", target);
    if (!answer.answered) return answer.exit_code;
    if (invocation.json) terminal.print(answer.document);
    return exit_with(ExitCode::done);
}

int run_show(const Invocation& invocation, const Terminal& terminal) {
    const std::string target = "/v1/checks/" + percent_encode(invocation.subject);
    return show_document(terminal, invocation, ask(invocation, terminal, "GET", target), read_show,
                         [&](const ShowReport& report) {
                             return render_show(terminal.style, terminal.now(), report.show);
                         });
}

int run_members(const Invocation& invocation, const Terminal& terminal) {
    return show_document(terminal, invocation, ask(invocation, terminal, "GET", "/v1/members"),
                         read_members, [&](const std::vector<api::MemberView>& members) {
                             return render_members(terminal.style, terminal.now(), members);
                         });
}

int run_probe(const Invocation& invocation, const Terminal& terminal) {
    const std::string target =
        fmt::format("/v1/checks/{}/probe", percent_encode(invocation.subject));
    const auto render = [&](const ProbeReport& report) {
        return render_probe(terminal.style, report.check, report.outcome,
                            invocation.trace ? Trace::yes : Trace::no);
    };
    const auto judge = [](const ProbeReport& report) {
        const bool passed = report.outcome.finding == checks::Finding::passed;
        return exit_with(passed ? ExitCode::done : ExitCode::failed);
    };
    return show_document(terminal, invocation, ask(invocation, terminal, "POST", target),
                         read_probe, std::pair(render, judge));
}

int run_reload(const Invocation& invocation, const Terminal& terminal) {
    return show_document(
        terminal, invocation, ask(invocation, terminal, "POST", "/v1/reload"), read_reload,
        [&](const api::ReloadView& view) { return render_reload(terminal.style, view); });
}

int run_leave(const Invocation& invocation, const Terminal& terminal) {
    return show_document(terminal, invocation, ask(invocation, terminal, "POST", "/v1/leave"),
                         read_leave, [&](const api::LeaveView& view) {
                             return printable(terminal.style, view.agent) + " has left the mesh\n";
                         });
}

int run_forget(const Invocation& invocation, const Terminal& terminal) {
    if (invocation.subject.empty() && invocation.zone.empty()) {
        terminal.complain("picket: name an agent, or a zone with --zone\n");
        return exit_with(ExitCode::usage);
    }
    const std::string target =
        with_parameters("/v1/forget", {{"agent", invocation.subject}, {"zone", invocation.zone}});
    return show_document(
        terminal, invocation, ask(invocation, terminal, "POST", target), read_forget,
        [&](const api::ForgetView& view) { return render_forget(terminal.style, view); });
}

int run_key(const Invocation& invocation, const Terminal& terminal) {
    if (invocation.subject == "generate") {
        constexpr std::size_t key_bytes = 32;
        terminal.print(base64_encode(terminal.random_bytes(key_bytes)) + "\n");
        return exit_with(ExitCode::done);
    }
    const std::string key = invocation.key == "-" ? terminal.read_line() : invocation.key;
    const std::string target = with_parameters(
        "/v1/keys/" + invocation.subject, {{"key", key}, {"force", invocation.force ? "1" : ""}});
    const auto render = [&](const api::KeysView& view) {
        return render_keys(terminal.style, view);
    };
    const auto judge = [](const api::KeysView& view) {
        return exit_with(view.unconfirmed.empty() ? ExitCode::done : ExitCode::failed);
    };
    return show_document(terminal, invocation, ask(invocation, terminal, "POST", target), read_keys,
                         std::pair(render, judge));
}

// Returns false where nobody reads any more.
bool print_event(const Invocation& invocation, const Terminal& terminal, std::string_view line) {
    if (invocation.json) return terminal.print(std::string(line) + "\n");
    const auto event = read_event(line);
    return !event.has_value() || terminal.print(render_event(terminal.style, *event));
}

int follow_events(const Invocation& invocation, const Terminal& terminal) {
    // A program must not miss what happened before it asked; a person wants a screen.
    const std::size_t recent = invocation.json ? api::events_kept_max : events_before_following;
    const Client client(invocation.socket, stream_timeout);
    bool read = true;
    const auto reply =
        client.stream(fmt::format("/v1/events?recent={}", recent), [&](std::string_view line) {
            read = print_event(invocation, terminal, line);
            return read;
        });
    if (!reply.has_value()) return complain(terminal, reply.error());
    if (reply->status != 200) return complain(terminal, *reply);
    if (read) terminal.complain("picket: the agent has ended the stream\n");
    return exit_with(read ? ExitCode::no_agent : ExitCode::done);
}

int run_events(const Invocation& invocation, const Terminal& terminal) {
    if (invocation.follow) return follow_events(invocation, terminal);
    const Answer answer = ask(invocation, terminal, "GET", "/v1/events?follow=0");
    if (!answer.answered) return answer.exit_code;
    for (std::string_view rest = answer.document; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        if (!print_event(invocation, terminal, rest.substr(0, end))) break;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return exit_with(ExitCode::done);
}

bool names_a_file(std::string_view subject) {
    return subject.find('/') != std::string_view::npos || subject.ends_with(".toml");
}

}  // namespace

int run_command(const Invocation& invocation, const Terminal& terminal) {
    switch (invocation.command) {
        case Command::status:
            return run_status(invocation, terminal);
        case Command::show:
            return run_show(invocation, terminal);
        case Command::why:
            return run_why(invocation, terminal);
        case Command::history:
            return run_history(invocation, terminal);
        case Command::availability:
            return run_availability(invocation, terminal);
        case Command::export_history:
            return run_export(invocation, terminal);
        case Command::outages:
            return run_outages(invocation, terminal);
        case Command::outage:
            return run_outage(invocation, terminal);
        case Command::members:
            return run_members(invocation, terminal);
        case Command::probe:
            return run_probe(invocation, terminal);
        case Command::ping:
            return run_ping(invocation, terminal);
        case Command::reload:
            return run_reload(invocation, terminal);
        case Command::events:
            return run_events(invocation, terminal);
        case Command::leave:
            return run_leave(invocation, terminal);
        case Command::forget:
            return run_forget(invocation, terminal);
        case Command::key:
            return run_key(invocation, terminal);
        case Command::validate:
        case Command::replay:
            break;
    }
    return exit_with(ExitCode::usage);
}

namespace {

std::vector<std::string> replay_words(const Invocation& invocation) {
    std::vector<std::string> words{"replay", invocation.subject};
    words.insert(words.end(), invocation.paths.begin(), invocation.paths.end());
    const std::pair<const char*, const std::string&> options[] = {{"--config", invocation.config},
                                                                  {"--since", invocation.since},
                                                                  {"--until", invocation.until},
                                                                  {"--db", invocation.database}};
    for (const auto& [name, value] : options) {
        if (!value.empty()) words.insert(words.end(), {name, value});
    }
    if (invocation.json) words.emplace_back("--json");
    if (invocation.colourless) words.emplace_back("--no-color");
    return words;
}

}  // namespace

std::vector<std::string> picketd_arguments(const Invocation& invocation) {
    std::vector<std::string> words;
    if (invocation.command == Command::validate) {
        words = {"validate"};
        if (!invocation.config.empty()) words.insert(words.end(), {"--config", invocation.config});
        words.insert(words.end(), invocation.paths.begin(), invocation.paths.end());
    }
    if (invocation.command == Command::probe && names_a_file(invocation.subject)) {
        words = {"probe", invocation.subject};
        if (!invocation.check.empty()) words.push_back(invocation.check);
        if (invocation.trace) words.emplace_back("--trace");
        if (invocation.json) words.emplace_back("--json");
        if (invocation.colourless) words.emplace_back("--no-color");
    }
    if (invocation.command == Command::replay) words = replay_words(invocation);
    return words;
}

}  // namespace picket::cli
