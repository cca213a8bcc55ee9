#include "agent/council.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "agent/api/stored_records.h"
#include "agent/base/assert.h"
#include "agent/base/log.h"
#include "agent/io/clock.h"
#include "agent/io/entropy.h"
#include "gossip/spread/record_codec.h"

namespace picket {
namespace {

using namespace std::chrono_literals;

// Of the user messages: records, exchanges and blobs (docs/PROTOCOL.md, 2).
constexpr std::uint8_t kinds_first = 0x01;
constexpr std::uint8_t kinds_last = 0x3f;

constexpr std::string_view boot_fact = "boot";
constexpr std::int64_t boot_epoch_seconds = 1'700'000'000;

// max(stored + 1, seconds since boot_epoch_seconds): grows also where the disk was lost.
gossip::Boot next_boot(const std::map<std::string, std::string>& facts, WallTime wall) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(wall.time_since_epoch()).count() -
                         boot_epoch_seconds;
    const auto clock = static_cast<gossip::Boot>(std::clamp<std::int64_t>(seconds, 1, 1LL << 31));
    gossip::Boot stored = 0;
    if (const auto fact = facts.find(std::string(boot_fact)); fact != facts.end()) {
        std::from_chars(fact->second.data(), fact->second.data() + fact->second.size(), stored);
    }
    return std::max(stored + 1, clock);
}

gossip::Labels labels_of(const std::map<std::string, std::string>& labels) {
    return {labels.begin(), labels.end()};
}

gossip::Spread::Options spread_options(const Config& config, gossip::Boot boot) {
    return {.name = config.name,
            .zone = config.zone,
            .boot = boot,
            .labels = labels_of(config.labels),
            .joins = !config.gossip->join.empty()};
}

gossip::CheckKey mesh_key(checks::CheckKey key) {
    return gossip::CheckKey{static_cast<std::uint64_t>(key)};
}

checks::CheckKey local_key(gossip::CheckKey key) {
    return checks::CheckKey{static_cast<std::uint64_t>(key)};
}

gossip::Answer answer_of(const checks::Run& run) {
    const checks::Outcome& outcome = run.outcome;
    gossip::Answer answer;
    switch (outcome.finding) {
        case checks::Finding::passed:
            answer.finding = gossip::Answer::Finding::passed;
            break;
        case checks::Finding::failed:
            answer.finding = gossip::Answer::Finding::failed;
            break;
        case checks::Finding::errored:
            answer.finding = gossip::Answer::Finding::errored;
            break;
    }
    answer.failure = static_cast<gossip::FailureCode>(outcome.failure_class);
    answer.message = outcome.message;
    answer.latency = outcome.latency;
    answer.by_name = outcome.failure_class == checks::FailureClass::dns;
    answer.out_of_time = outcome.failure_class == checks::FailureClass::timeout ||
                         outcome.failure_class == checks::FailureClass::latency;
    return answer;
}

}  // namespace

Council::Council(const Services& services, const Config& config, const storage::Loaded& stored,
                 std::function<void()> on_outage)
    : services_(services),
      config_(config),
      on_outage_(std::move(on_outage)),
      accord_({.spread = spread_options(config, next_boot(stored.agent_facts, io::wall_now()))},
              io::random_seed(), io::monotonic_now()),
      hosts_(services.loop, services.icmp, services.node),
      canaries_(services.loop, services.icmp, services.resolvers, [this] { pump(); }),
      timer_(services.loop, [this] { pump(); }) {
    const Instant now = io::monotonic_now();
    const WallTime wall = io::wall_now();
    services_.recorder.record(
        storage::AgentFact{std::string(boot_fact), fmt::to_string(spread().boot())});
    restore(stored, now, wall);
    adopt_stored_outages(stored, wall);
    adopt_stored_verdicts(stored, now, wall);
    listen();
}

void Council::restore(const storage::Loaded& stored, Instant now, WallTime wall) {
    std::size_t malformed = 0;
    for (const storage::MeshRecord& record : stored.mesh_records) {
        if (record.bytes && !accord_.restore(now, wall, *record.bytes)) ++malformed;
    }
    if (malformed > 0) {
        log_warning(fmt::format("{} stored records of the mesh are not understood, and left out",
                                malformed));
    }
}

