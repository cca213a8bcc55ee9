#include "checks/probes/journey.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"
#include "checks/capture.h"
#include "checks/interpolation.h"
#include "checks/json_value.h"
#include "checks/probes/http_fetch.h"
#include "checks/probes/http_judge.h"

namespace picket::checks {
namespace {

// What an answer may give to later steps, each.
constexpr std::size_t extracted_bytes_max = 8192;

class JourneyProbe final : public Probe {
public:
    JourneyProbe(const Definition& definition, ProbeServices services)
        : definition_(definition),
          steps_(definition.query.as<JourneyQuery>().step),
          fetch_(definition, services),
          later_(services.loop, [this] { take_step(); }) {
        for (const JourneyStep& step : steps_) judges_.emplace_back(step.request);
    }

    void start(Instant now, Instant deadline, Done done) override {
        PICKET_ASSERT(!done_);
        done_ = std::move(done);
        started_ = now;
        deadline_ = deadline;
        at_ = 0;
        failure_.reset();
        outcome_ = Outcome{};
        captures_.clear();
        jar_ = std::make_unique<io::HttpCookies>();
        later_.set(Instant{});
    }

    void cancel() override {
        fetch_.cancel();
        later_.clear();
        jar_.reset();
        done_ = nullptr;
    }

private:
    void take_step();
    void on_fetched(Fetched fetched);
    Outcome judge(const Fetched& fetched, Duration took);
    Status extract(const Fetched& fetched);
    std::optional<std::string> find(const std::string& source, const Fetched& fetched) const;
    void end_step(Outcome outcome);
    Instant step_deadline() const;
    std::string step_name(std::size_t index) const;
    void finish();

