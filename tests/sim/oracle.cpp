#include "tests/sim/oracle.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace picket::testing {
namespace {

using namespace std::chrono_literals;

// Votes are delayed, and clocks of ages run from when they were sent.
constexpr Duration slack = 2s;
// A roll call is good for two seconds, and takes one; the disk takes its time, too.
constexpr Duration last_word = 4s;

}  // namespace

void Oracle::complain(Instant now, const std::string& line) {
    complaints_ += fmt::format("[{:8.3f}] {}\n", to_seconds(now.time_since_epoch() - 1h), line);
}

void Oracle::on_attempt(Instant now, AgentIndex agent, gossip::CheckKey check, bool failed,
                        bool lacking) {
    auto& attempts = attempts_[check][agent];
    attempts.push_back({now, failed, lacking});
    while (now - attempts.front().at > 2 * fresh()) attempts.pop_front();
}

// It asked lately, and the target itself owed it the answer.
bool Oracle::lacking(Instant now, AgentIndex agent, gossip::CheckKey check) const {
    const auto asked = attempts_.find(check);
    if (asked == attempts_.end()) return false;
    const auto made = asked->second.find(agent);
    if (made == asked->second.end()) return false;
    return std::any_of(made->second.begin(), made->second.end(), [&](const Attempt& attempt) {
        return attempt.lacking && now - attempt.at <= fresh() + slack;
    });
}

std::size_t Oracle::failed_attempts(Instant now, AgentIndex agent, gossip::CheckKey check) const {
    const auto asked = attempts_.find(check);
    if (asked == attempts_.end()) return 0;
    const auto made = asked->second.find(agent);
    if (made == asked->second.end()) return 0;
    return static_cast<std::size_t>(
        std::count_if(made->second.begin(), made->second.end(), [&](const Attempt& attempt) {
            return attempt.failed && now - attempt.at <= fresh() + slack;
        }));
}

void Oracle::on_written(Instant now, AgentIndex by, const gossip::VerdictRecord& verdict,
                        const gossip::EvidenceRecord* evidence) {
    if (!world_.quorate(by) && world_.since_cut() > last_word) {
        complain(now, fmt::format("S4: a{} writes {}.{} without a majority", by, verdict.epoch,
                                  verdict.sub));
    }
    if (verdict.outage() && verdict.sub == 0) judge_opening(now, by, verdict, evidence);
}

void Oracle::judge_opening(Instant now, AgentIndex by, const gossip::VerdictRecord& verdict,
                           const gossip::EvidenceRecord* evidence) {
    ++openings_;
    const bool marked = verdict.backing == gossip::Backing::one_of_two;
    const auto blame = [&](std::string_view promise, const std::string& why) {
        complain(now, fmt::format("{}: a{} opens #{}: {}", promise, by, verdict.epoch, why));
    };
    if (evidence == nullptr) return blame("S1", "no evidence");
    std::set<std::string> voters;
    std::size_t right = 0;  // Of those, who lacked an answer indeed.
    std::set<std::string> zones_failing;
    std::set<std::string> zones_passing;
    const std::size_t attempts = rules_.alone ? 3 : 2;
    for (const auto& vote : evidence->votes) {
        const auto& witness = evidence->witnesses[vote.witness];
        if (vote.vote == gossip::Vote::ok) zones_passing.insert(witness.zone);
        if (vote.vote != gossip::Vote::fail) continue;
        zones_failing.insert(witness.zone);
        if (!voters.insert(witness.name).second) blame("S1", witness.name + " votes twice");
        if (lacking(now, world_.agent(witness.name), verdict.check)) ++right;
        if (vote.age > fresh()) blame("S1", "an old vote of " + witness.name);
        if (failed_attempts(now, world_.agent(witness.name), verdict.check) < attempts) {
            blame("S1", witness.name + " accuses without having failed " +
                            std::to_string(attempts) + " times");
        }
    }
    const std::size_t written = std::max<std::size_t>(1, evidence->quorum);
    const std::size_t quorum = marked ? written : world_.quorum(by).value_or(written);
    if (voters.size() < std::max(quorum, written)) {
        blame("S1", fmt::format("{} FAIL votes; {} make the quorum, it says {}", voters.size(),
                                quorum, evidence->quorum));
    }
    std::erase_if(zones_passing, [&](const auto& zone) { return zones_failing.contains(zone); });
    if (zones_failing.size() < 2 && !zones_passing.empty()) blame("S1", "one zone alone");
    if (marked && rules_.survivors) return;
    if (right >= quorum) return;
    ++false_openings_;
    blame("S5", "what is well");
}

void Oracle::on_held(Instant now, AgentIndex agent, const gossip::VerdictRecord& verdict) {
    const Version version{verdict.era, verdict.epoch, verdict.sub};
    const auto [held, first] = held_[agent].try_emplace(verdict.check, version);
    if (!first && version < held->second) {
        complain(now,
                 fmt::format("S2: a{} holds {}.{} after {}.{}", agent, verdict.epoch, verdict.sub,
                             std::get<1>(held->second), std::get<2>(held->second)));
    }
    held->second = version;
    if (verdict.outage() != (verdict.scope != gossip::OutageScope::none)) {
        complain(now, fmt::format("S3: a{} holds #{} as what it is not", agent, verdict.epoch));
    }
}

}  // namespace picket::testing
