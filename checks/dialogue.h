// Dialogue: what to say to a server and what to hear from it, step by step.
//
// A step sends, then waits until an expression is found in what has come since
// the step before, then may ask for TLS; each of the three may be absent. What a
// capturing group found can be sent later: {{name}} of (?P<name>...), {{1}} of
// the last expression's first group. What was found, and all before it, is used
// up; the rest is the next step's, except that nothing that came in the clear is
// believed once TLS was asked for (RFC 3207, 6).
//
// A state machine without I/O. The caller carries bytes and starts TLS when told
// to.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checks/capture.h"
#include "checks/interpolation.h"

namespace picket::checks {

// What a peer may send in one step.
constexpr std::size_t dialogue_bytes_max = 65'536;

struct ScriptStep {
    std::string send;
    std::optional<CapturingPattern> expect;
    bool starttls = false;
    bool verbatim = false;  // `send` is sent as it is: {{ means nothing.
};

class Dialogue {
public:
    enum class Next : std::uint8_t {
        send,    // take_output() is to be sent.
        secure,  // TLS is to begin; on_secured() when it has.
        wait,    // For bytes.
        done,
        failed,  // error() says why: nothing was captured under a name that is to be sent.
    };

    // `script` must outlive the dialogue.
    explicit Dialogue(const std::vector<ScriptStep>& script) : script_(&script) {}

    // What to do now; the same until it was done.
    Next next();

    std::string take_output();

    // Bytes past dialogue_bytes_max of a step are dropped.
    void on_bytes(std::string_view bytes);
    void on_secured();

    // The step under way, from 0, and all that the peer has said in it.
    std::size_t step() const { return at_; }
    std::string_view heard() const { return heard_; }
    bool full() const { return heard_.size() >= dialogue_bytes_max; }
    // The expression waited for; null where none is.
    const CapturingPattern* expected() const;
    // What the last expression that was found matched in; for people.
    const std::string& last_answer() const { return last_answer_; }
    const std::string& error() const { return error_; }

private:
    enum class Stage : std::uint8_t { send, expect, secure };

    bool found();

    const std::vector<ScriptStep>* script_;
    std::size_t at_ = 0;
    Stage stage_ = Stage::send;
    bool changed_ = true;  // Something came since the expression was last tried.
    std::string heard_;
    std::string last_answer_;
    std::string output_;
    std::string error_;
    Captures captures_;
};

}  // namespace picket::checks