    const Definition& definition_;
    const std::vector<JourneyStep>& steps_;
    std::unique_ptr<io::HttpCookies> jar_;  // Before what uses it.
    HttpFetch fetch_;
    io::Timer later_;  // Steps begin from the loop, never within each other.
    std::vector<HttpJudge> judges_;
    Instant started_{};
    Instant deadline_{};
    Instant step_started_{};
    std::size_t at_ = 0;
    HttpQuery request_;  // Of the step under way, its {{names}} replaced.
    Captures captures_;
    std::optional<Outcome> failure_;  // Of the first step that failed.
    Outcome outcome_;                 // Gathers what all steps add.
    Done done_;
};

std::string JourneyProbe::step_name(std::size_t index) const {
    const std::string& name = steps_[index].head.name;
    return name.empty() ? fmt::format("{}", index + 1) : name;
}

// The steps that always run keep a fifth of the time for themselves.
Instant JourneyProbe::step_deadline() const {
    const bool cleans_up = std::any_of(steps_.begin() + static_cast<std::ptrdiff_t>(at_) + 1,
                                       steps_.end(), [](const auto& s) { return s.head.always; });
    if (steps_[at_].head.always || !cleans_up) return deadline_;
    return deadline_ - (deadline_ - started_) / 5;
}

void JourneyProbe::take_step() {
    while (at_ < steps_.size() && failure_.has_value() && !steps_[at_].head.always) ++at_;
    if (at_ == steps_.size()) return finish();
    step_started_ = io::monotonic_now();
    request_ = steps_[at_].request;
    for (Text* text : interpolated_texts(request_)) {
        auto replaced = interpolate(text->value, captures_);
        if (!replaced.has_value()) {
            return end_step(failed(FailureClass::content, step_started_ - started_,
                                   replaced.error().message()));
        }
        text->value = *std::move(replaced);
    }
    fetch_.start(request_, {started_, step_deadline()}, jar_.get(),
                 [this](Fetched fetched) { on_fetched(std::move(fetched)); });
}

void JourneyProbe::on_fetched(Fetched fetched) {
    const Duration took = io::monotonic_now() - step_started_;
    Outcome outcome = judge(fetched, took);
    outcome.latency = io::monotonic_now() - started_;
    if (outcome.finding == Finding::passed) {
        const Status extracted = extract(fetched);
        if (!extracted.has_value()) {
            outcome.finding = Finding::failed;
            outcome.failure_class = FailureClass::content;
            outcome.message = extracted.error().message();
        }
    }
    if (outcome.finding != Finding::passed) outcome.detail = http_evidence(fetched.exchange);
    outcome_.metrics.push_back({step_name(at_), to_seconds(took), "s"});
    outcome_.phases.insert(outcome_.phases.end(), fetched.phases.begin(), fetched.phases.end());
    outcome.address = std::move(fetched.peer);
    end_step(std::move(outcome));
}

Outcome JourneyProbe::judge(const Fetched& fetched, Duration took) {
    if (fetched.failure.has_value()) return *fetched.failure;
    return conclude(passed(took, ""),
                    judges_[at_].judge(fetched, took, steps_[at_].latency, io::wall_now()));
}

Status JourneyProbe::extract(const Fetched& fetched) {
    for (const auto& [name, source] : steps_[at_].head.extract) {
        auto found = find(source, fetched);
        if (!found.has_value()) {
            return failure(Code::not_found,
                           fmt::format("{}: nothing in the answer at {}", name, source));
        }
        if (found->size() > extracted_bytes_max) {
            return failure(Code::exhausted, fmt::format("{}: what is at {} has more than {} bytes",
                                                        name, source, extracted_bytes_max));
        }
        captures_.emplace_back(name, *std::move(found));
    }
    return {};
}

std::optional<std::string> JourneyProbe::find(const std::string& source,
                                              const Fetched& fetched) const {
    const std::size_t colon = source.find(':');
    const std::string_view kind = std::string_view(source).substr(0, colon);
    const std::string what = source.substr(colon + 1);
    if (kind == "json") return JsonText(fetched.exchange.body).find(what);
    if (kind == "cookie") return jar_->find(what);
    if (kind == "header") {
        for (const auto& [name, value] : fetched.exchange.headers) {
            if (same_field_name(name, what)) return value;
        }
        return std::nullopt;
    }
    const auto match = CapturingPattern(what).search(fetched.exchange.body);
    if (!match.has_value() || match->captures.empty()) return std::nullopt;
    return match->captures.front().second;
}

void JourneyProbe::end_step(Outcome outcome) {
    const std::string name = step_name(at_);
    for (Expectation& expectation : outcome.expectations) {
        expectation.what = fmt::format("{}: {}", name, expectation.what);
        outcome_.expectations.push_back(std::move(expectation));
    }
    if (!outcome.address.empty()) outcome_.address = outcome.address;
    if (outcome.finding != Finding::passed && !failure_.has_value()) {
        outcome.message = printable_line(fmt::format("step {}: {}", name, outcome.message),
                                         limits::message_bytes_max);
        failure_ = std::move(outcome);
    }
    ++at_;
    later_.set(Instant{});
}

void JourneyProbe::finish() {
    const Duration took = io::monotonic_now() - started_;
    Outcome outcome = failure_.has_value()
                          ? *std::move(failure_)
                          : passed(took, fmt::format("{} step{} in {}", steps_.size(),
                                                     steps_.size() == 1 ? "" : "s", spoken(took)));
    if (outcome.address.empty()) outcome.address = std::move(outcome_.address);
    outcome.metrics = std::move(outcome_.metrics);
    outcome.phases = std::move(outcome_.phases);
    outcome.expectations = std::move(outcome_.expectations);
    if (definition_.latency.has_value()) {
        outcome = conclude(std::move(outcome), {judge_latency(took, *definition_.latency)});
    }
    // It may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    jar_.reset();
    done(std::move(outcome));
}

}  // namespace

std::unique_ptr<Probe> make_journey_probe(const Definition& definition, ProbeServices services) {
    return std::make_unique<JourneyProbe>(definition, services);
}

}  // namespace picket::checks
