#include "gossip/serf_relay.h"

#include <array>
#include <cstdint>
#include <functional>

#include "gossip/wire/msgpack_map.h"

namespace picket::gossip {
namespace {

// The kinds that Serf's agents tell on; the others go from one to one.
enum class Kind : std::uint8_t { leave = 0, join = 1, user_event = 3, query = 4 };

bool told_on(std::uint8_t kind) {
    switch (static_cast<Kind>(kind)) {
        case Kind::leave:
        case Kind::join:
        case Kind::user_event:
        case Kind::query:
            return true;
    }
    return false;
}

// One of those, and nothing but one map with the types that Serf expects
// (memberlist.md, section 14).
bool whole(std::string_view payload) {
    if (payload.empty() || !told_on(static_cast<std::uint8_t>(payload.front()))) return false;
    std::uint64_t time = 0;
    std::string_view node;
    std::string_view name;
    std::string_view bytes;
    std::string_view address;
    std::string_view source;
    std::uint32_t flags = 0;
    std::uint32_t id = 0;
    std::uint16_t port = 0;
    std::uint8_t relay_factor = 0;
    std::uint64_t timeout = 0;
    bool prune = false;
    bool coalesce = false;
    const std::array fields{wire::Field{"Addr", &address},
                            wire::Field{"CC", &coalesce},
                            wire::Field{"Flags", &flags},
                            wire::Field{"ID", &id},
                            wire::Field{"LTime", &time},
                            wire::Field{"Name", &name},
                            wire::Field{"Node", &node},
                            wire::Field{"Payload", &bytes},
                            wire::Field{"Port", &port},
                            wire::Field{"Prune", &prune},
                            wire::Field{"RelayFactor", &relay_factor},
                            wire::Field{"SourceNode", &source},
                            wire::Field{"Timeout", &timeout}};
    const std::string_view map = payload.substr(1);
    const wire::Decoded<std::size_t> taken = wire::read_map(map, fields);
    return taken.has_value() && *taken == map.size() && !(node.empty() && name.empty());
}

}  // namespace

bool SerfRelay::take(Instant now, std::string_view payload) {
    if (!whole(payload)) return false;
    const std::size_t hash = std::hash<std::string_view>()(payload);
    if (known_.contains(hash) || !allowance_.take(now)) return false;
    if (order_.size() >= remembered_max) {
        known_.erase(order_.front());
        order_.pop_front();
    }
    known_.insert(hash);
    order_.push_back(hash);
    return true;
}

}  // namespace picket::gossip
