#include "agent/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <functional>
#include <sstream>
#include <utility>

#include "agent/base/text.h"
#include "agent/base/version.h"

namespace picket::cli {
namespace {

constexpr int usage_exit_code = 2;

std::string check_time(const std::string& text) {
    const auto moment = parse_moment(WallTime{}, text);
    return moment.has_value() ? std::string() : moment.error().message();
}

class Grammar {
public:
    explicit Grammar(std::string socket_default) {
        invocation.socket = std::move(socket_default);
        app.set_version_flag("--version", fmt::format("picket {}", version));
        app.add_option("--socket", invocation.socket, "The agent's socket ($PICKET_SOCKET)");
        app.add_flag("--json", invocation.json, "Print the agent's JSON document as it came");
        app.add_flag("--no-color", invocation.colourless,
                     "Neither colours nor characters beyond ASCII");
        app.require_subcommand(1);
        app.fallthrough();
        app.footer(
            "Exit codes: 0 done, 1 refused or failed, 2 usage, 3 no agent answers.\n"
            "picket COMMAND --help has an example of each.");
        add_looks();
        add_outages();
        add_acts();
        add_mesh();
    }

    CLI::App app{"picket asks the agent on this host what it knows.", "picket"};
    Invocation invocation;
    std::string watch;
    std::string epoch;

private:
    CLI::App* command(Command which, const std::string& name, const std::string& what,
                      const std::string& example) {
        CLI::App* command = app.add_subcommand(name, what);
        command->footer("Example: " + example);
        command->callback([this, which] { invocation.command = which; });
        return command;
    }

    void add_times(CLI::App* command) {
        const CLI::Validator time(check_time, "TIME");
        command->add_option("--since", invocation.since, "A time, or how long ago: 2h")
            ->check(time);
    }

    void add_database(CLI::App* command) {
        command->add_option("--db", invocation.database, "Read this database, and ask no agent");
    }

    void add_looks() {
        CLI::App* status =
            command(Command::status, "status", "Every check: its state, since when, its last hour",
                    "picket status --watch 5");
        status->add_flag("--exit-code", invocation.exit_code,
                         "Exit 0: all up, 1: degraded, unknown or pending, 2: some down");
        status->add_option("--watch", watch, "Look again every SECONDS (2)")
            ->expected(0, 1)
            ->default_str("2");
        command(Command::show, "show", "One check with everything known about it",
                "picket show homepage")
            ->add_option("CHECK", invocation.subject, "The check's name")
            ->required();
        CLI::App* why =
            command(Command::why, "why", "Why a verdict is held, or was: rule, votes, timeline",
                    "picket why homepage, picket why 'homepage#7'");
        why->add_option("CHECK", invocation.subject, "The check's name, or an outage's id")
            ->required();
        why->add_option("EPOCH", epoch, "Which verdict, such as 7, or 7.2 (what is held now)");
        add_database(why);
        CLI::App* history =
            command(Command::history, "history", "What was found, over time",
                    "picket history homepage --since 7d --plot\n\n"
                    "Up to 2,000 outcomes are told one by one, longer windows in slots of "
                    "whole minutes,\nhours or days. Time that nobody observed is told "
                    "apart. TIME is as 2026-11-23T03:00:00Z,\nor how long ago: 90m, 1d12h.");
        history->add_option("CHECK", invocation.subject, "The check's name")->required();
        add_times(history);
        add_until(history);
        add_database(history);
        history->add_flag("--raw", invocation.raw,
                          "Single outcomes, the newest, whatever the range");
        auto* plot = history->add_flag("--plot", invocation.plot,
                                       "Latency percentiles and states, drawn over time");
        history->add_flag("--csv", invocation.csv, "As comma-separated values")->excludes(plot);
        add_stored();
        command(Command::members, "members", "The agents of the mesh", "picket members");
        command(Command::events, "events", "What has happened lately", "picket events --follow")
            ->add_flag("--follow,-f", invocation.follow, "Go on as it happens");
    }

