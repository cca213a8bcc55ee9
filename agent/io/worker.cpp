#include "agent/io/worker.h"

#include <uv.h>

#include "agent/base/assert.h"
#include "agent/io/loop.h"

namespace picket::io {

struct Worker::Request {
    uv_work_t uv{};
    std::unique_ptr<Work> work;
    Worker* owner = nullptr;  // None once the Worker is gone.
};

Worker::~Worker() {
    if (running_ != nullptr) running_->owner = nullptr;
}

void Worker::start(std::unique_ptr<Work> work) {
    PICKET_ASSERT(!busy());
    auto request = std::make_unique<Request>();
    request->work = std::move(work);
    request->owner = this;
    request->uv.data = request.get();
    const int result = uv_queue_work(
        &loop_.uv(), &request->uv,
        [](uv_work_t* uv) { static_cast<Request*>(uv->data)->work->run(); },
        [](uv_work_t* uv, int) {
            const std::unique_ptr<Request> ended(static_cast<Request*>(uv->data));
            if (ended->owner == nullptr) return;
            ended->owner->running_ = nullptr;
            ended->work->finish();
        });
    PICKET_ASSERT(result == 0);
    running_ = request.release();
}

}  // namespace picket::io
