// Real agents find each other on 127.0.0.x, and see each other come and go.

#include <doctest/doctest.h>

#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

TEST_CASE("two agents find each other, and both list both") {
    TestMesh mesh(2);
    mesh.start();
    for (std::size_t i = 0; i < 2; ++i) {
        const Json members = mesh.agent(i).json({"members"})["members"];
        REQUIRE(members.size() == 2);
        CHECK(members[0]["name"] == "a1");
        CHECK(members[0]["address"] == "127.0.0.1:7946");
        CHECK(members[0]["zone"] == "z1");
        CHECK(members[0]["picket"] == true);
        CHECK(members[1]["name"] == "a2");
        CHECK(members[1]["address"] == "127.0.0.2:7946");
        CHECK(members[1]["state"] == "alive");
    }
    const Json status = mesh.agent(0).json({"status"});
    CHECK(status["mesh"]["alive"] == 2);
    CHECK(status["mesh"]["quorum"] == true);
    CHECK(status["agent"]["problems"].empty());
}

}  // namespace
}  // namespace picket::testing
