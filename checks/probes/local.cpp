#include "checks/probes/local.h"

#include <fmt/format.h>

#include <utility>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"
#include "agent/io/installed.h"
#include "checks/expectation.h"

namespace picket::checks {
namespace {

// Of a program that lists all processes of a large host.
constexpr std::size_t output_bytes_max = std::size_t{8} * 1024 * 1024;

Outcome with_latency(Outcome outcome, const Definition& definition, Duration took) {
    outcome.latency = took;
    if (!definition.latency) return outcome;
    std::vector<Judgement> judgements;
    judgements.push_back(judge_latency(took, *definition.latency));
    return conclude(std::move(outcome), std::move(judgements));
}

std::string first_line(std::string_view text) {
    return std::string(trim(text.substr(0, text.find('\n'))));
}

}  // namespace

std::vector<std::string> plain_environment() {
    return {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"};
}

io::ChildProcess::Options helper(std::vector<std::string> arguments) {
    return {.program = io::installed_part("picket-helper"),
            .arguments = std::move(arguments),
            .environment = plain_environment(),
            .output_bytes_max = output_bytes_max};
}

ProgramProbe::ProgramProbe(const Definition& definition, io::Loop& loop, Options options,
                           Judge judge)
    : definition_(definition),
      options_(std::move(options)),
      judge_(std::move(judge)),
      run_(loop, options_.program) {}

void ProgramProbe::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(!done_);
    done_ = std::move(done);
    started_ = now;
    timeout_ = deadline - now;
    run_.start(now, deadline, [this](const ChildRun::End& end) { on_end(end); });
}

void ProgramProbe::cancel() {
    run_.cancel();
    done_ = nullptr;
}

void ProgramProbe::on_end(ChildRun::End end) {
    const Instant now = io::monotonic_now();
    Outcome outcome = with_latency(judge_end(end, now), definition_, now - started_);
    outcome.phases.push_back({"run", Duration{0}, now - started_});
    // `done` may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    done(std::move(outcome));
}

Outcome ProgramProbe::judge_end(const ChildRun::End& end, Instant now) const {
    if (std::holds_alternative<ChildRun::TimedOut>(end)) {
        return failed(FailureClass::timeout, timeout_,
                      fmt::format("{}: {} within {}", options_.subject, options_.silence,
                                  format_duration(timeout_)));
    }
    if (const auto* stuck = std::get_if<ChildRun::Stuck>(&end)) {
        return failed(FailureClass::timeout, timeout_,
                      fmt::format("{}: {}; pid {} still waits for it, and survives SIGKILL",
                                  options_.subject, options_.silence, stuck->pid));
    }
    if (const auto* not_started = std::get_if<ChildRun::NotStarted>(&end)) {
        return errored(not_started->reason);
    }
    const auto& exit = std::get<io::ChildExit>(end);
    if (exit.signal != 0) {
        return errored(fmt::format("{}: {} died by signal {}", options_.subject,
                                   options_.program.program, exit.signal));
    }
    if (exit.code != 0) {
        const std::string said =
            first_line(exit.error_output.empty() ? exit.output : exit.error_output);
        return errored(said.empty()
                           ? fmt::format("{} exited with {}", options_.program.program, exit.code)
                           : fmt::format("{}: {}", options_.subject, said));
    }
    if (exit.bytes_dropped > 0) {
        return errored(fmt::format("{}: more than {} MiB to look at", options_.subject,
                                   output_bytes_max >> 20U));
    }
    return judge_(exit.output, now);
}

ReadingProbe::ReadingProbe(const Definition& definition, io::Loop& loop, Read read)
    : definition_(definition), read_(std::move(read)), later_(loop, [this] { on_turn(); }) {}

void ReadingProbe::start(Instant now, Instant, Done done) {
    PICKET_ASSERT(!done_);
    done_ = std::move(done);
    started_ = now;
    later_.set(now);
}

void ReadingProbe::cancel() {
    later_.clear();
    done_ = nullptr;
}

void ReadingProbe::on_turn() {
    Outcome outcome = read_();
    outcome = with_latency(std::move(outcome), definition_, io::monotonic_now() - started_);
    const Done done = std::exchange(done_, nullptr);
    done(std::move(outcome));
}

}  // namespace picket::checks
