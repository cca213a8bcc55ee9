// Probes of this host: what is common to them.
//
// What may hang in the kernel (file systems, other processes) is looked at by a
// child that can be killed; the files of /proc that describe the whole host never
// make anybody wait and are read at once.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/io/loop.h"
#include "checks/definition.h"
#include "checks/probes/child_run.h"
#include "checks/probes/probe.h"

namespace picket::checks {

// The environment of a program whose output is to be read by us.
std::vector<std::string> plain_environment();

// Asks by running a program and judging what it prints.
class ProgramProbe final : public Probe {
public:
    // Its output, once it exited with 0; `now` is the time of that.
    using Judge = std::function<Outcome(std::string_view output, Instant now)>;

    struct Options {
        io::ChildProcess::Options program;
        std::string subject;  // What is asked about: "/srv", for messages.
        // What it means that no answer came: "the file system does not answer".
        std::string silence;
    };

    // `definition` and `loop` must outlive the probe.
    ProgramProbe(const Definition& definition, io::Loop& loop, Options options, Judge judge);

    void start(Instant now, Instant deadline, Done done) override;
    void cancel() override;

private:
    void on_end(ChildRun::End end);
    Outcome judge_end(const ChildRun::End& end, Instant now) const;

    const Definition& definition_;
    const Options options_;
    const Judge judge_;
    ChildRun run_;
    Instant started_{};
    Duration timeout_{0};
    Done done_;  // Set while a run is in flight.
};

// Asks by calling a function that waits for nothing.
class ReadingProbe final : public Probe {
public:
    using Read = std::function<Outcome()>;

    ReadingProbe(const Definition& definition, io::Loop& loop, Read read);

    void start(Instant now, Instant deadline, Done done) override;
    void cancel() override;

private:
    void on_turn();

    const Definition& definition_;
    const Read read_;
    io::Timer later_;
    Instant started_{};
    Done done_;
};

// The options that have picket-helper look at something.
io::ChildProcess::Options helper(std::vector<std::string> arguments);

}  // namespace picket::checks
