#include "agent/judge_again.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/base/random.h"
#include "checks/database_judgement.h"
#include "checks/definition_keys.h"
#include "checks/host_judgement.h"
#include "checks/probes/icmp_tally.h"
#include "checks/probes/ntp.h"
#include "checks/types/database.h"
#include "checks/types/icmp.h"
#include "checks/types/ntp.h"

namespace picket {
namespace {

using namespace checks;
using namespace std::chrono_literals;

storage::OutcomeRecord stored(const Outcome& outcome) {
    storage::OutcomeRecord record;
    record.finding = outcome.finding;
    record.failure_class = outcome.failure_class;
    record.latency = outcome.latency;
    record.message = outcome.message;
    return record;
}

template <typename Q>
Definition definition_of(const Q& query) {
    Definition definition = default_definition(Q::type);
    definition.name = "one";
    definition.query = query;
    return definition;
}

JudgedAgain judge_again(const Definition& definition, const storage::OutcomeRecord& stored) {
    return JudgeAgain(definition).judge(stored);
}

// ---- Whatever was asked then, what is decided now is what the new limits say

std::uint64_t between(Random& random, std::uint64_t least, std::uint64_t most) {
    return least + random.below(most - least + 1);
}

std::optional<Amount> amount(Random& random, double whole) {
    if (random.chance(1, 4)) return std::nullopt;
    if (random.chance(1, 2)) return Amount{static_cast<double>(between(random, 1, 99)), true};
    return Amount{whole * static_cast<double>(between(random, 1, 99)) / 100, false};
}

std::optional<Duration> duration(Random& random, Duration most) {
    if (random.chance(1, 3)) return std::nullopt;
    return Duration(
        static_cast<std::int64_t>(between(random, 1'000, static_cast<std::uint64_t>(most / 1us))));
}

constexpr double gibibyte = 1024.0 * 1024 * 1024;

struct Case {
    Definition then;
    Definition now;
    Outcome found_then;
    Outcome found_now;
};

Case disk(Random& random) {
    const auto size =
        static_cast<std::uint64_t>(gibibyte * static_cast<double>(between(random, 1, 4'000)) / 7);
    DiskFigures figures;
    figures.size = size;
    figures.free = size / 1'000 * between(random, 60, 1'000);
    figures.available = figures.free - size / 20;
    const auto query = [&] {
        return DiskQuery{.path = "/var: lib",
                         .free_below = amount(random, static_cast<double>(size)),
                         .used_above = amount(random, static_cast<double>(size))};
    };
    const DiskQuery then = query();
    const DiskQuery now = query();
    const Found<DiskFigures> found{figures};
    return {definition_of(then), definition_of(now), judge_disk(then, found),
            judge_disk(now, found)};
}

Case memory(Random& random) {
    MemoryFigures figures;
    figures.total = between(random, 1, 1'000) << 28u;
    figures.available = figures.total / 1'000 * between(random, 0, 1'000);
    figures.swap_total = random.chance(1, 3) ? 0 : between(random, 1, 64) << 28u;
    figures.swap_free = figures.swap_total / 1'000 * between(random, 0, 1'000);
    const auto query = [&] {
        return MemoryQuery{
            .available_below = amount(random, static_cast<double>(figures.total)),
            .swap_used_above = amount(random, static_cast<double>(figures.swap_total))};
    };
    const MemoryQuery then = query();
    const MemoryQuery now = query();
    return {definition_of(then), definition_of(now), judge_memory(then, figures, {}),
            judge_memory(now, figures, {})};
}

Case load(Random& random) {
    LoadFigures figures;
    figures.cores = static_cast<std::uint32_t>(between(random, 1, 64));
    for (double& each : figures.averages) {
        each = static_cast<double>(between(random, 0, 10'000)) / 100;
    }
    const auto bounds = [&](double most) {
        std::vector<double> values(random.below(4));
        for (double& each : values) {
            each = most * static_cast<double>(between(random, 1, 1'000)) / 1'000;
        }
        return values;
    };
    const auto query = [&] {
        return LoadQuery{.above = bounds(150), .per_core_above = bounds(10)};
    };
    const LoadQuery then = query();
    const LoadQuery now = query();
    return {definition_of(then), definition_of(now), judge_load(then, figures),
            judge_load(now, figures)};
}

Case icmp(Random& random) {
    IcmpTally tally;
    const std::uint64_t packets = between(random, 1, 5);
    const std::uint64_t answered = between(random, 1, packets);
    for (std::uint16_t each = 0; each < packets; ++each) {
        tally.on_sent(Instant{});
        if (each < answered) {
            tally.on_reply(
                each, Instant{Duration(static_cast<std::int64_t>(between(random, 100, 400'000)))});
        }
    }
    const auto some = [&] {
        IcmpQuery query;
        query.loss_above = static_cast<double>(between(random, 0, 100));
        query.rtt_min_above = duration(random, 400ms);
        query.rtt_avg_above = duration(random, 400ms);
        query.rtt_max_above = duration(random, 400ms);
        return query;
    };
    const Definition then = definition_of(some());
    const Definition now = definition_of(some());
    const std::string asked = "db.example.com (2001:db8::7)";
    return {then, now, tally.judge(then, asked, 1s), tally.judge(now, asked, 1s)};
}

Case ntp(Random& random) {
    NtpExchange exchange;
    exchange.asked = WallTime(1'795'402'800s);
    exchange.answered =
        exchange.asked + Duration(static_cast<std::int64_t>(between(random, 1'000, 900'000)));
    const auto off = Duration(static_cast<std::int64_t>(random.below(4'000'000)) - 2'000'000);
    exchange.reply.stratum = static_cast<std::uint8_t>(between(random, 1, 15));
    exchange.reply.leap = io::LeapIndicator::none;
    exchange.reply.received = io::to_ntp_time(exchange.asked + off);
    exchange.reply.sent = io::to_ntp_time(exchange.asked + off + 1ms);
    const auto some = [&] {
        NtpQuery query;
        query.stratum_above = static_cast<std::uint32_t>(between(random, 1, 15));
        query.offset_above = duration(random, 2s);
        Definition definition = definition_of(query);
        definition.latency = duration(random, 900ms);
        return definition;
    };
    const Definition then = some();
    const Definition now = some();
    return {then, now, judge_ntp(then, "192.0.2.1:123", exchange),
            judge_ntp(now, "192.0.2.1:123", exchange)};
}

Case process(Random& random) {
    std::vector<ProcessFigures> processes(random.below(6));
    for (ProcessFigures& each : processes)
        each = {.pid = 7,
                .age_seconds = 60,
                .rss_bytes = 4096,
                .state = 'S',
                .name = "nginx",
                .command = ""};
    const auto some = [&] {
        ProcessQuery query{.name = "nginx"};
        query.count_min = static_cast<std::uint32_t>(random.below(4));
        if (random.chance(1, 2)) {
            query.count_max = static_cast<std::uint32_t>(between(random, query.count_min, 6));
        }
        return query;
    };
    const ProcessQuery then = some();
    const ProcessQuery now = some();
    return {definition_of(then), definition_of(now), judge_processes(then, nullptr, processes, 0),
            judge_processes(now, nullptr, processes, 0)};
}

Case file(Random& random) {
    const WallTime now_at = WallTime(1'795'402'800s);
    const auto written = [&] {
        return to_milliseconds(now_at -
                               Duration(static_cast<std::int64_t>(random.below(7'200'000'000))));
    };
    FileFigures figures;
    figures.count = between(random, 1, 4);
    figures.bytes = figures.count * between(random, 1, 5'000'000);
    figures.oldest = figures.newest = {"/var/spool/a, b", written()};
    figures.largest =
        figures.smallest = {"/var/spool/a, b", static_cast<std::int64_t>(figures.bytes)};
    if (figures.count > 1) {
        figures.oldest.value = std::min(figures.newest.value, written());
        figures.largest.value /= 2;
        figures.smallest.value /= 9;
    }
    const auto age_of = random.chance(1, 2) ? FileOfAge::newest : FileOfAge::oldest;
    const auto some = [&] {
        FileQuery query{.path = "/var/spool/*"};
        query.age_of = age_of;
        query.older_than = duration(random, 2h);
        if (random.chance(1, 4)) query.newer_than = duration(random, 2h);
        if (random.chance(1, 2)) query.size_above = Amount{double(between(random, 1, 5'000'000))};
        if (random.chance(1, 2)) query.count_max = static_cast<std::uint32_t>(random.below(4) + 1);
        return query;
    };
    const FileQuery then = some();
    const FileQuery now = some();
    const Found<FileFigures> found{figures};
    return {definition_of(then), definition_of(now), judge_files(then, found, now_at),
            judge_files(now, found, now_at)};
}

Case database(Random& random) {
    DatabaseAnswer answer;
    answer.server = "192.0.2.9:5432";
    answer.result.emplace();
    answer.result->rows = 1;
    answer.result->columns = {"lag"};
    answer.result->row = {std::to_string(random.below(1'000))};
    const auto some = [&] {
        PostgresQuery query;
        if (random.chance(1, 2)) query.value_below = static_cast<double>(random.below(500));
        if (random.chance(1, 2)) query.value_above = static_cast<double>(random.below(1'000));
        return query;
    };
    const PostgresQuery then = some();
    const PostgresQuery now = some();
    return {definition_of(then), definition_of(now), judge_database(then, nullptr, answer),
            judge_database(now, nullptr, answer)};
}

TEST_CASE("what is decided again is what the probe would have decided, or is told as undecided") {
    struct Kind {
        const char* name;
        Case (*make)(Random&);
        int decided_percent_min;  // Else the rest would hold for nothing.
    };
    for (const Kind& kind :
         {Kind{"disk", disk, 60}, Kind{"memory", memory, 50}, Kind{"load", load, 40},
          Kind{"icmp", icmp, 25}, Kind{"ntp", ntp, 50}, Kind{"process", process, 100},
          Kind{"file", file, 15}, Kind{"database", database, 100}}) {
        CAPTURE(kind.name);
        int decided = 0;
        int turned = 0;
        constexpr int runs = 500;
        for (std::uint64_t seed = 1; seed <= runs; ++seed) {
            CAPTURE(seed);
            Random random(seed);
            const Case each = kind.make(random);
            CAPTURE(each.found_then.message);
            CAPTURE(each.found_now.message);
            const JudgedAgain again = judge_again(each.now, stored(each.found_then));
            CAPTURE(again.outcome.message);
            if (!again.untold.empty()) continue;
            ++decided;
            turned += each.found_then.finding != each.found_now.finding ? 1 : 0;
            REQUIRE(again.outcome.finding == each.found_now.finding);
        }
        CHECK(100 * decided >= runs * kind.decided_percent_min);
        CHECK(turned > runs / 50);
    }
}

TEST_CASE("with the limits of that day everything is decided as it was that day") {
    for (const auto make : {disk, memory, load, icmp, ntp, process, file, database}) {
        for (std::uint64_t seed = 1; seed <= 100; ++seed) {
            CAPTURE(seed);
            Random random(seed);
            const Case each = make(random);
            CAPTURE(each.found_then.message);
            const JudgedAgain again = judge_again(each.then, stored(each.found_then));
            CAPTURE(again.outcome.message);
            REQUIRE(again.outcome.finding == each.found_then.finding);
            REQUIRE(again.outcome.failure_class == each.found_then.failure_class);
        }
    }
}

// ---- What is said of it

TEST_CASE("a threshold that is broken says with what") {
    const Found<DiskFigures> found{{.size = 100'000, .free = 30'000, .available = 30'000}};
    const Outcome then = judge_disk({.path = "/"}, found);
    Definition now = definition_of(DiskQuery{.path = "/", .free_below = Amount{40, true}});
    const JudgedAgain again = judge_again(now, stored(then));
    CHECK(again.outcome.finding == Finding::failed);
    CHECK(again.outcome.failure_class == FailureClass::content);
    CHECK(again.outcome.message == "/: 29 KiB (30%) free of 98 KiB; free_below = \"40%\"");
    CHECK(again.untold.empty());
}

TEST_CASE("a limit within what the message rounds away decides nothing, and is told") {
    const Found<DiskFigures> found{{.size = 100'000, .free = 30'000, .available = 30'000}};
    const Outcome then = judge_disk({.path = "/"}, found);
    const Definition now =
        definition_of(DiskQuery{.path = "/", .free_below = Amount{29.4 * 1024, false}});
    const JudgedAgain again = judge_again(now, stored(then));
    CHECK(again.outcome.finding == Finding::passed);
    CHECK(again.untold == std::vector<std::string_view>{"free_below"});
}

TEST_CASE("limits that no message tells are told, those that are not set are not") {
    const Found<DiskFigures> found{{.size = 100'000, .free = 30'000, .available = 30'000}};
    const Outcome then = judge_disk({.path = "/"}, found);
    const Definition now = definition_of(DiskQuery{.path = "/", .inodes_below = Amount{5, true}});
    CHECK(judge_again(now, stored(then)).untold == std::vector<std::string_view>{"inodes_below"});
    CHECK(judge_again(definition_of(DiskQuery{.path = "/"}), stored(then)).untold.empty());
}

Definition web() {
    Definition definition = default_definition(Type::http);
    definition.name = "homepage";
    return definition;
}

storage::OutcomeRecord record(Finding finding, FailureClass failure_class, Duration latency,
                              const std::string& message) {
    return {.at = {},
            .finding = finding,
            .failure_class = failure_class,
            .latency = latency,
            .message = message};
}

TEST_CASE("an attempt that timed out sooner than it would now proves nothing, and is told") {
    Definition patient = web();
    patient.timeout = 5s;
    const auto late = record(Finding::failed, FailureClass::timeout, 3s, "no answer within 3 s");
    CHECK(judge_again(patient, late).outcome.finding == Finding::failed);
    CHECK(judge_again(patient, late).untold == std::vector<std::string_view>{"timeout"});
    patient.timeout = 3s;
    CHECK(judge_again(patient, late).untold.empty());
}

TEST_CASE("only what failed for its latency is forgiven by a latency") {
    Definition loose = web();
    loose.latency = 1s;
    const auto finding = [&](const std::string& message) {
        return judge_again(loose, record(Finding::failed, FailureClass::latency, 800ms, message))
            .outcome.finding;
    };
    CHECK(finding("answered after 800 ms, expected within 500 ms") == Finding::passed);
    CHECK(finding("connect took 700 ms, expected at most 500 ms") == Finding::failed);
    Definition plugin = default_definition(Type::command);
    plugin.latency = 1s;
    const auto slow = record(Finding::failed, FailureClass::latency, 800ms,
                             "took 800ms, more than 500ms: OK - all is well");
    CHECK(judge_again(plugin, slow).outcome.finding == Finding::passed);
}

TEST_CASE("expect_failure is turned round again, with what was behind it") {
    Definition closed = web();
    closed.expect_failure = true;
    const auto open = record(Finding::passed, FailureClass::none, 20ms, "200 from 192.0.2.1");
    const auto refused = record(Finding::failed, FailureClass::refused, 1ms, "connection refused");
    CHECK(judge_again(closed, open).outcome.finding == Finding::failed);
    CHECK(judge_again(closed, refused).outcome.finding == Finding::passed);
    const auto as_expected = stored(judge_again(closed, refused).outcome);
    CHECK(judge_again(closed, as_expected).outcome.finding == Finding::passed);
    CHECK(judge_again(web(), as_expected).outcome.finding == Finding::failed);
    CHECK(judge_again(web(), as_expected).outcome.message == "connection refused");
}

TEST_CASE("whatever a message says, it is read or left alone") {
    std::vector<Case> cases;
    Random random(7);
    for (const auto make : {disk, memory, load, icmp, ntp, process, file, database}) {
        for (int each = 0; each < 20; ++each) cases.push_back(make(random));
    }
    for (const Case& each : cases) {
        for (int turn = 0; turn < 20; ++turn) {
            storage::OutcomeRecord broken = stored(each.found_then);
            std::string& text = broken.message;
            if (random.chance(1, 2)) text.resize(random.below(text.size() + 1));
            if (!text.empty()) {
                text[random.below(text.size())] = static_cast<char>(random.below(256));
            }
            const JudgedAgain again = judge_again(each.now, broken);
            CHECK(again.outcome.finding != Finding::errored);
        }
    }
}

}  // namespace
}  // namespace picket
