#include "gossip/accord.h"

#include <doctest/doctest.h>

#include <chrono>

#include "gossip/spread/record_codec.h"

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr WallTime wall_begins{std::chrono::hours(24 * 365 * 50)};
const CheckKey check = check_key("homepage");

// One whole agent that is told to join a mesh; a disk, a schedule and a target beside it.
class Joiner {
public:
    explicit Joiner(const std::string& from = "") {
        Declaration declaration;
        declaration.name = "homepage";
        declaration.type = "tcp";
        declaration.check = check;
        declaration.fingerprint = Fingerprint{1};
        declaration.witnesses = 5;
        declaration.from = from;
        declaration.interval_ms = 10'000;
        declaration.timeout_ms = 3'000;
        FileBlob file;
        file.declarations.push_back(declaration);
        accord_.set_checks(now_, wall(), {file}, {{check, {.fingerprint = Fingerprint{1}}}});
    }

    void meets(const std::string& name, bool picket) {
        Member member;
        member.name = name;
        member.liveness = Liveness::alive;
        member.picket = picket;
        accord_.on_member(now_, wall(), member);
    }

    // It carries what we do.
    void hears_presence(const std::string& name, std::uint32_t seq, Labels labels) {
        PresenceRecord record;
        record.agent = agent_id(name);
        record.boot = 1;
        record.seq = seq;
        record.fit = true;
        record.catalog = accord_.spread().own_presence().catalog;
        record.labels = std::move(labels);
        accord_.on_user(now_, wall(), encode(record), std::nullopt);
    }

    // Asks at each tenth second of its seat's interval.
    void run_for(Duration duration) {
        for (const Instant end = now_ + duration; now_ < end; now_ += 100ms) {
            if ((now_ - begins_) % 10s == 5s) accord_.on_slot(now_, check);
            for (int i = 0; i < 20; ++i) step();
        }
    }

    const Accord& accord() const { return accord_; }
    bool target_answers = true;

private:
    WallTime wall() const { return wall_begins + (now_ - begins_); }

    void step() {
        accord_.on_tick(now_, wall());
        while (const auto order = accord_.poll_persist()) {
            accord_.on_persisted(now_, wall(), order->ticket);
        }
        while (const auto attempt = accord_.poll_attempt(now_)) {
            Answer answer;
            answer.finding = target_answers ? Answer::Finding::passed : Answer::Finding::failed;
            answer.latency = 1ms;
            accord_.on_answer(now_, attempt->check, attempt->id, std::move(answer));
        }
        while (accord_.poll_event().has_value()) {
        }
    }

    static constexpr Instant begins_{1h};
    Instant now_ = begins_;
    Accord accord_{{.spread = {.name = "a0", .joins = true}}, 1, begins_};
};

TEST_CASE("`from` picks by labels, also those with which an agent came back") {
    Joiner joiner("role=db, tier!=test");
    for (const char* name : {"a1", "a2", "a3"}) joiner.meets(name, true);
    joiner.hears_presence("a1", 1, {{"role", "db"}});
    joiner.hears_presence("a2", 1, {{"role", "db"}, {"tier", "test"}});
    joiner.hears_presence("a3", 1, {{"role", "web"}});
    joiner.run_for(2s);
    using Carriers = std::vector<AgentId>;
    const auto carriers = [&] { return joiner.accord().checks().at(check).carriers; };
    CHECK(carriers() == Carriers{agent_id("a1")});  // We have no labels ourselves.
    joiner.hears_presence("a1", 2, {{"role", "web"}});
    joiner.hears_presence("a3", 2, {{"role", "db"}});
    joiner.run_for(100ms);
    CHECK(carriers() == Carriers{agent_id("a3")});
}

TEST_CASE("who is told to join a mesh and reaches nobody opens nothing") {
    Joiner joiner;
    joiner.run_for(30s);
    joiner.target_answers = false;
    joiner.run_for(40s);
    CHECK_FALSE(joiner.accord().spread().settled());
    CHECK(joiner.accord().spread().verdict(check) == nullptr);
}

TEST_CASE("the first picket agent among Serf's does not wait for what they carry") {
    Joiner joiner;
    for (const char* name : {"serf-1", "serf-2", "serf-3"}) joiner.meets(name, false);
    joiner.run_for(4s);
    CHECK(joiner.accord().spread().settled());
    CHECK(joiner.accord().spread().knows_everybody());
    CHECK(joiner.accord().agreement().seat(check).has_value());
    joiner.run_for(26s);
    CHECK(joiner.accord().agreement().quorum());
    REQUIRE(joiner.accord().spread().verdict(check) != nullptr);
    joiner.target_answers = false;
    joiner.run_for(20s);
    CHECK(joiner.accord().spread().verdict(check)->epoch == 1);
}

TEST_CASE("one that hears of a picket agent from Serf's waits for that") {
    Joiner joiner;
    for (const char* name : {"serf-1", "serf-2"}) joiner.meets(name, false);
    joiner.meets("a1", true);
    joiner.run_for(20s);
    CHECK_FALSE(joiner.accord().spread().settled());
    joiner.target_answers = false;
    joiner.run_for(40s);
    CHECK(joiner.accord().spread().verdict(check) == nullptr);
}

}  // namespace
}  // namespace picket::gossip
