#include "checks/outcome.h"

#include <array>

#include "agent/base/assert.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"

namespace picket::checks {
namespace {

constexpr std::array<std::string_view, 3> finding_names{"passed", "failed", "errored"};
constexpr std::array<std::string_view, 13> class_names{
    "none",    "refused",  "timeout",     "unreachable", "dns",    "tls",  "status",
    "content", "protocol", "certificate", "latency",     "plugin", "local"};

Outcome outcome(Finding finding, FailureClass failure_class, Duration latency,
                std::string_view message) {
    Outcome result;
    result.finding = finding;
    result.failure_class = failure_class;
    result.latency = latency;
    result.message = printable_line(message, limits::message_bytes_max);
    return result;
}

}  // namespace

std::string_view to_text(Finding finding) {
    return finding_names[static_cast<std::size_t>(finding)];
}

std::string_view to_text(FailureClass failure_class) {
    return class_names[static_cast<std::size_t>(failure_class)];
}

std::optional<Finding> finding_from(std::string_view text) {
    for (std::size_t i = 0; i < finding_names.size(); ++i) {
        if (finding_names[i] == text) return static_cast<Finding>(i);
    }
    return std::nullopt;
}

std::optional<FailureClass> failure_class_from(std::string_view text) {
    for (std::size_t i = 0; i < class_names.size(); ++i) {
        if (class_names[i] == text) return static_cast<FailureClass>(i);
    }
    return std::nullopt;
}

Outcome passed(Duration latency, std::string_view message) {
    return outcome(Finding::passed, FailureClass::none, latency, message);
}

Outcome failed(FailureClass failure_class, Duration latency, std::string_view message) {
    PICKET_ASSERT(failure_class != FailureClass::none);
    return outcome(Finding::failed, failure_class, latency, message);
}

Outcome errored(std::string_view message) {
    return outcome(Finding::errored, FailureClass::local, Duration{0}, message);
}

}  // namespace picket::checks
