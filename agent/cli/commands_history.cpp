#include "agent/cli/commands_history.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/api/documents.h"
#include "agent/base/percent.h"
#include "agent/cli/answers.h"
#include "agent/cli/documents.h"
#include "agent/cli/export.h"
#include "agent/cli/plot.h"
#include "agent/cli/render.h"
#include "agent/cli/stored.h"

namespace picket::cli {
namespace {

// A screen of slots.
constexpr std::size_t slots_shown = 48;

// How many slots are asked for: as many as are shown. None: as many as there may be.
std::size_t slots_for(const Invocation& invocation, const Style& style) {
    if (invocation.json || invocation.csv) return api::history_points_max;
    return invocation.plot ? plot_columns(style) : slots_shown;
}

struct Window {
    WallTime from;
    WallTime to;
};

// Absent beginnings are `window_default` before the end.
Result<Window> window_of(const Invocation& invocation, WallTime now, Duration window_default) {
    Window window{.from = {}, .to = now};
    if (!invocation.until.empty()) window.to = PICKET_TRY(parse_moment(now, invocation.until));
    window.from = window.to - window_default;
    if (!invocation.since.empty()) window.from = PICKET_TRY(parse_moment(now, invocation.since));
    if (window.from < window.to) return window;
    return failure(Code::invalid, fmt::format("since ({}) must be before until ({})",
                                              format_time(window.from), format_time(window.to)));
}

Result<std::string> stored_history(const Invocation& invocation, std::size_t slots, WallTime now,
                                   const std::string& database) {
    const Window window = PICKET_TRY(window_of(invocation, now, api::history_window_default));
    const auto view = PICKET_TRY(read_stored_history(database, {.check = invocation.subject,
                                                                .from = window.from,
                                                                .to = window.to,
                                                                .slots_max = slots,
                                                                .raw = invocation.raw}));
    return api::history_document(view);
}

Result<std::string> stored_availability(const Invocation& invocation, WallTime now,
                                        const std::string& database) {
    const Window window = PICKET_TRY(window_of(invocation, now, api::availability_window_default));
    api::AvailabilityQuery query{.checks = invocation.paths,
                                 .from = window.from,
                                 .to = window.to,
                                 .slo = invocation.slo,
                                 .now = now};
    const auto view = PICKET_TRY(read_stored_availability(database, std::move(query)));
    return api::availability_document(view);
}

}  // namespace

int run_history(const Invocation& invocation, const Terminal& terminal) {
    const std::size_t slots = slots_for(invocation, terminal.style);
    const bool all_slots = slots == api::history_points_max;
    const std::string target = with_parameters("/v1/history/" + percent_encode(invocation.subject),
                                               {{"since", invocation.since},
                                                {"until", invocation.until},
                                                {"slots", all_slots ? "" : fmt::to_string(slots)},
                                                {"raw", invocation.raw ? "1" : ""}});
    const auto read = [slots](const Invocation& asked, WallTime now, const std::string& database) {
        return stored_history(asked, slots, now, database);
    };
    const Answer answer = ask_or_read(invocation, terminal, target, read);
    return show_document(terminal, invocation, answer, read_history,
                         [&](const api::HistoryView& view) {
                             if (invocation.csv) return render_history_csv(view);
                             if (invocation.plot) return render_plot(terminal.style, view);
                             return render_history(terminal.style, view);
                         });
}

int run_availability(const Invocation& invocation, const Terminal& terminal) {
    const std::string target = with_parameters(
        "/v1/availability", {{"checks", fmt::format("{}", fmt::join(invocation.paths, ","))},
                             {"since", invocation.since},
                             {"until", invocation.until},
                             {"slo", invocation.slo ? fmt::to_string(*invocation.slo) : ""}});
    const Answer answer = ask_or_read(invocation, terminal, target, stored_availability);
    return show_document(terminal, invocation, answer, read_availability,
                         [&](const api::AvailabilitiesView& view) {
                             return render_availability(terminal.style, view);
                         });
}

namespace {

// Where the agent that answers keeps its history.
std::string agents_database(const Invocation& invocation, const Terminal& terminal) {
    const Client client(invocation.socket, std::chrono::seconds(10));
    const auto reply = client.request("GET", "/v1/agent");
    if (!reply.has_value()) {
        complain(terminal, reply.error());
        terminal.complain(fmt::format("picket: read {} instead\n", terminal.database_default));
        return terminal.database_default;
    }
    const auto view = read_agent(reply->body);
    const bool told = reply->status == 200 && view.has_value() && !view->database.empty();
    return told ? view->database : terminal.database_default;
}

}  // namespace

int run_export(const Invocation& invocation, const Terminal& terminal) {
    const std::string database =
        invocation.database.empty() ? agents_database(invocation, terminal) : invocation.database;
    ExportOptions options;
    options.checks = invocation.paths;
    options.file = invocation.output;
    options.format = invocation.format;
    const WallTime now = terminal.now();
    for (const auto& [text, moment] :
         {std::pair(&invocation.since, &options.from), {&invocation.until, &options.to}}) {
        if (text->empty()) continue;
        const auto parsed = parse_moment(now, *text);
        if (!parsed.has_value()) return complain(terminal, parsed.error());
        *moment = *parsed;
    }
    const auto exported = export_history(database, options, terminal.print);
    if (!exported.has_value()) {
        terminal.complain(
            fmt::format("picket: {}\n", printable(terminal.style, exported.error().message())));
        return exit_with(ExitCode::failed);
    }
    if (!options.file.empty()) terminal.complain(export_summary(*exported, options.file));
    return exit_with(ExitCode::done);
}

}  // namespace picket::cli
