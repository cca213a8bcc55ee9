// picketd: the agent. `run` is the daemon, `validate` and `probe` help to write
// definitions and run as whoever calls them.

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/agent.h"
#include "agent/api/documents.h"
#include "agent/base/limits.h"
#include "agent/base/log.h"
#include "agent/base/version.h"
#include "agent/cli/output_style.h"
#include "agent/cli/render.h"
#include "agent/config.h"
#include "agent/files.h"
#include "agent/io/clock.h"
#include "agent/io/drop_in_directory.h"
#include "agent/io/read_file.h"
#include "agent/io/signals.h"
#include "agent/replay_stored.h"
#include "checks/drop_in.h"
#include "checks/probes/once.h"

namespace picket {
namespace {

namespace fs = std::filesystem;

// Problems of the configuration as lines.
struct Loaded {
    Config config;
    std::vector<std::string> problems;
};

Loaded load(const std::string& config_path) {
    ParsedConfig parsed = load_config(config_path, look_around());
    Loaded loaded{std::move(parsed.config), {}};
    for (const Problem& problem : parsed.problems) loaded.problems.push_back(to_text(problem));
    return loaded;
}

// The files that `paths` name: themselves, or the *.toml files in a directory.
Agent::Load load_paths(const std::vector<std::string>& paths, const std::string& agent_name) {
    Agent::Load result;
    std::vector<std::vector<DropInFile>> directories;
    std::vector<DropInFile> files;
    for (const std::string& path : paths) {
        std::error_code ignored;
        if (fs::is_directory(path, ignored)) {
            auto read = io::read_drop_in_directory(path, {});
            if (read) {
                directories.push_back(*std::move(read));
            } else {
                result.problems.push_back(path + ":1:1: " + read.error().message());
            }
            continue;
        }
        auto read = io::read_file(path, limits::definition_file_bytes_max);
        DropInFile file;
        file.name = fs::path(path).filename().string();
        file.path = path;
        if (read) {
            file.text = std::move(read->text);
        } else {
            file.fault = read.error().message();
        }
        files.push_back(std::move(file));
    }
    auto effective = checks::effective_files(std::move(directories));
    effective.insert(effective.end(), std::make_move_iterator(files.begin()),
                     std::make_move_iterator(files.end()));
    result.loaded =
        checks::load_catalogue({}, effective, {.agent = agent_name, .reader = secret_reader()});
    for (const Problem& problem : result.loaded.next.problems()) {
        result.problems.push_back(to_text(problem));
    }
    return result;
}

int validate(const std::string& config_path, const std::vector<std::string>& paths) {
    const Loaded loaded = load(config_path);
    const Agent::Load load =
        paths.empty() ? Agent::load({}, loaded.config) : load_paths(paths, loaded.config.name);
    for (const std::string& problem : loaded.problems) fmt::print("{}\n", problem);
    for (const std::string& problem : load.problems) fmt::print("{}\n", problem);
    const std::size_t problems = loaded.problems.size() + load.problems.size();
    fmt::print(stderr, "{} checks, {}\n", load.loaded.next.entries().size(),
               problems == 0 ? "no problems" : fmt::format("{} problems", problems));
    return problems == 0 ? 0 : 1;
}

struct ProbeOptions {
    std::string file;
    std::string check;  // Empty: all of the file.
    bool trace = false;
    bool json = false;
    bool no_color = false;
};

int probe(const std::string& config_path, const ProbeOptions& options) {
    const Loaded loaded = load(config_path);
    const Agent::Load load = load_paths({options.file}, loaded.config.name);
    for (const std::string& problem : load.problems) fmt::print(stderr, "{}\n", problem);
    if (!load.problems.empty()) return 1;

    io::Loop loop;
    io::Resolvers resolvers(loop);
    io::HttpClient http(loop);
    io::IcmpSockets icmp(loop);
    const cli::Style style =
        cli::output_style(options.no_color ? cli::ColourWish::none : cli::ColourWish::fitting);
    bool all_passed = true;
    std::size_t asked = 0;
    for (const auto& [name, entry] : load.loaded.next.entries()) {
        const std::string short_name(name_in_file(name));
        if (!options.check.empty() && options.check != short_name) continue;
        ++asked;
        std::optional<checks::Outcome> answer;
        const checks::Once once({loop, resolvers, http, icmp}, *entry.definition,
                                [&](checks::Outcome outcome) { answer = std::move(outcome); });
        while (!answer) loop.run_once();
        all_passed = all_passed && answer->finding == checks::Finding::passed;
        if (options.json) {
            fmt::print("{}", api::probe_document(short_name, *answer));
        } else {
            fmt::print("{}", cli::render_probe(style, short_name, *answer,
                                               options.trace ? cli::Trace::yes : cli::Trace::no));
        }
    }
    if (asked == 0) {
        fmt::print(stderr, "{} has no check{}\n", options.file,
                   options.check.empty() ? "" : fmt::format(" named '{}'", options.check));
        return 1;
    }
    return all_passed ? 0 : 1;
}

struct ReplayOptions {
    std::string file;
    std::vector<std::string> checks;  // Empty: all of the file.
    std::string since = "30d";
    std::string until;
    std::string database;  // Empty: the agent's own.
    bool json = false;
    bool no_color = false;
};

Result<std::vector<api::ReplayView>> replay_file(const Loaded& loaded, const Agent::Load& load,
                                                 const ReplayOptions& options) {
    const WallTime now = io::wall_now();
    WallTime to = now;
    if (!options.until.empty()) to = PICKET_TRY(parse_moment(now, options.until));
    const WallTime from = PICKET_TRY(parse_moment(now, options.since));
    if (from >= to) return failure(Code::invalid, "--since must be before --until");
    std::vector<const checks::Definition*> definitions;
    for (const auto& [name, entry] : load.loaded.next.entries()) {
        const auto& wanted = options.checks;
        const bool named = std::ranges::find(wanted, name) != wanted.end() ||
                           std::ranges::find(wanted, name_in_file(name)) != wanted.end();
        if (entry.definition && (wanted.empty() || named)) {
            definitions.push_back(&*entry.definition);
        }
    }
    if (definitions.empty()) {
        return failure(Code::not_found, options.file + " has no such check");
    }
    const std::string database =
        options.database.empty() ? loaded.config.state_dir + "/picket.db" : options.database;
    return replay_stored(database, definitions, from, to);
}

int replay(const std::string& config_path, const ReplayOptions& options) {
    const Loaded loaded = load(config_path);
    const Agent::Load load = load_paths({options.file}, loaded.config.name);
    for (const std::string& problem : load.problems) fmt::print(stderr, "{}\n", problem);
    if (!load.problems.empty()) return 1;
    const auto views = replay_file(loaded, load, options);
    if (!views) {
        fmt::print(stderr, "picket: {}\n", views.error().message());
        return 1;
    }
    if (options.json) {
        fmt::print("{}", api::replay_document(*views));
        return 0;
    }
    const cli::Style style =
        cli::output_style(options.no_color ? cli::ColourWish::none : cli::ColourWish::fitting);
    fmt::print("{}", cli::render_replay(style, *views));
    return 0;
}

int run(const std::string& config_path) {
    Loaded loaded = load(config_path);
    for (const std::string& problem : loaded.problems) log_error(problem);
    if (!loaded.problems.empty()) {
        log_error("not started: the configuration has problems");
        return 1;
    }
    io::Loop loop;
    Agent agent(loop, std::move(loaded.config));
    if (const Status started = agent.start(); !started) {
        log_error("not started: " + started.error().message());
        return 1;
    }
    bool ending = false;
    std::unique_ptr<io::Signals> signals;
    signals = std::make_unique<io::Signals>(
        loop,
        io::Signals::Handlers{.on_end =
                                  [&](int) {
                                      if (std::exchange(ending, true)) return;
                                      log_info("stopping");
                                      agent.stop([&] { loop.stop(); });
                                  },
                              .on_reload = [&] { agent.reload([](const api::ReloadView&) {}); }});
    loop.run();
    return 0;
}

}  // namespace
}  // namespace picket

