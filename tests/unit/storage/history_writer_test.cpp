#include "storage/history_writer.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace picket::storage {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{1s};

HistoryRow row(int number) {
    HistoryRow row;
    row.check = "web";
    row.outcome.latency = Duration(number);
    return row;
}

Fact fact(const std::string& key) {
    return AgentFact{key, "1"};
}

HistoryWriter::Options small() {
    return {.batch_rows = 3, .batch_age = 500ms, .rows_max = 5, .facts_max = 4};
}

std::string latencies(const Batch& batch) {
    std::string text;
    for (const auto& each : batch.outcomes) text += std::to_string(each.outcome.latency.count());
    return text;
}

std::string keys(const Batch& batch) {
    std::string text;
    for (const auto& each : batch.facts) text += std::get<AgentFact>(each).key;
    return text;
}

TEST_CASE("a lone row waits for batch_age, and no longer") {
    HistoryWriter writer(small());
    CHECK(writer.next_wakeup() == never);
    CHECK_FALSE(writer.poll_batch(start));
    writer.append(start, row(1));
    CHECK(writer.next_wakeup() == start + 500ms);
    writer.append(start + 100ms, row(2));
    CHECK(writer.next_wakeup() == start + 500ms);
    CHECK_FALSE(writer.poll_batch(start + 499ms));
    const auto batch = writer.poll_batch(start + 500ms);
    REQUIRE(batch);
    CHECK(latencies(*batch) == "12");
}

TEST_CASE("a full batch does not wait") {
    HistoryWriter writer(small());
    for (int number = 1; number <= 3; ++number) writer.append(start, row(number));
    CHECK(writer.next_wakeup() == start);
    REQUIRE(writer.poll_batch(start));
}

TEST_CASE("one batch is out at a time, and what comes meanwhile follows in order") {
    HistoryWriter writer(small());
    for (int number = 1; number <= 3; ++number) writer.append(start, row(number));
    REQUIRE(writer.poll_batch(start));
    for (int number = 4; number <= 5; ++number) writer.append(start + 100ms, row(number));
    CHECK(writer.next_wakeup() == never);
    CHECK_FALSE(writer.poll_batch(start + 1h));

    writer.on_written(start + 200ms, {});
    CHECK(writer.rows_written() == 3);
    CHECK(writer.next_wakeup() == start + 600ms);
    const auto batch = writer.poll_batch(start + 600ms);
    REQUIRE(batch);
    CHECK(latencies(*batch) == "45");
    writer.on_written(start + 600ms, {});
    CHECK(writer.idle());
    CHECK(writer.next_wakeup() == never);
}

TEST_CASE("a batch that failed is kept, in order, and due again one batch_age later") {
    HistoryWriter writer(small());
    writer.append(start, row(1));
    writer.append(start, fact("a"));
    REQUIRE(writer.poll_batch(start + 500ms));
    writer.append(start + 500ms, row(2));
    writer.append(start + 500ms, fact("b"));
    writer.on_written(start + 600ms, failure(Code::exhausted, "disk full"));
    CHECK(writer.batches_failed() == 1);

    // Even a full batch does not hurry a disk that has just refused one.
    writer.append(start + 700ms, row(3));
    CHECK(writer.next_wakeup() == start + 1100ms);
    CHECK_FALSE(writer.poll_batch(start + 1099ms));
    const auto batch = writer.poll_batch(start + 1100ms);
    REQUIRE(batch);
    CHECK(latencies(*batch) == "123");
    CHECK(keys(*batch) == "ab");
    CHECK(writer.rows_dropped() == 0);
}

