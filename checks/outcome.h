// Outcome: what one run of one check found, and why.
//
// It tells `failed`, which is held against the target, from `errored`, which is
// our own fault and never is. Everything a person may ask later ("which address,
// which phase, which expectation?") is in it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"

namespace picket::checks {

enum class Finding : std::uint8_t {
    passed,
    failed,   // The target answered wrongly, or not at all.
    errored,  // We could not ask: our own fault, never held against the target.
};

// What kind of failure; `none` goes with passed and with nothing else.
enum class FailureClass : std::uint8_t {
    none,
    refused,      // The other side said no: connection refused or reset at once.
    timeout,      // No answer by the deadline.
    unreachable,  // No route, host or network unreachable.
    dns,          // The name could not be resolved.
    tls,          // The handshake failed.
    status,       // An answer with the wrong status or rcode.
    content,      // An answer with the wrong content.
    protocol,     // Not an answer in the protocol spoken.
    certificate,  // Expired, about to expire, untrusted, or for another name.
    latency,      // A right answer, too late.
    plugin,       // A plugin said so.
    local,        // This agent could not ask.
};

// As JSON, the CLI and the database spell them.
std::string_view to_text(Finding finding);
std::string_view to_text(FailureClass failure_class);
std::optional<Finding> finding_from(std::string_view text);
std::optional<FailureClass> failure_class_from(std::string_view text);

// A stretch of a run: "resolve", "connect", "tls", "first_byte", "transfer".
struct Phase {
    std::string_view name;  // A literal.
    Duration start{0};      // From the start of the run.
    Duration length{0};
};

// One thing that was expected of the answer, and whether it came true.
struct Expectation {
    std::string what;   // "status 2xx"
    std::string found;  // "503"
    bool met = false;
};

// One perfdata item of a plugin, or a figure that a probe adds (icmp: loss, rtt).
struct Metric {
    std::string label;
    double value = 0;
    std::string unit;  // "", "s", "%", "B", "c" ...
};

struct Outcome {
    Finding finding = Finding::errored;
    FailureClass failure_class = FailureClass::local;
    Duration latency{0};  // Of the whole run, as the probe measured it.
    std::string message;  // One printable line, at most limits::message_bytes_max bytes.
    std::string address;  // The address that was asked, "192.0.2.1:443"; may be empty.
    std::vector<Phase> phases;
    std::vector<Expectation> expectations;
    std::vector<Metric> metrics;
    std::string detail;  // More for `show` and `probe`: plugin output, an excerpt. At most 8 KiB.
};

Outcome passed(Duration latency, std::string_view message);
Outcome failed(FailureClass failure_class, Duration latency, std::string_view message);
Outcome errored(std::string_view message);

}  // namespace picket::checks
