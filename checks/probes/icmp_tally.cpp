#include "checks/probes/icmp_tally.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/base/assert.h"
#include "checks/expectation.h"
#include "checks/types/icmp.h"

namespace picket::checks {
namespace {

// In milliseconds.
struct RoundTrips {
    double least = 0;
    double mean = 0;
    double most = 0;
    double jitter = 0;
};

RoundTrips summarise(const std::vector<double>& times) {
    PICKET_ASSERT(!times.empty());
    RoundTrips result{.least = times[0], .most = times[0]};
    for (std::size_t i = 0; i < times.size(); ++i) {
        result.least = std::min(result.least, times[i]);
        result.most = std::max(result.most, times[i]);
        result.mean += times[i] / static_cast<double>(times.size());
        if (i == 0) continue;
        result.jitter += std::abs(times[i] - times[i - 1]) / static_cast<double>(times.size() - 1);
    }
    return result;
}

void judge_round_trips(std::vector<Judgement>& judgements, const IcmpQuery& query,
                       std::string_view asked, const RoundTrips& trips) {
    const auto judge = [&](std::string_view what, double milliseconds,
                           const std::optional<Duration>& limit) {
        if (!limit) return;
        const std::string found = fmt::format("{:.1f} ms", milliseconds);
        Judgement judged{{fmt::format("{} at most {}", what, spoken(*limit)), found,
                          milliseconds <= to_milliseconds(*limit)},
                         FailureClass::none,
                         {}};
        if (!judged.met()) {
            judged.failure_class = FailureClass::latency;
            judged.message = fmt::format("ping {}: {} {}, expected at most {}", asked, what, found,
                                         spoken(*limit));
        }
        judgements.push_back(std::move(judged));
    };
    judge("rtt min", trips.least, query.rtt_min_above);
    judge("rtt avg", trips.mean, query.rtt_avg_above);
    judge("rtt max", trips.most, query.rtt_max_above);
    judge("jitter", trips.jitter, query.jitter_above);
}

}  // namespace

void IcmpTally::on_sent(Instant at) {
    requests_.push_back({at});
}

void IcmpTally::on_reply(std::uint16_t sequence, Instant at) {
    if (sequence >= requests_.size()) return;
    Request& request = requests_[sequence];
    if (request.round_trip.has_value() || request.lost) return;
    request.round_trip = std::max(at - request.sent, Duration{0});
}

void IcmpTally::on_lost(std::uint16_t sequence, std::string reason) {
    if (sequence >= requests_.size()) return;
    Request& request = requests_[sequence];
    if (request.round_trip.has_value() || request.lost) return;
    request.lost = true;
    reason_ = std::move(reason);
}

std::size_t IcmpTally::answered() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        requests_, [](const Request& request) { return request.round_trip.has_value(); }));
}

bool IcmpTally::settled() const {
    return std::ranges::all_of(requests_, [](const Request& request) {
        return request.lost || request.round_trip.has_value();
    });
}

Outcome IcmpTally::judge(const Definition& definition, std::string_view asked,
                         Duration waited) const {
    PICKET_ASSERT(!requests_.empty());
    const double loss_max = definition.query.as<IcmpQuery>().loss_above;
    const double loss =
        100 * static_cast<double>(sent() - answered()) / static_cast<double>(sent());
    const Metric loss_metric{"loss", loss, "%"};
    const std::string why = reason_.empty() ? "" : ": " + reason_;
    if (answered() == 0) {
        Outcome outcome =
            failed(reason_.empty() ? FailureClass::timeout : FailureClass::unreachable, waited,
                   fmt::format("ping {}: 0 of {} packets answered within {}{}", asked, sent(),
                               spoken(waited), why));
        outcome.metrics = {loss_metric};
        return outcome;
    }
    std::vector<double> times;
    for (const Request& request : requests_) {
        if (request.round_trip.has_value()) times.push_back(to_milliseconds(*request.round_trip));
    }
    const RoundTrips trips = summarise(times);
    const Duration mean(std::llround(trips.mean * 1000));
    Outcome outcome =
        passed(mean, fmt::format("ping {}: {} of {} answered, rtt {:.1f}/{:.1f}/{:.1f} ms", asked,
                                 answered(), sent(), trips.least, trips.mean, trips.most));
    outcome.metrics = {loss_metric,
                       {"rtt_min", trips.least / 1000, "s"},
                       {"rtt_avg", trips.mean / 1000, "s"},
                       {"rtt_max", trips.most / 1000, "s"},
                       {"jitter", trips.jitter / 1000, "s"}};
    std::vector<Judgement> judgements{{{fmt::format("loss at most {:g}%", loss_max),
                                        fmt::format("{:.3g}%", loss), loss <= loss_max},
                                       FailureClass::none,
                                       {}}};
    if (!judgements[0].met()) {
        judgements[0].failure_class = FailureClass::timeout;
        judgements[0].message = fmt::format(
            "ping {}: {} of {} packets answered within {}, expected to lose at most {:g}%{}", asked,
            answered(), sent(), spoken(waited), loss_max, why);
    }
    judge_round_trips(judgements, definition.query.as<IcmpQuery>(), asked, trips);
    if (definition.latency.has_value()) {
        judgements.push_back(judge_latency(mean, *definition.latency));
    }
    return conclude(std::move(outcome), std::move(judgements));
}

}  // namespace picket::checks
