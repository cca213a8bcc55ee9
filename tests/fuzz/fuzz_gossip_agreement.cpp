// One agent's Agreement under any sequence of inputs: peers come and go, answers arrive or
// do not, votes and verdicts are stale, replayed and absurd. Whatever comes, time passes,
// no version goes back, and nothing is asked more than three times at once.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/base/assert.h"
#include "gossip/agreement/agreement.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t peers = 4;
constexpr std::size_t checks = 2;

class Bytes {
public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
    bool any() const { return at_ < size_; }
    std::uint8_t next() { return at_ < size_ ? data_[at_++] : std::uint8_t{0}; }
    std::size_t below(std::size_t bound) { return next() % bound; }

private:
    const std::uint8_t* data_;
    std::size_t size_;
    std::size_t at_ = 0;
};

std::string name(std::size_t agent) {
    return "a" + std::to_string(agent);
}

CheckKey key(std::size_t check) {
    return check < checks ? check_key("check-" + std::to_string(check))
                          : check_key("host/" + name(check));
}

class Play {
public:
    explicit Play(Bytes bytes) : bytes_(bytes), agreement_({.name = name(0), .boot = 5}, 1, now_) {
        for (std::size_t agent = 1; agent <= peers; ++agent) {
            agreement_.set_counted(now_, name(agent), true);
        }
        agreement_.set_standing(now_, {.settled = true});
        for (std::size_t check = 0; check < checks; ++check) define(check, 7);
    }

    void run() {
        while (bytes_.any()) {
            step();
            settle();
        }
    }

private:
    void define(std::size_t check, std::uint64_t fingerprint) {
        MeshCheck made;
        made.key = key(check);
        made.name = "check-" + std::to_string(check);
        made.fingerprint = Fingerprint{fingerprint};
        made.interval = 10s;
        made.timeout = 3s;
        made.ours = true;
        for (std::size_t agent = 0; agent <= peers; ++agent) {
            made.carriers.push_back(agent_id(name(agent)));
        }
        agreement_.on_check(now_, made);
    }

    void step() {
        const std::size_t check = bytes_.below(checks + 2);
        switch (bytes_.below(10)) {
            case 0:
                return agreement_.on_slot(now_, key(check));
            case 1:
                return peer();
            case 2:
                return vote(check);
            case 3:
                return suspicion(check);
            case 4:
                return verdict(check);
            case 5:
                return answer();
            case 6:
                return agreement_.on_roll_call_answer(now_, bytes_.next(),
                                                      name(bytes_.below(peers + 2)));
            case 7:
                return bytes_.next() < 16 ? agreement_.on_check_gone(now_, key(check % checks))
                                          : define(check % checks, 7 + bytes_.below(2));
            case 8:
                return agreement_.set_standing(now_, {.settled = bytes_.next() > 8,
                                                      .waiting = bytes_.next() > 240,
                                                      .draining = bytes_.next() > 240,
                                                      .health_score = bytes_.next() / 64U});
            default:
                now_ += std::chrono::milliseconds(bytes_.next() * std::size_t{40});
        }
    }

    void peer() {
        const std::size_t agent = 1 + bytes_.below(peers + 1);
        if (bytes_.next() > 240) return agreement_.on_peer_gone(now_, name(agent));
        agreement_.on_peer(now_, {.name = name(agent),
                                  .zone = std::string(1, static_cast<char>('a' + agent % 2)),
                                  .liveness = static_cast<Liveness>(bytes_.below(liveness_count)),
                                  .fit = bytes_.next() > 32,
                                  .draining = bytes_.next() > 240});
    }

    // Near what is held, or anything.
    std::uint32_t epoch(std::size_t check) {
        const auto view = agreement_.view(now_, key(check));
        const std::uint32_t held = view && view->verdict ? view->verdict->epoch : 0;
        const std::uint8_t by = bytes_.next();
        return by < 250 ? held + by % 3 : held + 1000;
    }