// An agent that was alone until now has counted its outages; their numbers go on. One that
// is open ends here: its only witness is now one of several.
void Council::adopt_stored_verdicts(const storage::Loaded& stored, Instant now, WallTime wall) {
    if (!stored.mesh_records.empty()) return;  // It was in a mesh before.
    for (const storage::StoredCheck& check : stored.checks) {
        if (!check.verdict || check.verdict->epoch == 0 ||
            check.name.find('@') != std::string::npos) {
            continue;
        }
        const gossip::CheckKey key = gossip::check_key(check.name);
        const std::uint32_t epoch = check.verdict->epoch + check.verdict->epoch % 2;
        gossip::VerdictRecord verdict;
        verdict.check = key;
        verdict.epoch = epoch;
        verdict.backing = gossip::Backing::panel_of_one;
        verdict.proposer = spread().self();
        const bool ends = epoch != check.verdict->epoch;
        verdict.closed_at = ends ? wall : check.verdict->since.value_or(check.verdict->at);
        accord_.put(now, wall, verdict);
    }
}

void Council::listen() {
    services_.node.set_on_member([this](const gossip::MemberEvent& event) {
        if (event.kind != gossip::MemberEvent::Kind::changed &&
            event.kind != gossip::MemberEvent::Kind::updated) {
            return;
        }
        accord_.on_member(io::monotonic_now(), io::wall_now(), event.member);
        pump();
    });
    services_.node.set_on_forgotten([this](const std::string& name) {
        end_outage(io::wall_now(), gossip::check_key("host/" + name), "ended: host forgotten");
        accord_.on_forgotten(io::monotonic_now(), name);
        pump();
    });
    const auto on_message = [this](const gossip::UserMessage& message) {
        accord_.on_user(io::monotonic_now(), io::wall_now(), message.payload, message.from);
        pump();
    };
    services_.node.on_kinds(kinds_first, kinds_last, on_message);
    services_.node.on_state(on_message);
    services_.runner.on_slot([this](Instant now, checks::CheckKey key) {
        accord_.on_slot(now, mesh_key(key));
        pump();
    });
    services_.runner.on_start([this](Instant now, checks::CheckKey key, auto attempt) {
        const bool wanted = accord_.on_started(now, mesh_key(key), attempt);
        timer_.set(std::min(accord_.next_wakeup(), show_at_));
        return wanted;
    });
}

// ---- What is checked

void Council::apply(const checks::Catalogue& catalogue,
                    const std::vector<checks::CheckKey>& start) {
    const Instant now = io::monotonic_now();
    const WallTime wall = io::wall_now();
    declared_.set(services_.checks.rows(), catalogue, wall);
    for (const checks::CheckKey key : start) {
        const CarriedCheck& check = services_.checks.at(key);
        if (!check.meshed()) continue;
        services_.runner.add_witnessed(key, *check.definition);
        take_seat(mesh_key(key));
    }
    accord_.set_checks(now, wall, declared_.blobs(), declared_.own());
    pump();
}

void Council::on_attempt(checks::CheckKey key, checks::Runner::AttemptId attempt,
                         const checks::Run& run) {
    if (run.outcome.finding == checks::Finding::failed) {
        canaries_.on_failure(run.outcome.failure_class == checks::FailureClass::dns);
    }
    accord_.on_answer(io::monotonic_now(), mesh_key(key), attempt, answer_of(run));
    pump();
}

// ---- The pump

void Council::pump() {
    again_ = true;
    if (pumping_ || stopped_) return;
    pumping_ = true;
    while (std::exchange(again_, false)) {
        const Instant now = io::monotonic_now();
        const WallTime wall = io::wall_now();
        accord_.set_surroundings({.leaving = services_.node.leaving(),
                                  .health_score = services_.node.health_score(),
                                  .gateway = canaries_.gateway(now),
                                  .resolver = canaries_.resolver(now)});
        accord_.on_tick(now, wall);
        carry_out(now, wall);
        if (show_at_ <= now) show_states(now, wall);
    }
    pumping_ = false;
    timer_.set(std::min(accord_.next_wakeup(), show_at_));
}