int main(int argc, char** argv) {
    // One thread for commits and one for reads are enough, and one arena for them
    // all: an agent is small.
    setenv("UV_THREADPOOL_SIZE", "2", 0);  // NOLINT(concurrency-mt-unsafe): no thread yet
    mallopt(M_ARENA_MAX, 1);

    CLI::App app{"picketd: watches what its definitions name, and remembers.", "picketd"};
    app.set_version_flag("--version", std::string(picket::version));
    app.require_subcommand(0, 1);
    app.fallthrough();
    std::string config(picket::config_path_default);
    app.add_option("--config", config, "the configuration file")->capture_default_str();
    app.add_subcommand("run", "run the agent in the foreground (the default)");

    std::vector<std::string> paths;
    CLI::App* validate = app.add_subcommand(
        "validate", "check configuration and definitions, each problem as a line; exit 0 or 1");
    validate->add_option("PATH", paths, "files or directories instead of the configured ones");

    picket::ProbeOptions probe_options;
    CLI::App* probe =
        app.add_subcommand("probe", "ask the checks of a file once, and record nothing");
    probe->add_option("FILE", probe_options.file, "a file of definitions")->required();
    probe->add_option("CHECK", probe_options.check, "one check of it");
    probe->add_flag("--trace", probe_options.trace, "show the phases");
    probe->add_flag("--json", probe_options.json, "one document a line");
    probe->add_flag("--no-color", probe_options.no_color, "plain text");

    picket::ReplayOptions replay_options;
    CLI::App* replay =
        app.add_subcommand("replay", "what definitions would have decided on the stored outcomes");
    replay->add_option("FILE", replay_options.file, "a file of definitions, or a directory")
        ->required();
    replay->add_option("CHECK", replay_options.checks, "checks of it");
    replay->add_option("--since", replay_options.since, "a time, or how long ago")
        ->capture_default_str();
    replay->add_option("--until", replay_options.until, "a time, or how long ago");
    replay->add_option("--db", replay_options.database, "the database to read");
    replay->add_flag("--json", replay_options.json, "one document");
    replay->add_flag("--no-color", replay_options.no_color, "plain text");

    CLI11_PARSE(app, argc, argv);
    if (replay->parsed()) return picket::replay(config, replay_options);
    if (validate->parsed()) return picket::validate(config, paths);
    if (probe->parsed()) return picket::probe(config, probe_options);
    return picket::run(config);
}
