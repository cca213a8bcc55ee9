// The key ring on disk: where an agent's gossip keys come from.
//
// The seed is the file that gossip.keyring names, kept by people. The first rotation
// writes the live ring, `keyring` in the state directory, and from then on that counts:
// an agent that restarts must not fall back to keys that the mesh has given up.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/config.h"
#include "gossip/wire/seal.h"

namespace picket {

struct LoadedKeys {
    std::vector<gossip::wire::Key> keys;  // Primary first; none: nothing is encrypted.
    std::string origin;                   // Which file they came from, or why there is none.
    std::vector<std::string> problems;    // For `status`.
};

// Blocking, on small files. No file at the default place is a ring without keys; a
// seed that was named and is not there, or a file that cannot be read, is an error.
Result<LoadedKeys> load_keys(const GossipConfig& gossip, const std::string& state_dir);

std::string live_ring_path(const std::string& state_dir);

// One key a line, primary first, as load_keys reads it.
std::string keyring_text(std::span<const gossip::wire::Key> keys);

// A prefix that was never used before, as each boot and each key needs one.
gossip::wire::NonceSequence fresh_nonces();

gossip::wire::KeyRing make_ring(std::span<const gossip::wire::Key> keys);

}  // namespace picket
