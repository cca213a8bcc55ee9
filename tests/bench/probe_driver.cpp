// Runs one check's probe again and again, so many at a time, without the
// scheduler's limits; prints what it cost. For tests/bench/probes.py.
//
//     probe_driver FILE COUNT AT_ONCE     the first check of FILE
//
// Each run goes the way of a run in the agent: probe, conclusion, streak. Prints
// runs, those that did not pass, seconds, CPU seconds (user and system, since all
// was set up: the first run of each probe is not counted).

#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "agent/io/clock.h"
#include "agent/io/http_client.h"
#include "agent/io/icmp_socket.h"
#include "agent/io/loop.h"
#include "agent/io/resolver.h"
#include "checks/definition_parser.h"
#include "checks/probes/kinds.h"
#include "checks/probes/runner.h"
#include "checks/streak.h"

namespace picket {
namespace {

double cpu_seconds() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

class Driver {
public:
    Driver(const checks::Definition& definition, std::size_t count, std::size_t at_once)
        : definition_(definition), left_(count) {
        const checks::ProbeServices services{loop_, resolvers_, http_, icmp_};
        for (std::size_t i = 0; i < at_once; ++i) {
            lanes_.push_back(std::make_unique<Lane>(checks::make_probe(definition_, services)));
        }
    }

    void run() {
        warm_up();
        const double cpu = cpu_seconds();
        const Instant started = io::monotonic_now();
        for (auto& lane : lanes_) start(*lane);
        while (running_ > 0) loop_.run_once();
        fmt::print("{} {} {:.6f} {:.6f}\n", runs_, bad_, to_seconds(io::monotonic_now() - started),
                   cpu_seconds() - cpu);
    }

private:
    struct Lane {
        explicit Lane(std::unique_ptr<checks::Probe> asks) : probe(std::move(asks)) {}
        std::unique_ptr<checks::Probe> probe;
        checks::Streak streak{{}};
    };

    void warm_up() {
        std::size_t waiting = lanes_.size();
        for (auto& lane : lanes_) {
            const Instant now = io::monotonic_now();
            lane->probe->start(now, now + definition_.timeout,
                               [&waiting](const checks::Outcome&) { --waiting; });
        }
        while (waiting > 0) loop_.run_once();
    }

    void start(Lane& lane) {
        if (left_ == 0) return;
        --left_;
        ++running_;
        const Instant now = io::monotonic_now();
        lane.probe->start(now, now + definition_.timeout,
                          [this, &lane, now](checks::Outcome outcome) {
                              finish(lane, now, checks::conclude(std::move(outcome), definition_));
                          });
    }

    void finish(Lane& lane, Instant started, const checks::Outcome& outcome) {
        ++runs_;
        --running_;
        if (outcome.finding != checks::Finding::passed && bad_++ == 0) {
            fmt::print(stderr, "{}\n", outcome.message);
        }
        lane.streak.on_attempt(started, outcome.finding, false);
        start(lane);
    }

    const checks::Definition& definition_;
    io::Loop loop_;
    io::Resolvers resolvers_{loop_};
    io::HttpClient http_{loop_};
    io::IcmpSockets icmp_{loop_};
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::size_t left_;
    std::size_t running_ = 0;
    std::size_t runs_ = 0;
    std::size_t bad_ = 0;
};

int drive(const char* path, std::size_t count, std::size_t at_once) {
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const checks::ParseContext context{"bench",
                                       [](checks::Source, std::string_view) -> Result<std::string> {
                                           return failure(Code::invalid, "no substitutions here");
                                       }};
    const checks::ParsedFile parsed = checks::parse_definitions(text, path, context);
    for (const Problem& problem : parsed.problems) fmt::print(stderr, "{}\n", to_text(problem));
    if (parsed.definitions.empty()) return 1;
    Driver(parsed.definitions.front(), count, at_once).run();
    return 0;
}

}  // namespace
}  // namespace picket

int main(int argc, char** argv) {
    if (argc != 4) {
        fmt::print(stderr, "usage: probe_driver FILE COUNT AT_ONCE\n");
        return 2;
    }
    return picket::drive(argv[1], std::stoul(argv[2]), std::stoul(argv[3]));
}