TEST_CASE("at rows_max the oldest outcomes are dropped and counted, but no fact") {
    HistoryWriter writer(small());
    writer.append(start, fact("a"));
    for (int number = 1; number <= 8; ++number) writer.append(start, row(number));
    CHECK(writer.rows_waiting() == 5);
    CHECK(writer.rows_dropped() == 3);
    CHECK(writer.facts_dropped() == 0);
    const auto batch = writer.poll_batch(start);
    REQUIRE(batch);
    CHECK(latencies(*batch) == "456");
    CHECK(keys(*batch) == "a");

    SUBCASE("what is being written counts, and is not what is dropped") {
        for (int number = 9; number <= 10; ++number) writer.append(start, row(number));
        CHECK(writer.rows_waiting() == 5);
        CHECK(writer.rows_dropped() == 5);
        writer.on_written(start, failure(Code::io, "no"));
        const auto again = writer.poll_batch(start + 500ms);
        REQUIRE(again);
        CHECK(latencies(*again) == "456");
        writer.on_written(start + 500ms, {});
        const auto rest = writer.poll_batch(start + 500ms);
        REQUIRE(rest);
        CHECK(latencies(*rest) == "910");
    }
}

TEST_CASE("facts have a bound of their own, and its drops are counted") {
    HistoryWriter writer(small());
    writer.append(start, row(1));
    for (const char* key : {"a", "b", "c", "d", "e", "f"}) writer.append(start, fact(key));
    CHECK(writer.facts_waiting() == 4);
    CHECK(writer.facts_dropped() == 2);
    const auto batch = writer.poll_batch(start);
    REQUIRE(batch);
    CHECK(keys(*batch) == "cde");
    CHECK(latencies(*batch) == "1");
}

TEST_CASE("a backlog goes out batch after batch without waiting") {
    HistoryWriter writer(small());
    for (int number = 1; number <= 5; ++number) writer.append(start, row(number));
    REQUIRE(writer.poll_batch(start));
    writer.on_written(start + 1ms, {});
    CHECK(writer.next_wakeup() <= start + 1ms);
    const auto batch = writer.poll_batch(start + 1ms);
    REQUIRE(batch);
    CHECK(latencies(*batch) == "45");
}

TEST_CASE("a flush makes everything due at once, also what comes after it") {
    HistoryWriter writer(small());
    writer.flush(start);
    CHECK(writer.next_wakeup() == never);
    writer.append(start, row(1));
    CHECK(writer.next_wakeup() == start);
    REQUIRE(writer.poll_batch(start));
    writer.on_written(start, {});
    CHECK(writer.idle());
}

TEST_CASE("a fact that somebody waits for is due at once, but not before a pause is over") {
    HistoryWriter writer(small());
    CHECK(writer.append(start, fact("a")) == 1);
    CHECK(writer.next_wakeup() == start + 500ms);
    writer.hurry(start + 1ms);
    CHECK(writer.next_wakeup() == start + 1ms);
    REQUIRE(writer.poll_batch(start + 1ms));
    CHECK(writer.facts_taken() == 1);
    CHECK(writer.facts_written() == 0);
    writer.on_written(start + 2ms, failure(Code::io, "no"));
    CHECK(writer.facts_taken() == 0);
    writer.hurry(start + 3ms);
    CHECK(writer.next_wakeup() == start + 502ms);
    REQUIRE(writer.poll_batch(start + 502ms));
    writer.on_written(start + 503ms, {});
    CHECK(writer.facts_written() == 1);
}

TEST_CASE("a fact that was dropped is told apart from one that is written") {
    HistoryWriter writer(small());
    writer.append(start, fact("1"));
    writer.append(start, fact("2"));
    writer.append(start, fact("3"));
    const auto batch = writer.poll_batch(start);
    REQUIRE(batch);
    // One more finds room beside the three; the next ones cost the oldest that waits.
    for (const char* key : {"4", "5", "6"}) writer.append(start, fact(key));
    CHECK_FALSE(writer.fact_lost(3));
    CHECK(writer.fact_lost(4));
    CHECK(writer.fact_lost(5));
    CHECK_FALSE(writer.fact_lost(6));
    writer.on_written(start, {});
    CHECK(writer.facts_written() == 3);
}

}  // namespace
}  // namespace picket::storage
