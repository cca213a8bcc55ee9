// storage_writer STATE_DIR: an agent's history without the agent, to be killed.
//
// Appends numbered outcomes (the number is the time in milliseconds) and transitions (in
// the epoch) as fast as they are taken, on a clock that only this loop turns. After
// each commit it prints "committed N": all numbers below N are stored.

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "storage/history_writer.h"
#include "storage/store.h"

namespace {

using namespace picket;
using namespace std::chrono_literals;

constexpr WallTime base = WallTime(1'795'402'800s);
constexpr std::int64_t checks_count = 4;  // Few, so that series are sealed under way.
constexpr std::int64_t rows_per_transition = 16;

storage::HistoryRow outcome(std::int64_t number) {
    storage::HistoryRow row;
    row.check = "check-" + std::to_string(number % checks_count);
    row.outcome.at = base + number * 1ms;
    row.interval = 1ms * checks_count;
    row.outcome.message = "message " + std::to_string(number % 97);
    return row;
}

storage::Transition transition(std::int64_t number) {
    storage::Transition transition;
    transition.check = "check-0";
    transition.at = base + number * 1ms;
    transition.epoch = static_cast<std::uint32_t>(number / rows_per_transition);
    transition.state = "up";
    return transition;
}

// Where the last run's commits ended.
std::int64_t first_number(const storage::Loaded& loaded) {
    const auto found = loaded.agent_facts.find("next");
    return found == loaded.agent_facts.end() ? 0 : std::stoll(found->second);
}

int fail(const std::string& message) {
    std::fprintf(stderr, "%s\n", message.c_str());
    return 1;
}

int run(const std::string& state_dir) {
    auto opened = storage::Store::open(state_dir, base);
    if (!opened) return fail(opened.error().message());
    if (!opened->problem.empty()) return fail(opened->problem);
    storage::Store& store = opened->store;
    std::int64_t number = first_number(opened->loaded);

    storage::HistoryWriter::Options options;
    options.batch_rows = 64;
    storage::HistoryWriter writer(options);
    for (Instant now{1s};; now += 10ms) {
        writer.append(now, outcome(number));
        if (number % rows_per_transition == 0) writer.append(now, transition(number));
        ++number;
        // The fact goes with the batch that holds the row before it, or it would lie.
        if (number % 40 != 0) continue;
        writer.append(now, storage::AgentFact{"next", std::to_string(number)});
        writer.flush(now);
        while (auto batch = writer.poll_batch(now)) {
            const auto written = store.write(*batch, base);
            if (!written) return fail(written.error().message());
            if (!written->problem.empty()) return fail(written->problem);
            writer.on_written(now, {});
        }
        const std::string line = "committed " + std::to_string(number) + "\n";
        if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) return 0;
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return fail("usage: storage_writer STATE_DIR");
    return run(argv[1]);
}
