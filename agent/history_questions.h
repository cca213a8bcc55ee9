// HistoryQuestions: asks the stored history something, off the loop.
//
// One question at a time is with the worker; the others wait, questions_max of them. Each is
// asked once what was recorded before it is on disk, so that an answer knows what was just told.

#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "agent/base/result.h"
#include "agent/io/loop.h"
#include "agent/io/worker.h"
#include "agent/recorder.h"
#include "storage/history_reader.h"

namespace picket {

class HistoryQuestions {
public:
    static constexpr std::size_t questions_max = 64;

    // Both must outlive it.
    HistoryQuestions(io::Loop& loop, Recorder& recorder)
        : loop_(loop), recorder_(recorder), worker_(loop) {}

    // `question` gets the reader, on the worker; `done` gets its answer, or why there is none,
    // on the loop and later.
    template <typename Answer>
    void ask(std::function<Result<Answer>(storage::HistoryReader&)> question,
             std::function<void(Result<Answer>)> done) {
        if (questions_.size() >= questions_max) {
            loop_.post([done = std::move(done)] {
                done(failure(Code::exhausted, "too many questions about history wait already"));
            });
            return;
        }
        questions_.push_back(
            [this, question = std::move(question), done = std::move(done)]() mutable {
                worker_.submit(
                    [path = recorder_.database_path(), question = std::move(question)] {
                        auto reader = storage::HistoryReader::open(path);
                        if (!reader) return Result<Answer>(tl::make_unexpected(reader.error()));
                        return question(*reader);
                    },
                    [this, done = std::move(done)](Result<Answer> answer) {
                        ask_next();
                        done(std::move(answer));
                    });
            });
        recorder_.settle([this] { loop_.post([this] { ask_next(); }); });
    }

private:
    void ask_next() {
        if (questions_.empty() || worker_.busy()) return;
        const auto question = std::move(questions_.front());
        questions_.pop_front();
        question();
    }

    io::Loop& loop_;
    Recorder& recorder_;
    io::Worker worker_;
    std::deque<std::function<void()>> questions_;
};

}  // namespace picket
