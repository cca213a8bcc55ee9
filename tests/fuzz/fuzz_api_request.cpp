// Whatever a client asks: one answer, its document whole, and nothing done for the
// unprivileged.
//
// Input: a 'p' for a privileged caller or anything else for one who is not; then
// method, path, query and Accept, each on a line of its own; the body is the rest.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "agent/api/handler.h"
#include "agent/base/assert.h"
#include "agent/base/percent.h"
#include "agent/base/text.h"
#include "tests/support/fake_backend.h"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

using namespace picket::api;

std::string_view take_line(std::string_view& text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    return line;
}

void check_response(const Response& response) {
    switch (response.status) {
        case 200:
        case 400:
        case 403:
        case 404:
        case 405:
        case 413:
        case 414:
            break;
        default:
            PICKET_ASSERT(!"a status of the contract");
    }
    PICKET_ASSERT(picket::valid_utf8(response.body));
    PICKET_ASSERT((response.status == 405) == !response.allow.empty());
    const bool error = response.body.starts_with("{\"error\":{\"code\":");
    PICKET_ASSERT(error == (response.status != 200));
    PICKET_ASSERT(response.body.empty() || response.body.back() == '\n');
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const bool privileged = text.starts_with('p');
    text.remove_prefix(std::min<std::size_t>(text.size(), 1));
    const std::string_view method = take_line(text);
    const std::string_view path = take_line(text);
    const std::string_view query = take_line(text);
    const std::string_view accept = take_line(text);

    FakeBackend backend;
    backend.status_view = sample_status();
    backend.outage_view.outage = backend.status_view.outages.front();
    Handler handler(backend);
    Answer answer = handler.handle(sample_now, Request{.method = method,
                                                       .path = path,
                                                       .query = query,
                                                       .accept = accept,
                                                       .body = text,
                                                       .caller = {.privileged = privileged}});
    if (auto* response = std::get_if<Response>(&answer)) check_response(*response);
    if (auto* stream = std::get_if<EventStream>(&answer)) {
        PICKET_ASSERT(stream->recent <= events_kept_max);
    }
    if (auto* later = std::get_if<Later>(&answer)) {
        int answers = 0;
        later->start([&](const Response& response) {
            ++answers;
            check_response(response);
        });
        PICKET_ASSERT(answers == 0);
        backend.answer_pending();
        PICKET_ASSERT(answers == 1);
    }
    PICKET_ASSERT(privileged || backend.reloads == 0);
    const auto decoded = picket::percent_decode(path);
    if (decoded.has_value()) {
        PICKET_ASSERT(picket::percent_decode(picket::percent_encode(*decoded)) == *decoded);
    }
    return 0;
}
