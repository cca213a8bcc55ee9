#include "agent/key_service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/digest.h"
#include "agent/base/log.h"
#include "agent/io/clock.h"
#include "agent/io/entropy.h"
#include "agent/io/replace_file.h"
#include "agent/keyring_file.h"
#include "agent/mesh_node.h"

namespace picket {
namespace {

using gossip::KeyRotation;
using gossip::Member;
using gossip::wire::Key;
using gossip::wire::KeyAnswer;
using gossip::wire::KeyId;
using gossip::wire::KeyRequest;
using PeerState = gossip::KeyRotation::Peer::State;

constexpr mode_t ring_mode = 0600;
constexpr std::size_t names_told_max = 5;
constexpr std::string_view no_keys =
    "this mesh has no keys, so that a new one would travel in clear: put the output of `picket key "
    "generate` into the keyring file of every agent, and restart them";

std::optional<gossip::wire::KeyOperation> parse_operation(std::string_view text) {
    using gossip::wire::KeyOperation;
    for (const auto operation :
         {KeyOperation::list, KeyOperation::install, KeyOperation::use, KeyOperation::remove}) {
        if (text == to_text(operation)) return operation;
    }
    return std::nullopt;
}

// A key itself, or its id.
Result<KeyId> parse_subject(std::string_view text) {
    if (text.size() == 16) {
        KeyId id = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id, 16);
        if (error == std::errc{} && end == text.data() + text.size()) return id;
    }
    const auto key = Key::parse_base64(text);
    if (key.has_value()) return gossip::wire::key_id(*key);
    return failure(Code::invalid,
                   "that is neither a key in base64 nor an id that `key list` shows");
}

std::string names_text(const std::vector<std::string>& names) {
    const std::size_t told = std::min(names.size(), names_told_max);
    std::string text = fmt::format(
        "{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(told), ", "));
    if (told < names.size()) text += fmt::format(" and {} more", names.size() - told);
    return text;
}

}  // namespace

KeyService::KeyService(io::Loop& loop, MeshNode& node, std::string state_dir)
    : loop_(loop),
      node_(node),
      ring_path_(live_ring_path(state_dir)),
      timer_(loop, [this] { turn(); }),
      soon_(loop,
            [this] {
                for (const auto& task : std::exchange(tasks_, {})) task();
            }),
      writer_(loop) {}

// Not Loop::post: what waits must not outlive the service.
void KeyService::later(std::function<void()> task) {
    tasks_.push_back(std::move(task));
    soon_.set(Instant{});
}

// ---- Commands of people

void KeyService::run(const api::KeyCommand& asked, Done done) {
    const auto refuse = [&](Error error) {
        loop_.post([done = std::move(done), error = std::move(error)] {
            done(tl::make_unexpected(error));
        });
    };
    if (node_.ring().empty()) return refuse({Code::invalid, std::string(no_keys)});
    auto command = parse(asked);
    if (!command.has_value()) return refuse(command.error());
    if (commands_.size() >= commands_max) {
        return refuse({Code::exhausted, "other changes of the keys are under way"});
    }
    command->done = std::move(done);
    commands_.push_back(*std::move(command));
    if (commands_.size() == 1) later([this] { begin(); });
}

Result<KeyService::Command> KeyService::parse(const api::KeyCommand& asked) const {
    Command command;
    const auto operation = parse_operation(asked.operation);
    PICKET_ASSERT(operation.has_value());  // The route has no others.
    command.operation = *operation;
    command.force = asked.force;
    if (command.operation == Operation::list) return command;
    if (command.operation == Operation::install) {
        const Key key = PICKET_TRY(Key::parse_base64(asked.key));
        command.key = key.bytes();
        command.subject = gossip::wire::key_id(key);
        return command;
    }
    command.subject = PICKET_TRY(parse_subject(asked.key));
    return command;
}

void KeyService::begin() {
    if (commands_.empty()) return;
    const Operation operation = commands_.front().operation;
    if (operation == Operation::install) return change_everywhere();
    if (operation != Operation::list) {
        // What cannot be done here needs no asking.
        const Command& command = commands_.front();
        const auto possible = changed_ring({operation, command.key, command.subject, {}});
        if (!possible.has_value()) return finish(tl::make_unexpected(possible.error()));
    }
    rotate(Operation::list, [this] { on_surveyed(); });
}

void KeyService::on_surveyed() {
    if (commands_.front().operation == Operation::list) return finish({});
    if (Status fit = judge_survey(); !fit) return finish(std::move(fit));
    change_everywhere();
}

// Whether what all hold admits the command.
Status KeyService::judge_survey() const {
    const Command& command = commands_.front();
    const bool use = command.operation == Operation::use;
    std::vector<std::string> lacking;
    std::vector<std::string> primaries;
    std::vector<std::string> unknown;
    for (const KeyRotation::Peer& peer : rotation_->peers()) {
        const bool has = std::ranges::find(peer.ring, command.subject) != peer.ring.end();
        if (peer.state != PeerState::confirmed) {
            unknown.push_back(fmt::format("{} ({})", peer.name, peer.reason));
        } else if (use && !has) {
            lacking.push_back(peer.name);
        } else if (!use && has && peer.ring.front() == command.subject) {
            primaries.push_back(peer.name);
        }
    }
    for (const Member& member : node_.others()) {
        if (!member.picket) unknown.push_back(member.name + " (not picket: cannot be asked)");
    }
    const auto refuse = [](std::string why) {
        return failure(Code::invalid, "nothing was changed: " + std::move(why));
    };
    if (!lacking.empty()) {
        return refuse(
            fmt::format("{} would be cut off, without that key: `picket key install` "
                        "it first",
                        names_text(lacking)));
    }
    if (!primaries.empty()) {
        return refuse(
            fmt::format("it is still the primary key of {}: `picket key use` another "
                        "one first",
                        names_text(primaries)));
    }
    if (!unknown.empty() && !command.force) {
        return refuse(fmt::format("nobody knows what {} has; --force does it all the same",
                                  names_text(unknown)));
    }
    return {};
}

void KeyService::change_everywhere() {
    const Command& command = commands_.front();
    change({command.operation, command.key, command.subject, [this](Status status) {
                if (!status) return finish(std::move(status));
                rotate(commands_.front().operation, [this] { finish({}); });
            }});
}

void KeyService::rotate(Operation operation, std::function<void()> then) {
    const Command& command = commands_.front();
    KeyRequest request;
    request.id = io::random_seed();
    request.from = node_.name();
    request.operation = operation;
    if (operation == Operation::install) request.key = command.key;
    request.subject = operation == Operation::list ? 0 : command.subject;
    std::vector<KeyRotation::Peer> peers;
    for (const Member& member : node_.others()) {
        if (member.picket) peers.push_back({.name = member.name, .address = member.address});
    }
    rotation_.emplace(std::move(request), std::move(peers), KeyRotation::Options{},
                      io::monotonic_now());
    after_rotation_ = std::move(then);
    turn();
}

void KeyService::turn() {
    if (!after_rotation_) return;
    const Instant now = io::monotonic_now();
    while (const auto peer = rotation_->poll_send(now)) {
        node_.send_reliably(peer->address, encode(rotation_->request()),
                            [this, id = rotation_->request().id,
                             name = peer->name](const gossip::Delivery& delivery) {
                                if (delivery.delivered || !after_rotation_) return;
                                if (rotation_->request().id != id) return;
                                rotation_->on_undelivered(io::monotonic_now(), name,
                                                          delivery.reason);
                                timer_.set(rotation_->next_wakeup());
                            });
    }
    timer_.set(rotation_->next_wakeup());
    if (!rotation_->done(now)) return;
    timer_.clear();
    const auto then = std::exchange(after_rotation_, nullptr);
    then();
}

void KeyService::finish(Status status) {
    Command command = std::move(commands_.front());
    commands_.pop_front();
    if (!commands_.empty()) later([this] { begin(); });
    if (!status) return command.done(tl::make_unexpected(status.error()));
    command.done(view());
}

api::KeysView KeyService::view() const {
    api::KeysView view;
    view.operation = to_text(rotation_->request().operation);
    view.asked = static_cast<std::uint32_t>(rotation_->peers().size() + 1);
    std::map<KeyId, api::KeyView> keys;
    const auto count = [&](const std::vector<KeyId>& ring) {
        ++view.confirmed;
        for (const KeyId id : ring) {
            api::KeyView& key = keys[id];
            key.id = to_hex(id);
            ++key.installed_on;
            if (id == ring.front()) ++key.primary_on;
        }
    };
    count(ring());
    for (const KeyRotation::Peer& peer : rotation_->peers()) {
        if (peer.state == PeerState::confirmed) {
            count(peer.ring);
        } else {
            view.unconfirmed.push_back({peer.name, peer.reason});
        }
    }
    for (const Member& member : node_.others()) {
        if (!member.picket) view.foreign.push_back(member.name);
    }
    for (auto& [id, key] : keys) view.keys.push_back(std::move(key));
    std::ranges::stable_sort(view.keys, [](const api::KeyView& a, const api::KeyView& b) {
        return a.primary_on > b.primary_on;
    });
    return view;
}

// ---- Our own ring

void KeyService::change(Change change) {
    if (changes_.size() >= changes_max) {
        later([done = std::move(change.done)] {
            done(failure(Code::exhausted, "too many changes of the keys wait already"));
        });
        return;
    }
    changes_.push_back(std::move(change));
    if (changes_.size() == 1) later([this] { next_change(); });
}

void KeyService::next_change() {
    if (changes_.empty()) return;
    const auto conclude = [this](Status status) {
        const Change change = std::move(changes_.front());
        changes_.pop_front();
        if (!changes_.empty()) later([this] { next_change(); });
        change.done(std::move(status));
    };
    auto next = changed_ring(changes_.front());
    if (!next.has_value()) return conclude(tl::make_unexpected(next.error()));
    if (*next == node_.ring().keys()) return conclude({});
    writer_.submit([path = ring_path_,
                    text = keyring_text(*next)] { return io::replace_file(path, text, ring_mode); },
                   [this, conclude](Status written) {
                       if (!written) return conclude(std::move(written));
                       conclude(apply(changes_.front()));
                   });
}

// The ring as it would be.
Result<std::vector<Key>> KeyService::changed_ring(const Change& change) const {
    std::vector<Key> keys = node_.ring().keys();
    const auto key = std::ranges::find(keys, change.subject, gossip::wire::key_id);
    switch (change.operation) {
        case Operation::list:
            break;
        case Operation::install:
            if (key != keys.end()) break;
            if (keys.size() >= gossip::wire::keyring_keys_max) {
                return failure(
                    Code::invalid,
                    fmt::format("the ring holds {} keys already: remove one first", keys.size()));
            }
            keys.push_back(PICKET_TRY(Key::from_bytes(change.key)));
            break;
        case Operation::use:
            if (key == keys.end()) return failure(Code::not_found, "that key is not in the ring");
            std::rotate(keys.begin(), key, key + 1);
            break;
        case Operation::remove:
            if (key == keys.end()) break;
            if (key == keys.begin()) {
                return failure(Code::invalid,
                               "that key is the primary: `picket key use` another one first");
            }
            keys.erase(key);
            break;
    }
    return keys;
}

Status KeyService::apply(const Change& change) {
    gossip::wire::KeyRing& ring = node_.ring();
    const std::vector<Key> keys = ring.keys();
    log_info(fmt::format("gossip key {}: {}", to_hex(change.subject), to_text(change.operation)));
    if (change.operation == Operation::install) {
        const Key key = PICKET_TRY(Key::from_bytes(change.key));
        return ring.add(key, fresh_nonces());
    }
    const auto key = std::ranges::find(keys, change.subject, gossip::wire::key_id);
    PICKET_ASSERT(key != keys.end());
    return change.operation == Operation::use ? ring.use(*key) : ring.remove(*key);
}

std::vector<KeyId> KeyService::ring() const {
    std::vector<KeyId> ids;
    for (const Key& key : node_.ring().keys()) ids.push_back(gossip::wire::key_id(key));
    return ids;
}

// ---- Messages of the others

void KeyService::on_message(const gossip::UserMessage& message) {
    if (node_.ring().empty()) return;
    const auto kind = static_cast<std::uint8_t>(message.payload[2]);
    if (kind == gossip::wire::key_request_kind) {
        const auto request = gossip::wire::decode_key_request(message.payload);
        if (request.has_value()) return on_request(*request);
        node_.count_malformed();
    } else if (kind == gossip::wire::key_answer_kind) {
        const auto answer = gossip::wire::decode_key_answer(message.payload);
        if (!answer.has_value()) return node_.count_malformed();
        if (!after_rotation_) return;
        rotation_->on_answer(*answer);
        // What follows may act, and we are within an event of the driver's.
        later([this] { turn(); });
    }
}

void KeyService::on_request(const KeyRequest& request) {
    KeyId subject = request.subject;
    if (request.operation == Operation::install) {
        const auto key = Key::from_bytes(request.key);
        if (!key.has_value()) return answer(request, tl::make_unexpected(key.error()));
        subject = gossip::wire::key_id(*key);
    }
    change({request.operation, request.key, subject,
            [this, request](const Status& status) { answer(request, status); }});
}

void KeyService::answer(const KeyRequest& request, const Status& status) {
    const auto asker = node_.address_of(request.from);
    if (!asker.has_value()) return;  // Gone meanwhile, or never there.
    KeyAnswer answer;
    answer.id = request.id;
    answer.from = node_.name();
    if (!status.has_value()) answer.error = status.error().message();
    answer.ring = ring();
    node_.send_reliably(*asker, encode(answer), [](const gossip::Delivery&) {});
}

}  // namespace picket
