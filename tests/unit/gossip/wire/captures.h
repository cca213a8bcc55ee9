// Captured traffic of real agents (captures/*.txt): one line per datagram, or per
// direction of a stream, as `packet|dialler|acceptor HEX what+it+holds`, after
// the base64 keys as `key BASE64`. Comments begin with '#'.

#pragma once

#include <doctest/doctest.h>

#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/wire/seal.h"

namespace picket::gossip::wire {

struct Capture {
    std::string kind;
    std::string bytes;
    std::string holds;  // "compress+compound+alive+alive crc"
};

struct CaptureFile {
    std::string name;
    KeyRing keys;
    std::vector<Capture> captures;
};

inline std::string from_hex(std::string_view hex) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
    }
    return bytes;
}

inline void add_key(std::string_view base64, KeyRing& keys) {
    const Result<Key> key = Key::parse_base64(base64);
    REQUIRE(key.has_value());
    REQUIRE(keys.add(*key, NonceSequence({})).has_value());
}

inline CaptureFile load_captures(const std::string& name) {
    CaptureFile file{name, KeyRing(), {}};
    std::ifstream stream("tests/unit/gossip/wire/captures/" + name + ".txt");
    REQUIRE(stream.is_open());
    std::string line;
    while (std::getline(stream, line)) {
        if (line.starts_with('#')) continue;
        std::istringstream words(line);
        Capture capture;
        std::string hex;
        words >> capture.kind >> hex;
        if (capture.kind == "key") {
            add_key(hex, file.keys);
            continue;
        }
        capture.bytes = from_hex(hex);
        std::getline(words >> std::ws, capture.holds);
        file.captures.push_back(std::move(capture));
    }
    REQUIRE(file.captures.size() > 100);
    return file;
}

inline constexpr std::array<const char*, 4> capture_names{"lan_plain", "lan_plain_nocompress",
                                                          "lan_encrypted", "wan_plain"};

}  // namespace picket::gossip::wire
