#include "gossip/spread/ids.h"

#include <doctest/doctest.h>

#include "agent/base/digest.h"
#include "checks/definition.h"

namespace picket::gossip {
namespace {

TEST_CASE("an agent's id is worked out from its name alone") {
    CHECK(static_cast<std::uint64_t>(agent_id("a1")) == short_digest("agent1", "a1"));
    CHECK(agent_id("a1") == agent_id("a1"));
    CHECK(agent_id("a1") != agent_id("a2"));
}

TEST_CASE("the mesh and the checks know a check by the same key") {
    const auto known_to_checks = static_cast<std::uint64_t>(checks::check_key("homepage"));
    CHECK(static_cast<std::uint64_t>(check_key("homepage")) == known_to_checks);
}

TEST_CASE("equal blobs have one hash, which reads as hexadecimal") {
    CHECK(blob_hash("abc") == blob_hash("abc"));
    CHECK(blob_hash("abc") != blob_hash("abd"));
    CHECK(to_hex(blob_hash("abc")) == "ba7816bf8f01cfea414140de5dae2223");  // FIPS 180-2, B.1
    CHECK(BlobHash{}.none());
}

}  // namespace
}  // namespace picket::gossip