    void add_stored() {
        CLI::App* availability = command(
            Command::availability, "availability",
            "How long checks were up, down and not observed; budgets and burn rates",
            "picket availability homepage --window 30d --slo 99.9\n\n"
            "Down is the time of confirmed outages; a partial one counts half. Time that nobody\n"
            "observed is neither up nor down. A burn rate of 1 uses up the budget exactly.");
        availability->add_option("CHECK", invocation.paths, "Names of checks (all)");
        availability->add_option("--window,--since", invocation.since, "How far back (30d)")
            ->check(CLI::Validator(check_time, "TIME"));
        add_until(availability);
        availability
            ->add_option_function<double>(
                "--slo", [this](const double& slo) { invocation.slo = slo; },
                "The objective, in percent (the definition's slo)")
            ->check(CLI::Range(0.001, 99.999999));
        add_database(availability);

        CLI::App* exported = command(
            Command::export_history, "export", "What is stored, for other programs",
            "picket export homepage --since 7d --output homepage.sqlite\n\n"
            "Every outcome, what nobody observed, verdicts, outages and sums by the hour: as JSON\n"
            "lines, or as tables of SQLite. Read straight from the file, beside an agent or "
            "without.");
        exported->add_option("CHECK", invocation.paths, "Names of checks (all)");
        add_times(exported);
        add_until(exported);
        exported->add_option("--output,-o", invocation.output,
                             "A new file (JSON lines to standard output)");
        exported->add_option("--format", invocation.format, "By the file's name, else jsonl")
            ->check(CLI::IsMember({"jsonl", "sqlite"}));
        add_database(exported);

        CLI::App* replay = command(
            Command::replay, "replay",
            "What other definitions would have decided, beside what was decided",
            "picket replay checks.d/web.toml --since 30d\n\n"
            "Decides once more on the stored outcomes, by the agent's own rules, with the file's\n"
            "latency, timeout, fail_after and recover_after. What other conditions found stays.");
        replay->add_option("FILE", invocation.subject, "A definition file, or a directory of them")
            ->required();
        replay->add_option("CHECK", invocation.paths, "Which checks of it (all)");
        add_times(replay);
        add_until(replay);
        replay->add_option("--config", invocation.config, "The agent's configuration file");
        add_database(replay);
    }

    void add_until(CLI::App* command) {
        command->add_option("--until", invocation.until, "A time, or how long ago: 30m")
            ->check(CLI::Validator(check_time, "TIME"));
    }

    void add_outages() {
        CLI::App* outages =
            command(Command::outages, "outages", "Outages, newest first", "picket outages --open");
        outages->add_flag("--open", invocation.open, "Only those that are not over");
        add_times(outages);
        add_database(outages);
        CLI::App* outage =
            command(Command::outage, "outage", "One outage in full", "picket outage 'homepage#7'");
        outage->add_option("ID", invocation.subject, "Such as homepage#7")->required();
        outage->add_flag("--markdown", invocation.markdown, "The draft of a post-mortem");
        add_database(outage);
    }

    void add_mesh() {
        command(Command::leave, "leave", "Tell the mesh that this agent goes, and stay away",
                "picket leave && systemctl stop picket");
        CLI::App* forget =
            command(Command::forget, "forget", "Drop agents that failed or left, on every agent",
                    "picket forget web-03");
        auto* agent = forget->add_option("AGENT", invocation.subject, "The agent's name");
        forget->add_option("--zone", invocation.zone, "All of this zone that failed or left")
            ->excludes(agent);
        CLI::App* key = command(Command::key, "key", "The keys of the mesh, on every agent",
                                "picket key generate | picket key install -");
        key->require_subcommand(1);
        add_key(key, "generate", "Print a new key; asks no agent");
        add_key(key, "list", "Which keys are installed, and on how many agents");
        add_key(key, "install", "Have every agent accept a key")
            ->add_option("KEY", invocation.key, "In base64; - reads it from standard input")
            ->required();
        for (CLI::App* change : {add_key(key, "use", "Have every agent encrypt with a key"),
                                 add_key(key, "remove", "Have every agent give a key up")}) {
            change->add_option("KEY", invocation.key, "Its id, or the key in base64")->required();
            change->add_flag("--force", invocation.force,
                             "Whatever silent or foreign members hold");
        }
    }

    CLI::App* add_key(CLI::App* key, const std::string& name, const std::string& what) {
        CLI::App* operation = key->add_subcommand(name, what);
        operation->callback([this, name] { invocation.subject = name; });
        return operation;
    }

