#include "agent/io/worker.h"

#include <doctest/doctest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>

#include "agent/io/loop.h"

namespace picket::io {
namespace {

TEST_CASE("a job runs on another thread and its result comes back on the loop") {
    Loop loop;
    Worker worker(loop);
    const auto loop_thread = std::this_thread::get_id();
    std::thread::id job_thread;
    std::string seen;
    worker.submit(
        [&job_thread, input = std::make_unique<std::string>("in")] {
            job_thread = std::this_thread::get_id();
            return std::make_unique<std::string>(*input + " and out");
        },
        [&](std::unique_ptr<std::string> output) {
            CHECK(std::this_thread::get_id() == loop_thread);
            CHECK_FALSE(worker.busy());
            seen = *output;
        });
    CHECK(worker.busy());
    CHECK(seen.empty());
    loop.run();
    CHECK(seen == "in and out");
    CHECK(job_thread != loop_thread);
}

TEST_CASE("done may submit the next job") {
    Loop loop;
    Worker worker(loop);
    int ended = 0;
    worker.submit([] {},
                  [&] {
                      ++ended;
                      worker.submit([] { return 2; }, [&](int more) { ended += more; });
                  });
    loop.run();
    CHECK(ended == 3);
}

TEST_CASE("done may destroy the worker") {
    Loop loop;
    auto worker = std::make_unique<Worker>(loop);
    worker->submit([] {}, [&] { worker.reset(); });
    loop.run();
    CHECK(worker == nullptr);
}

TEST_CASE("a job outlives its worker, keeps what it captured, and ends before the loop does") {
    bool job_ended = false;
    bool captures_gone = false;
    bool done_called = false;
    {
        Loop loop;
        auto worker = std::make_unique<Worker>(loop);
        std::promise<void> gone;
        struct Flag {
            explicit Flag(bool* a_gone) : gone(a_gone) {}
            Flag(const Flag&) = delete;
            Flag& operator=(const Flag&) = delete;
            ~Flag() { *gone = true; }
            bool* gone;
        };
        worker->submit(
            [&, gone_now = gone.get_future(), flag = std::make_unique<Flag>(&captures_gone)] {
                gone_now.wait();
                job_ended = !*flag->gone;
            },
            [&] { done_called = true; });
        worker.reset();
        gone.set_value();
        CHECK_FALSE(captures_gone);
    }
    CHECK(job_ended);
    CHECK(captures_gone);
    CHECK_FALSE(done_called);
}

}  // namespace
}  // namespace picket::io