void Council::carry_out(Instant now, WallTime wall) {
    while (const auto order = accord_.poll_persist()) persist(*order);
    send();
    while (const auto attempt = accord_.poll_attempt(now)) start_attempt(*attempt);
    while (const auto question = accord_.poll_question()) ask_member(*question);
    while (const auto event = accord_.poll_event()) on_event(now, wall, *event);
}

void Council::send() {
    services_.node.driver().act([&](gossip::Mesh& mesh, Instant at) {
        while (const auto broadcast = accord_.poll_broadcast()) {
            if (!mesh.broadcast(at, broadcast->rank, broadcast->key, broadcast->payload,
                                gossip::Audience::picket)) {
                log_debug("a record fits no packet, and waits for anti-entropy");
            }
        }
        while (auto letter = accord_.poll_letter()) {
            if (letter->way == gossip::Letter::Way::reliable) {
                mesh.send_reliably(at, letter->address, std::move(letter->payload));
            } else if (!mesh.send(at, letter->address, letter->payload)) {
                log_debug("a record for one agent fits no packet");
            }
        }
        while (auto state = accord_.poll_user_state()) mesh.set_user_state(*std::move(state));
    });
}

void Council::persist(const gossip::PersistOrder& order) {
    storage::MeshRecord record{.kind = std::string(to_text(order.key.kind)),
                               .key = api::storage_key(order.key),
                               .bytes = std::nullopt,
                               .forget_at = std::nullopt};
    if (!order.payload.empty()) record.bytes = order.payload;
    services_.recorder.record_durably(
        std::move(record), [this, ticket = order.ticket](const Status& status) {
            if (stopped_) return;
            if (!status) ++records_not_durable_;
            accord_.on_persisted(io::monotonic_now(), io::wall_now(), ticket);
            pump();
        });
}

void Council::start_attempt(const gossip::Attempt& attempt) {
    if (!attempt.host.empty()) return ask_host(attempt);
    const CarriedCheck* check = services_.checks.find(local_key(attempt.check));
    // What is not carried any more is not asked; Agreement hears of that next.
    if (check == nullptr || !check->meshed()) return;
    services_.runner.attempt(local_key(attempt.check), attempt.id);
}

void Council::ask_host(const gossip::Attempt& attempt) {
    const gossip::Spread::Peer* peer = spread().peer(gossip::agent_id(attempt.host));
    PICKET_ASSERT(peer != nullptr);
    gossip::Member member;
    member.name = peer->name;
    member.address = peer->address;
    if (!accord_.on_started(io::monotonic_now(), attempt.check, attempt.id)) return;
    hosts_.ask(member, gossip::Agreement::host_timeout, [this, attempt](gossip::Answer answer) {
        if (stopped_) return;
        accord_.on_answer(io::monotonic_now(), attempt.check, attempt.id, std::move(answer));
        pump();
    });
}

void Council::ask_member(const gossip::Accord::Question& question) {
    gossip::Member member;
    member.name = question.name;
    member.address = question.address;
    services_.node.ping(member, question.timeout, gossip::Mesh::Over::packet,
                        [this, call = question.call, name = question.name](const auto& pong) {
                            if (!pong.answered) return;
                            accord_.on_member_answer(io::monotonic_now(), call, name);
                            pump();
                        });
}

void Council::stop() {
    stopped_ = true;
    timer_.clear();
    canaries_.stop();
}

// ---- What people do

std::size_t Council::forget(std::string_view name, std::string_view zone) {
    const Instant now = io::monotonic_now();
    const WallTime wall = io::wall_now();
    const std::size_t forgotten =
        zone.empty() ? accord_.forget(now, wall, name) : accord_.forget_zone(now, wall, zone);
    if (forgotten > 0 && !name.empty()) {
        end_outage(wall, gossip::check_key(fmt::format("host/{}", name)), "ended: host forgotten");
    }
    pump();
    return forgotten;
}

void Council::leave() {
    accord_.leave(io::monotonic_now(), io::wall_now());
    pump();
}

}  // namespace picket
