// Worker: one job at a time on another thread, for calls that block: a commit, a
// large read.
//
// What a job needs is moved into it and what it found is moved out as its result;
// nothing is shared, so nobody locks. The job runs on a thread of libuv's pool.
// `done` gets the result on the loop, on a later turn, never from within submit().
//
// A job that was submitted always runs to its end. Destroying the Worker
// meanwhile drops `done`, no more: the job's captures live until it has ended,
// and the Loop's destructor waits for that. So a job must not refer to anything
// that may go before the Loop does. Job, done and result are destroyed on the loop.

#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace picket::io {

class Loop;

class Worker {
public:
    // `loop` must outlive the Worker.
    explicit Worker(Loop& loop) : loop_(loop) {}
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // True from submit() until just before `done` is called, so that `done` may
    // submit the next job. It may also destroy the Worker.
    bool busy() const { return running_ != nullptr; }

    // Runs `job` elsewhere, then `done` with what it returned, or with nothing
    // where it returns void. Both may be move-only. Requires !busy(). The job must
    // not throw.
    template <typename Job, typename Done>
    void submit(Job job, Done done) {
        start(std::make_unique<TypedWork<Job, Done>>(std::move(job), std::move(done)));
    }

private:
    struct Work {
        virtual ~Work() = default;
        virtual void run() noexcept = 0;  // On the pool's thread.
        virtual void finish() = 0;        // On the loop.
    };

    template <typename Job, typename Done>
    struct TypedWork final : Work {
        using Value = std::invoke_result_t<Job&>;
        static constexpr bool returns = !std::is_void_v<Value>;

        TypedWork(Job a_job, Done a_done) : job(std::move(a_job)), done(std::move(a_done)) {}

        void run() noexcept override {
            if constexpr (returns) {
                value.emplace(job());
            } else {
                job();
            }
        }
        void finish() override {
            if constexpr (returns) {
                done(std::move(*value));
            } else {
                done();
            }
        }

        Job job;
        Done done;
        std::optional<std::conditional_t<returns, Value, std::monostate>> value;
    };

    struct Request;

    void start(std::unique_ptr<Work> work);

    Loop& loop_;
    Request* running_ = nullptr;  // Owned by libuv until it has ended.
};

}  // namespace picket::io
