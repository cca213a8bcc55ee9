// As many real agents as one machine is asked for.

#include <doctest/doctest.h>

#include "tests/support/test_mesh.h"

namespace picket::testing {
namespace {

TEST_CASE("thirty agents started at once are one mesh") {
    TestMesh mesh(30, "profile = \"lan\"\n");
    for (std::size_t i = 0; i < mesh.size(); ++i) mesh.start(i);
    mesh.await_alive(30);
}

}  // namespace
}  // namespace picket::testing
