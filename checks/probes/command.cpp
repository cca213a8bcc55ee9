#include "checks/probes/command.h"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "agent/io/child_process.h"
#include "agent/io/clock.h"
#include "agent/io/installed.h"
#include "checks/plugin_output.h"
#include "checks/probes/child_run.h"

namespace picket::checks {
namespace {

constexpr std::size_t detail_bytes_max = plugin_output_bytes_max;

// What a query asks for. Nothing else here looks into the query.
struct Asked {
    io::ChildProcess::Options options;
    std::string shown_program;
    PluginState fail_on = PluginState::critical;
};

// Has picket-helper give up what the program may not have, and become it. Without
// limits there is nothing to do, and one program less to start.
void confine(const CommandQuery& query, io::ChildProcess::Options& options) {
    std::vector<std::string> words;
    const auto add = [&](std::string_view name, const auto& limit) {
        if (limit) words.push_back(fmt::format("{}={}", name, *limit));
    };
    const auto bytes = [](const std::optional<Amount>& amount) {
        return amount ? std::optional(static_cast<std::uint64_t>(amount->value)) : std::nullopt;
    };
    if (!query.user.empty()) words.push_back("user=" + query.user);
    add("memory", bytes(query.memory_max));
    if (query.cpu_max) {
        add("cpu", std::optional(std::chrono::ceil<std::chrono::seconds>(*query.cpu_max).count()));
    }
    add("processes", query.processes_max);
    add("files", query.files_max);
    add("file_size", bytes(query.file_size_max));
    if (words.empty()) return;
    words.insert(words.begin(), "run");
    words.insert(words.end(), {"--", std::move(options.program)});
    std::ranges::move(options.arguments, std::back_inserter(words));
    options.program = io::installed_part("picket-helper");
    options.arguments = std::move(words);
}

Asked asked(const CommandQuery& query) {
    PICKET_ASSERT(!query.command.empty());
    Asked result;
    result.shown_program = query.command.front().shown;
    result.fail_on = query.fail_on;
    result.options.program = query.command.front().value;
    for (std::size_t i = 1; i < query.command.size(); ++i) {
        result.options.arguments.push_back(query.command[i].value);
    }
    std::map<std::string, std::string> environment{{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"},
                                                   {"LC_ALL", "C"}};
    for (const std::string& name : query.env_keep) {
        if (auto value = io::environment_variable(name)) environment[name] = *std::move(value);
    }
    for (const auto& [name, text] : query.env) environment[name] = text.value;
    for (const auto& [name, value] : environment) {
        result.options.environment.push_back(fmt::format("{}={}", name, value));
    }
    result.options.working_directory = query.working_directory;
    confine(query, result.options);
    return result;
}

std::string_view name_of(PluginExit state) {
    switch (state) {
        case PluginExit::ok:
            return "OK";
        case PluginExit::warning:
            return "WARNING";
        case PluginExit::critical:
            return "CRITICAL";
        case PluginExit::unknown:
            break;
    }
    return "UNKNOWN";
}

std::string signal_text(int signal) {
    const char* name = ::sigabbrev_np(signal);
    return name == nullptr ? std::to_string(signal) : fmt::format("{} ({})", signal, name);
}

// What goes under `show`: all the plugin printed, as far as it fits.
std::string detail_of(const PluginOutput& output, const PluginOutput& errors,
                      std::uint64_t bytes_dropped) {
    std::string detail = output.text;
    if (!errors.text.empty()) {
        if (!detail.empty()) detail += '\n';
        detail += "stderr: " + errors.text;
    }
    const bool cut = output.cut || errors.cut || bytes_dropped > 0;
    if (!cut && detail.size() <= detail_bytes_max) return detail;
    constexpr std::string_view note = "\n[there was more]";
    detail = cut_text(detail, detail_bytes_max - note.size());
    return detail.append(note);
}

// The line that stands for the run.
std::string message_of(const PluginOutput& output, const PluginOutput& errors, int exit_code) {
    if (!output.summary.empty()) return output.summary;
    if (!errors.text.empty()) {
        return "(nothing on stdout) stderr: " + errors.text.substr(0, errors.text.find('\n'));
    }
    return fmt::format("exit code {} and no output", exit_code);
}

class CommandProbe final : public Probe {
public:
    CommandProbe(const Definition& definition, io::Loop& loop)
        : definition_(definition),
          asked_(asked(definition.query.as<CommandQuery>())),
          run_(loop, asked_.options) {}

    void start(Instant now, Instant deadline, Done done) override {
        PICKET_ASSERT(!done_);
        done_ = std::move(done);
        started_ = now;
        deadline_ = deadline;
        run_.start(now, deadline, [this](const ChildRun::End& end) { on_end(end); });
    }

    void cancel() override {
        run_.cancel();
        done_ = nullptr;
    }

private:
    void on_end(const ChildRun::End& end) {
        Outcome outcome = std::visit([this](const auto& way) { return judge(way); }, end);
        // The last thing that any path does: `done` may destroy this probe.
        std::exchange(done_, nullptr)(std::move(outcome));
    }

    Outcome judge(const ChildRun::TimedOut&) const {
        return failed(FailureClass::timeout, io::monotonic_now() - started_,
                      fmt::format("run {}: no result within {}; killed", asked_.shown_program,
                                  format_duration(deadline_ - started_)));
    }

    Outcome judge(const ChildRun::Stuck& stuck) const {
        return failed(FailureClass::timeout, deadline_ - started_,
                      fmt::format("run {}: not started: pid {} of an earlier run survives SIGKILL",
                                  asked_.shown_program, stuck.pid));
    }

    Outcome judge(const ChildRun::NotStarted& not_started) const {
        return errored(redact(not_started.reason, definition_));
    }

    Outcome judge(const io::ChildExit& exit) const {
        return judge(exit, io::monotonic_now() - started_);
    }

    Outcome judge(const io::ChildExit& exit, Duration latency) const {
        const PluginOutput output = parse_plugin_output(redact(exit.output, definition_));
        const PluginOutput errors = parse_plugin_output(redact(exit.error_output, definition_));
        Outcome outcome =
            exit.signal != 0
                ? errored(fmt::format("run {}: died by signal {}", asked_.shown_program,
                                      signal_text(exit.signal)))
                : judge_state(exit.code, latency, message_of(output, errors, exit.code));
        outcome.latency = latency;
        outcome.phases.push_back({"run", Duration{0}, latency});
        for (const PerfdataItem& item : output.perfdata) {
            if (item.value) outcome.metrics.push_back({item.label, *item.value, item.unit});
        }
        outcome.detail = detail_of(output, errors, exit.bytes_dropped);
        return outcome;
    }

    Outcome judge_state(int exit_code, Duration latency, const std::string& message) const {
        const PluginExit state = plugin_exit(exit_code);
        const bool held_against =
            state == PluginExit::critical ||
            (state == PluginExit::warning && asked_.fail_on == PluginState::warning);
        const bool late = definition_.latency && latency > *definition_.latency;
        Outcome outcome;
        if (state == PluginExit::unknown) {
            outcome = errored(exit_code == 3 ? message
                                             : fmt::format("exit code {}, which is no state: {}",
                                                           exit_code, message));
        } else if (held_against) {
            outcome = failed(FailureClass::plugin, latency, message);
        } else if (late) {
            outcome = failed(FailureClass::latency, latency,
                             fmt::format("took {}, more than {}: {}", format_duration(latency),
                                         format_duration(*definition_.latency), message));
        } else {
            outcome = passed(latency, message);
        }
        outcome.expectations.push_back(
            {asked_.fail_on == PluginState::warning ? "state OK" : "state OK or WARNING",
             fmt::format("{} (exit code {})", name_of(state), exit_code),
             state != PluginExit::unknown && !held_against});
        if (definition_.latency) {
            outcome.expectations.push_back({"latency " + format_duration(*definition_.latency),
                                            format_duration(latency), !late});
        }
        return outcome;
    }

    const Definition& definition_;
    const Asked asked_;
    ChildRun run_;
    Instant started_{};
    Instant deadline_{};
    Done done_;  // Set while a run is in flight.
};

}  // namespace

std::unique_ptr<Probe> make_command_probe(const Definition& definition, ProbeServices services) {
    return make_command_probe(definition, services.loop);
}

std::unique_ptr<Probe> make_command_probe(const Definition& definition, io::Loop& loop) {
    return std::make_unique<CommandProbe>(definition, loop);
}

}  // namespace picket::checks