    void vote(std::size_t check) {
        VoteRecord vote;
        vote.agent = agent_id(name(bytes_.below(peers + 3)));
        vote.check = key(check);
        vote.boot = 1;
        vote.seq = bytes_.next() > 32 ? ++seq_ : bytes_.next();
        vote.fingerprint = Fingerprint{7 + bytes_.below(2)};
        vote.era = bytes_.next() > 250 ? 2 : era_now;
        vote.epoch = epoch(check);
        vote.vote = static_cast<Vote>(bytes_.below(3));
        vote.streak = bytes_.next();
        vote.age = std::chrono::milliseconds(bytes_.next() * std::size_t{100});
        vote.round = bytes_.next();
        agreement_.on_vote(now_, vote);
    }

    void suspicion(std::size_t check) {
        SuspicionRecord suspicion;
        suspicion.agent = agent_id(name(bytes_.below(peers + 3)));
        suspicion.check = key(check);
        suspicion.fingerprint = Fingerprint{7 + bytes_.below(2)};
        suspicion.epoch = epoch(check);
        suspicion.direction = static_cast<SuspicionRecord::Direction>(bytes_.below(2));
        suspicion.round = bytes_.next();
        suspicion.age = std::chrono::milliseconds(bytes_.next() * std::size_t{100});
        agreement_.on_suspicion(now_, suspicion);
    }

    void verdict(std::size_t check) {
        VerdictRecord verdict;
        verdict.check = key(check);
        verdict.epoch = epoch(check);
        verdict.sub = bytes_.next();
        verdict.scope = verdict.outage() ? OutageScope::total : OutageScope::none;
        agreement_.on_verdict(now_, verdict);
    }

    void answer() {
        if (in_flight_.empty()) return;
        const auto which =
            in_flight_.begin() + static_cast<std::ptrdiff_t>(bytes_.below(in_flight_.size()));
        Answer answer;
        answer.finding = static_cast<Answer::Finding>(bytes_.below(3));
        answer.latency = std::chrono::milliseconds(bytes_.next());
        answer.out_of_time = bytes_.next() > 128;
        agreement_.on_answer(now_, which->check, which->id, answer);
        in_flight_.erase(which);
    }

    void settle() {
        for (int turns = 0; agreement_.next_wakeup() <= now_; ++turns) {
            PICKET_ASSERT(turns < 1000);  // It comes to rest.
            agreement_.on_tick(now_, WallTime(1'790'000'000s) + now_.time_since_epoch());
        }
        while (auto attempt = agreement_.poll_attempt()) {
            in_flight_.push_back(*attempt);
            if (attempt->id % 4 == 0) continue;  // Some wait, or never start.
            static_cast<void>(agreement_.on_started(now_, attempt->check, attempt->id));
        }
        while (in_flight_.size() > 64) in_flight_.erase(in_flight_.begin());
        while (agreement_.poll_dispatch().has_value()) {
        }
        while (agreement_.poll_ping().has_value()) {
        }
        while (const auto proposal = agreement_.poll_proposal()) {
            const VerdictRecord& verdict = proposal->verdict;
            auto& held = versions_[verdict.check];
            PICKET_ASSERT(std::pair(verdict.epoch, verdict.sub) > held);
            held = {verdict.epoch, verdict.sub};
        }
        while (agreement_.poll_notice().has_value()) {
        }
        while (agreement_.poll_event().has_value()) {
        }
        for (std::size_t check = 0; check < checks + 2; ++check) {
            static_cast<void>(agreement_.view(now_, key(check)));
        }
    }

    Bytes bytes_;
    Instant now_{1h};
    Agreement agreement_;
    std::uint32_t seq_ = 256;
    std::vector<Attempt> in_flight_;
    std::map<CheckKey, std::pair<std::uint32_t, std::uint32_t>> versions_;
};

}  // namespace
}  // namespace picket::gossip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    picket::gossip::Play(picket::gossip::Bytes(data, size)).run();
    return 0;
}
