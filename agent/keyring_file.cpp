#include "agent/keyring_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/base/assert.h"
#include "agent/io/entropy.h"
#include "agent/io/read_file.h"

namespace picket {
namespace {

using gossip::wire::Key;

constexpr std::size_t keyring_bytes_max = 16UL * 1024;

Result<std::vector<Key>> read_keys(const std::string& path) {
    auto file = io::read_file(path, keyring_bytes_max);
    if (!file) return tl::make_unexpected(std::move(file).error().within(path));
    auto keys = gossip::wire::parse_keyring(file->text);
    if (!keys) return tl::make_unexpected(std::move(keys).error().within(path));
    return keys;
}

bool absent(const Error& error) {
    return error.code() == Code::not_found;
}

void look_at_mode(const std::string& path, LoadedKeys& loaded) {
    std::error_code ignored;
    const auto mode = std::filesystem::status(path, ignored).permissions();
    using std::filesystem::perms;
    if ((mode & perms::others_read) == perms::none) return;
    loaded.problems.push_back(
        fmt::format("{} can be read by everyone on this host: chmod 0640 {}", path, path));
}

}  // namespace

std::string live_ring_path(const std::string& state_dir) {
    return state_dir + "/keyring";
}

Result<LoadedKeys> load_keys(const GossipConfig& gossip, const std::string& state_dir) {
    LoadedKeys loaded;
    auto seed = read_keys(gossip.keyring);
    const bool no_seed = !seed.has_value() && absent(seed.error());
    auto live = read_keys(live_ring_path(state_dir));
    if (live.has_value()) {
        loaded.keys = *std::move(live);
        loaded.origin = live_ring_path(state_dir);
        look_at_mode(loaded.origin, loaded);
        const bool outdated = seed.has_value() && !seed->empty() &&
                              std::ranges::find(loaded.keys, seed->front()) == loaded.keys.end();
        if (outdated) {
            loaded.problems.push_back(fmt::format(
                "the first key of {} is not in the live ring {}, which rotations have made and "
                "which counts: bring the former up to date, or remove the latter and restart",
                gossip.keyring, loaded.origin));
        }
        return loaded;
    }
    if (!absent(live.error())) return tl::make_unexpected(live.error());
    if (no_seed && gossip.keyring == GossipConfig{}.keyring) {
        loaded.origin = seed.error().message();
        return loaded;
    }
    if (!seed.has_value())
        return tl::make_unexpected(std::move(seed).error().within("gossip keys"));
    loaded.keys = *std::move(seed);
    loaded.origin = gossip.keyring;
    if (loaded.keys.empty()) loaded.origin += ": holds no key";
    look_at_mode(gossip.keyring, loaded);
    return loaded;
}

std::string keyring_text(std::span<const Key> keys) {
    std::string text = "# The live key ring of this agent, primary first. picket writes it.\n";
    for (const Key& key : keys) text += key.to_base64() + "\n";
    return text;
}

gossip::wire::NonceSequence fresh_nonces() {
    const std::uint64_t random = io::random_seed();
    gossip::wire::NonceSequence::Prefix prefix{};
    for (std::size_t i = 0; i < prefix.size(); ++i) {
        prefix[i] = static_cast<std::uint8_t>(random >> (8 * i));
    }
    return gossip::wire::NonceSequence(prefix);
}

gossip::wire::KeyRing make_ring(std::span<const Key> keys) {
    gossip::wire::KeyRing ring;
    for (const Key& key : keys) {
        // parse_keyring admits no more keys than a ring holds.
        PICKET_ASSERT(ring.add(key, fresh_nonces()).has_value());
    }
    return ring;
}

}  // namespace picket