    void add_acts() {
        CLI::App* probe =
            command(Command::probe, "probe", "Ask once, now, and show what came; records nothing",
                    "picket probe homepage --trace");
        probe->add_option("CHECK|FILE", invocation.subject, "A check's name, or a definition file")
            ->required();
        probe->add_option("NAME", invocation.check, "Which check of the file");
        probe->add_flag("--trace", invocation.trace, "Show how long each phase took");
        CLI::App* ping = command(Command::ping, "ping", "Tell a heartbeat check how a job is",
                                 "picket ping backup --exit-code $?");
        ping->add_option("CHECK", invocation.subject, "The check's name")->required();
        CLI::Option_group* how = ping->add_option_group("how");
        how->add_flag_callback(
            "--start", [this] { invocation.signal = "start"; }, "It started");
        how->add_flag_callback(
            "--success", [this] { invocation.signal = "success"; },
            "It succeeded (said where nothing else is)");
        how->add_flag_callback(
            "--fail", [this] { invocation.signal = "fail"; }, "It failed");
        how->add_option("--exit-code", invocation.exit_code_told,
                        "It ended with this: 0 is a success, all else a failure")
            ->check(CLI::Range(0, 255));
        how->require_option(0, 1);
        ping->add_option("--message", invocation.message, "A line to show with it");
        CLI::App* validate = command(Command::validate, "validate",
                                     "Check configuration and definitions, as picketd validate",
                                     "picket validate web.toml");
        validate->add_option("PATH", invocation.paths, "Definition files or directories");
        validate->add_option("--config", invocation.config, "The agent's configuration file");
        command(Command::reload, "reload", "Have the agent read its definitions again",
                "picket reload");
    }
};

// "--watch" alone means 2; a bare number counts seconds.
bool read_watch(const std::string& text, Invocation& invocation) {
    const bool bare = text.find_first_not_of("0123456789") == std::string::npos;
    const auto interval = parse_duration(bare ? text + "s" : text);
    if (!interval.has_value() || interval->count() == 0) return false;
    invocation.watch = *interval;
    return true;
}

// All of the text is a number.
bool read_number(std::string_view text, std::optional<std::uint32_t>& number) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number.emplace());
    return error == std::errc{} && stop == end;
}

// "homepage#7", or "homepage" and "7" or "#7"; "7.2" is the version 2 of that epoch. False where
// the numbers are none.
bool read_epoch(std::string epoch, Invocation& invocation) {
    if (const std::size_t hash = invocation.subject.rfind('#'); hash != std::string::npos) {
        if (!epoch.empty()) return false;
        epoch = invocation.subject.substr(hash);
        invocation.subject.resize(hash);
    }
    if (epoch.empty()) return true;
    const std::string_view number = std::string_view(epoch).substr(epoch.front() == '#' ? 1 : 0);
    const std::size_t dot = number.find('.');
    if (dot == std::string_view::npos) return read_number(number, invocation.epoch);
    return read_number(number.substr(0, dot), invocation.epoch) &&
           read_number(number.substr(dot + 1), invocation.sub);
}

std::string no_command(const std::string& word) {
    constexpr std::array<std::string_view, 18> commands{
        "availability", "export",  "replay", "status",  "show",  "why",
        "history",      "outages", "outage", "members", "probe", "events",
        "validate",     "reload",  "leave",  "forget",  "key",   "ping"};
    const std::string_view meant = closest(word, commands);
    return fmt::format(
        "picket: '{}' is no command{}\n", printable_line(word, 64),
        meant.empty() ? "; picket --help lists them" : fmt::format(", did you mean {}?", meant));
}

}  // namespace

std::variant<Invocation, Ending> parse_command_line(int argc, const char* const* argv,
                                                    const std::string& socket_default) {
    // CLI11 reports by exception; it goes no further than here.
    Grammar grammar(socket_default);
    try {
        grammar.app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        std::ostringstream output;
        std::ostringstream errors;
        const int code = grammar.app.exit(error, output, errors);
        // CLI11 misses the command before it minds the word that is none.
        if (const auto words = grammar.app.remaining();
            !words.empty() && grammar.app.get_subcommands().empty()) {
            return Ending{usage_exit_code, {}, no_command(words.front())};
        }
        return Ending{code == 0 ? 0 : usage_exit_code, output.str(), errors.str()};
    }
    const CLI::App* status = grammar.app.get_subcommand("status");
    const bool watching = status->parsed() && status->get_option("--watch")->count() > 0;
    if (watching && !read_watch(grammar.watch.empty() ? "2" : grammar.watch, grammar.invocation)) {
        return Ending{usage_exit_code,
                      {},
                      fmt::format("--watch: '{}' is no number of seconds\n", grammar.watch)};
    }
    if (grammar.invocation.command == Command::why &&
        !read_epoch(grammar.epoch, grammar.invocation)) {
        return Ending{usage_exit_code, {}, "why: an epoch is a number, as in homepage#7\n"};
    }
    return std::move(grammar.invocation);
}

}  // namespace picket::cli
