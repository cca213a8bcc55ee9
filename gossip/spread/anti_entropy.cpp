#include "gossip/spread/anti_entropy.h"

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"

namespace picket::gossip {
namespace {

// A list entry takes up to 45 bytes.
constexpr std::size_t items_per_list = exchange_bytes_max / 48;

}  // namespace

AntiEntropy::AntiEntropy(const Registry& registry, AgentId self, bool joins, std::uint64_t seed,
                         Instant now)
    : registry_(&registry),
      self_(self),
      joins_(joins),
      random_(seed),
      root_at_(now + Duration(random_.below(static_cast<std::uint64_t>(interval.count())))),
      settle_at_(now) {
    if (!joins_) phase_ = Phase::settled;
}

void AntiEntropy::set_peers(Instant now, std::vector<AgentId> peers) {
    std::ranges::sort(peers);
    peers_ = std::move(peers);
    if (open_.has_value() && !known(open_->peer)) end(now, false);
    if (phase_ == Phase::waiting && !peers_.empty()) settle_at_ = now;
}

void AntiEntropy::on_alone() {
    if (phase_ == Phase::waiting && peers_.empty()) phase_ = Phase::settled;
}

bool AntiEntropy::known(AgentId peer) const {
    return std::ranges::binary_search(peers_, peer);
}

std::optional<AgentId> AntiEntropy::choose(std::optional<AgentId> other_than) {
    if (peers_.empty()) return std::nullopt;
    const std::size_t start = random_.below(peers_.size());
    if (peers_[start] != other_than) return peers_[start];
    if (peers_.size() == 1) return std::nullopt;
    return peers_[(start + 1) % peers_.size()];
}

RootMessage AntiEntropy::root(bool asks) const {
    return {self_, registry_->root(), settled(), asks};
}

void AntiEntropy::on_message(Instant now, const Exchange& message) {
    std::visit(
        [&](const auto& value) {
            using T = std::decay_t<decltype(value)>;
            if (!known(value.from)) return;
            if constexpr (std::is_same_v<T, RootMessage>) on_root(now, value);
            if constexpr (std::is_same_v<T, DigestsMessage>) on_digests(now, value);
            if constexpr (std::is_same_v<T, ListMessage>) on_list(now, value);
            if constexpr (std::is_same_v<T, WantMessage>) on_want(now, value);
            if constexpr (std::is_same_v<T, RecordsMessage>) on_records(now, value);
        },
        message);
}

// ---- Comparing

void AntiEntropy::on_root(Instant now, const RootMessage& message) {
    const bool equal = message.root == registry_->root();
    if (message.from == asked_) asked_.reset();
    if (message.asks) {
        answers_.take(now) ? send(message.from, root(false)) : static_cast<void>(++unanswered_);
    }
    if (phase_ == Phase::second_opinion && message.from != first_ && !open_.has_value()) {
        // Where they differ we take what the second holds, too.
        equal ? static_cast<void>(phase_ = Phase::settled) : begin(now, message.from);
        return;
    }
    if (equal) {
        differs_since_.reset();
        return;
    }
    ++roots_differed_;
    if (!settled() || registry_->unpersisted() > 0) return;
    if (!differs_since_.has_value()) {
        differs_since_ = now;
        root_at_ = std::min(root_at_, now + differing_min);
    } else if (now - *differs_since_ >= differing_min && !open_.has_value()) {
        begin(now, message.from);
    }
}

void AntiEntropy::on_behind(Instant now, AgentId peer) {
    if (!open_.has_value() && known(peer) && behind_.take(now)) begin(now, peer);
}

void AntiEntropy::on_digests(Instant now, const DigestsMessage& message) {
    if (!answers_.take(now)) {
        ++unanswered_;
        return;
    }
    const std::vector<std::uint64_t> ours = registry_->buckets(message.bits);
    ListMessage list{self_, message.bits, settled(), false, {}, {}};
    std::vector<std::uint32_t> differing;
    for (std::uint32_t bucket = 0; bucket < ours.size(); ++bucket) {
        if (ours[bucket] != message.buckets[bucket]) differing.push_back(bucket);
    }
    // Whole buckets, from a random one on, so that a bucket of many cannot hide the rest.
    std::vector<ListItem> items = registry_->items(message.bits, differing);
    std::vector<std::size_t> sizes(ours.size(), 0);
    for (const ListItem& item : items) ++sizes[Registry::bucket_of(item.key, message.bits)];
    std::size_t total = 0;
    std::vector<bool> listed(ours.size(), false);
    const std::size_t start = differing.empty() ? 0 : random_.below(differing.size());
    for (std::size_t i = 0; i < differing.size(); ++i) {
        const std::uint32_t bucket = differing[(start + i) % differing.size()];
        if (total + sizes[bucket] > items_per_list && total > 0) {
            list.more = true;
            break;
        }
        total += sizes[bucket];
        listed[bucket] = true;
        list.buckets.push_back(bucket);
    }
    std::erase_if(items, [&](const ListItem& item) {
        return !listed[Registry::bucket_of(item.key, message.bits)];
    });
    if (items.size() > list_items_max) items.resize(list_items_max);
    list.items = std::move(items);
    send(message.from, std::move(list));
}

// ---- An exchange that we began

void AntiEntropy::begin(Instant now, AgentId peer) {
    PICKET_ASSERT(!open_.has_value());
    open_ = Open{peer, now + answer_time_max};
    ++exchanges_;
    ask(now);
}

void AntiEntropy::ask(Instant now) {
    open_->deadline = now + answer_time_max;
    open_->more = false;
    ++open_->rounds;
    const std::uint8_t bits = registry_->bucket_bits();
    send(open_->peer, DigestsMessage{self_, bits, registry_->buckets(bits)});
}

void AntiEntropy::on_list(Instant now, const ListMessage& message) {
    if (!open_.has_value() || message.from != open_->peer || open_->awaits_records) return;
    WantMessage want{self_, {}};
    std::vector<RecordKey> push;
    std::vector<ListItem> ours = registry_->items(message.bits, message.buckets);
    const auto by_key = [](const ListItem& a, const ListItem& b) { return a.key < b.key; };
    std::ranges::sort(ours, by_key);
    std::vector<ListItem> theirs = message.items;
    std::ranges::sort(theirs, by_key);
    for (const ListItem& item : theirs) {
        const auto held = registry_->precedence_of(item.key);
        if (!held.has_value() || *held < item.precedence) want.keys.push_back(item.key);
    }
    for (const ListItem& item : ours) {
        const auto other = std::ranges::lower_bound(theirs, item, by_key);
        const bool has = other != theirs.end() && other->key == item.key;
        if (!has || other->precedence < item.precedence) push.push_back(item.key);
    }
    open_->more = message.more;
    open_->deadline = now + answer_time_max;
    if (settled() && !push.empty()) {
        RecordsMessage records = pack(std::move(push));
        open_->more = open_->more || records.more;
        records.more = false;
        send(message.from, std::move(records));
    }
    if (want.keys.empty()) return go_on(now);
    open_->awaits_records = true;
    send(message.from, std::move(want));
}

void AntiEntropy::on_records(Instant now, const RecordsMessage& message) {
    for (const std::string& payload : message.payloads) {
        deliveries_.push_back({message.from, payload});
    }
    if (!open_.has_value() || message.from != open_->peer || !open_->awaits_records) return;
    open_->awaits_records = false;
    open_->more = (open_->more || message.more) && !message.payloads.empty();
    open_->awaits_disk = true;  // Or at least until what came is in the registry.
    open_->deadline = now + answer_time_max;
}

void AntiEntropy::on_persisted(Instant now) {
    if (!open_.has_value() || !open_->awaits_disk || !deliveries_.empty()) return;
    if (registry_->unpersisted() > 0) return;
    open_->awaits_disk = false;
    go_on(now);
}

void AntiEntropy::go_on(Instant now) {
    if (open_->more && open_->rounds < rounds_max) return ask(now);
    end(now, true);
}

void AntiEntropy::end(Instant now, bool complete) {
    const AgentId peer = open_->peer;
    open_.reset();
    differs_since_.reset();
    if (settled()) return;
    settle_at_ = now + settle_retry;
    if (!complete) return;
    if (phase_ == Phase::second_opinion) {
        phase_ = Phase::settled;
        return;
    }
    first_ = peer;
    phase_ = peers_.size() == 1 ? Phase::settled : Phase::second_opinion;
    settle_at_ = now;
}

// ---- Answering

RecordsMessage AntiEntropy::pack(std::vector<RecordKey> keys) const {
    std::ranges::stable_sort(keys, [&](const RecordKey& a, const RecordKey& b) {
        return registry_->changed_at(a) > registry_->changed_at(b);
    });
    RecordsMessage records{self_, false, {}};
    std::size_t bytes = 0;
    for (const RecordKey& key : keys) {
        if (!registry_->listed(key)) continue;
        std::string payload = encode(*registry_->find(key));
        bytes += payload.size();
        if (bytes > exchange_bytes_max || records.payloads.size() >= list_items_max) {
            records.more = true;
            break;
        }
        records.payloads.push_back(std::move(payload));
    }
    return records;
}

void AntiEntropy::on_want(Instant now, const WantMessage& message) {
    if (!answers_.take(now)) {
        ++unanswered_;
        return;
    }
    send(message.from, pack(message.keys));
}

// ---- Time

void AntiEntropy::settle(Instant now) {
    settle_at_ = now + settle_retry;
    if (phase_ == Phase::second_opinion) {
        const auto second = choose(first_);
        if (second.has_value()) return send(*second, root(true));
        phase_ = Phase::settled;  // The others have gone meanwhile.
        return;
    }
    phase_ = peers_.empty() ? Phase::waiting : Phase::snapshot;
    if (const auto peer = choose(std::nullopt)) begin(now, *peer);
}

void AntiEntropy::on_tick(Instant now) {
    if (open_.has_value() && now >= open_->deadline) end(now, false);
    if (!settled() && !open_.has_value() && now >= settle_at_) settle(now);
    if (asked_.has_value() && now >= asked_until_) {
        asked_times_ < root_tries_max ? ask_for_root(now) : asked_.reset();
    }
    if (now < root_at_) return;
    // A tenth either way, so that a mesh started at once does not stay in step.
    const auto tenth = static_cast<std::uint64_t>(interval.count()) / 10;
    root_at_ = now + interval - Duration(tenth) + Duration(random_.below(2 * tenth));
    asked_times_ = 0;
    if (settled()) ask_for_root(now);
}

void AntiEntropy::ask_for_root(Instant now) {
    const auto peer = peers_.size() == 1 ? choose(std::nullopt) : choose(asked_);
    asked_ = peer;
    if (!peer.has_value()) return;
    ++asked_times_;
    asked_until_ = now + root_answer_max;
    send(*peer, root(true));
}

Instant AntiEntropy::next_wakeup() const {
    Instant wakeup = asked_.has_value() ? std::min(root_at_, asked_until_) : root_at_;
    if (open_.has_value()) return std::min(wakeup, open_->deadline);
    if (!settled() && !(phase_ == Phase::waiting && peers_.empty())) {
        wakeup = std::min(wakeup, settle_at_);
    }
    return wakeup;
}

std::optional<AntiEntropy::Letter> AntiEntropy::poll_letter() {
    if (letters_.empty()) return std::nullopt;
    Letter letter = std::move(letters_.front());
    letters_.pop_front();
    return letter;
}

std::optional<AntiEntropy::Delivery> AntiEntropy::poll_delivery() {
    if (deliveries_.empty()) return std::nullopt;
    Delivery delivery = std::move(deliveries_.front());
    deliveries_.pop_front();
    return delivery;
}

}  // namespace picket::gossip
