#include "gossip/wire/fault.h"

#include <array>

namespace picket::gossip::wire {

std::string_view to_text(Fault fault) {
    static constexpr std::array<std::string_view, fault_count> texts{
        "ends too early",
        "is empty",
        "unknown message type",
        "is not a msgpack map",
        "has more values than any message",
        "a field holds another kind of value",
        "a number is out of its range",
        "a field is longer than its limit",
        "a member without a name",
        "an address that is neither IPv4 nor IPv6",
        "versions that are not six",
        "nested too deep",
        "more messages than one packet may hold",
        "unknown compression",
        "corrupt compression",
        "too large once decompressed",
        "checksum does not match",
        "label of another mesh",
        "not encrypted",
        "encrypted, but no key is configured",
        "unknown encryption version",
        "no key opens it",
        "bad padding",
        "announces more than the limit",
        "is not a msgpack array of enough fields",
        "a version that is not known here",
    };
    return texts[static_cast<std::size_t>(fault)];
}

}  // namespace picket::gossip::wire
