#include "agent/base/digest.h"

#include <doctest/doctest.h>

namespace picket {
namespace {

TEST_CASE("SHA-256 gives the answer of FIPS 180-2, B.1") {
    const Sha256 digest = sha256("abc");
    CHECK(digest[0] == 0xba);
    CHECK(digest[31] == 0xad);
}

TEST_CASE("a short digest keeps its domain apart from its text") {
    CHECK(short_digest("ck1", "a") != short_digest("agent1", "a"));
    CHECK(short_digest("ck1", "a") != short_digest("ck", "1a"));
    CHECK(to_hex(0xabcu) == "0000000000000abc");
}

}  // namespace
}  // namespace picket
