#include "agent/judge_again.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "agent/told_figures.h"
#include "checks/definition_keys.h"
#include "checks/expectation.h"

namespace picket {

namespace {

using checks::Definition;
using checks::FailureClass;
using checks::Finding;
using checks::Outcome;

// As invert() and the probes put it.
constexpr std::string_view turned_to_passed = "failed as expected: ";
constexpr std::string_view turned_to_failed = "passed, expected to fail: ";
constexpr std::string_view late_answer = "answered after ";
constexpr std::string_view late_plugin = "took ";

Outcome as_stored(const storage::OutcomeRecord& stored) {
    Outcome outcome;
    outcome.finding = stored.finding;
    outcome.failure_class = stored.failure_class;
    outcome.latency = stored.latency;
    outcome.message = stored.message;
    return outcome;
}

// What the probe found, before `expect_failure` turned it round.
Outcome as_found(Outcome outcome) {
    if (outcome.finding == Finding::passed && outcome.message.starts_with(turned_to_passed)) {
        outcome.message.erase(0, turned_to_passed.size());
        outcome.finding = Finding::failed;
        outcome.failure_class = FailureClass::content;  // Which one it was is not stored.
    } else if (outcome.finding == Finding::failed &&
               outcome.message.starts_with(turned_to_failed)) {
        outcome.message.erase(0, turned_to_failed.size());
        outcome.finding = Finding::passed;
        outcome.failure_class = FailureClass::none;
    }
    return outcome;
}

// The class that the probes give to one who breaks this limit.
FailureClass class_of(std::string_view key) {
    if (key == "loss_above") return FailureClass::timeout;
    if (key.starts_with("rtt_") || key == "jitter_above") return FailureClass::latency;
    return FailureClass::content;
}

// Of one outcome.
class Case {
public:
    Case(const Definition& definition, const std::vector<std::string_view>& never_told)
        : definition_(definition), never_told_(never_told) {}

    JudgedAgain judge(Outcome outcome) {
        const ToldFigures figures = told_figures(definition_, outcome.message, outcome.latency);
        hold_timeout(outcome, figures);
        hold_thresholds(outcome, figures);
        hold_latency(outcome);
        // One limit that is broken is enough, whatever the others are.
        if (certain_) untold_.clear();
        if (definition_.expect_failure) outcome = checks::invert(std::move(outcome));
        return {std::move(outcome), std::move(untold_)};
    }

private:
    void untold(std::string_view key) {
        if (std::ranges::find(untold_, key) == untold_.end()) untold_.push_back(key);
    }

    void hold_timeout(Outcome& outcome, const ToldFigures& figures) {
        const Told took = told_latency(outcome.latency);
        const double limit = to_seconds(definition_.timeout);
        if (outcome.finding == Finding::passed && took.least > limit) {
            outcome = checks::failed(
                FailureClass::timeout, definition_.timeout,
                fmt::format("no answer within {}, it took {}", checks::spoken(definition_.timeout),
                            checks::spoken(outcome.latency)));
        } else if (outcome.failure_class == FailureClass::timeout &&
                   definition_.type() != checks::Type::heartbeat && took.most > 0 &&
                   took.most < limit && !figures.limit_was_broken) {
            untold("timeout");
        }
    }

    void hold_thresholds(Outcome& outcome, const ToldFigures& figures) {
        const bool failed = outcome.finding == Finding::failed;
        // What was only late had kept the limits of that day, which may be others now.
        if (failed && !figures.limit_was_broken && !failed_for_latency(outcome)) return;
        const ToldLimit* broken = nullptr;
        bool may_be_broken = false;
        for (const ToldLimit& limit : figures.limits) {
            if (limit.broken() && broken == nullptr) broken = &limit;
            if (limit.broken() || limit.met()) continue;
            untold(limit.key);
            may_be_broken = may_be_broken || limit.figure.has_value();
        }
        for (const std::string_view key : never_told_) untold(key);
        if (broken != nullptr) {
            if (!failed) fail(outcome, broken->key);
            certain_ = true;
        } else if (figures.limit_was_broken && !may_be_broken) {
            outcome.finding = Finding::passed;
            outcome.failure_class = FailureClass::none;
        }
    }

    void fail(Outcome& outcome, std::string_view key) const {
        const checks::Key* of = checks::find_key(definition_.type(), key);
        const auto value = of == nullptr ? std::nullopt : checks::write_key(*of, definition_);
        outcome = checks::failed(
            class_of(key), outcome.latency,
            fmt::format("{}; {} = {}", outcome.message, key, value.value_or("its default")));
    }

    void hold_latency(Outcome& outcome) {
        const bool was_late = outcome.finding == Finding::failed && failed_for_latency(outcome);
        if (outcome.finding != Finding::passed && !was_late) return;
        const std::optional<Told> took = latency_of(outcome);
        if (definition_.latency) {
            const double limit = to_seconds(*definition_.latency);
            if (!took || (took->least <= limit && took->most > limit)) {
                return untold("latency");
            }
            if (took->least > limit) {
                certain_ = true;
                if (was_late) return;
                outcome.message = fmt::format("answered after {}, expected within {}",
                                              checks::spoken(outcome.latency),
                                              checks::spoken(*definition_.latency));
                outcome.finding = Finding::failed;
                outcome.failure_class = FailureClass::latency;
                return;
            }
        }
        outcome.finding = Finding::passed;
        outcome.failure_class = FailureClass::none;
    }

    // That it was late is all that was wrong with it; other limits of time have words of
    // their own.
    bool failed_for_latency(const Outcome& outcome) const {
        if (outcome.message.find(late_answer) != outcome.message.npos) {
            return outcome.failure_class == FailureClass::latency ||
                   outcome.message.starts_with(late_answer);
        }
        return definition_.type() == checks::Type::command &&
               outcome.failure_class == FailureClass::latency &&
               outcome.message.starts_with(late_plugin);
    }

    // Of an ntp check it is the way there and back.
    std::optional<Told> latency_of(const Outcome& outcome) const {
        if (definition_.type() == checks::Type::ntp) return told_delay(outcome.message);
        return told_latency(outcome.latency);
    }

    const Definition& definition_;
    const std::vector<std::string_view>& never_told_;
    std::vector<std::string_view> untold_;
    bool certain_ = false;  // A limit is broken, whatever was not told.
};

}  // namespace

JudgeAgain::JudgeAgain(const Definition& definition)
    : definition_(definition), never_told_(untold_limits(definition)) {}

JudgedAgain JudgeAgain::judge(const storage::OutcomeRecord& stored) const {
    Outcome outcome = as_stored(stored);
    if (outcome.finding == Finding::errored) return {std::move(outcome), {}};
    return Case(definition_, never_told_).judge(as_found(std::move(outcome)));
}

}  // namespace picket
