// The exhaustive small model (agreement_model.h): what holds in every order of events; and
// each rule taken away, which it must find.

#include "tests/sim/agreement_model.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace picket::testing {
namespace {

AgreementModel explored(Without without) {
    AgreementModel model(without);
    model.explore();
    return model;
}

TEST_CASE("in every order of events of a small mesh S1 to S3 hold") {
    const AgreementModel model = explored(Without::nothing);
    MESSAGE(fmt::format("{} states, {} versions", model.states(), model.versions()));
    CHECK(model.openings > 0);
    CHECK(model.rescopings > 0);
    CHECK(model.rivals > 0);
    CHECK(model.s1_broken == 0);
    CHECK(model.s2_broken == 0);
    CHECK(model.s3_broken == 0);
    CHECK(model.apart == 0);
}

TEST_CASE("without the epoch in votes the small model finds an outage that nobody saw") {
    CHECK(explored(Without::epochs_of_votes).s1_broken > 0);
}

TEST_CASE("without acceptance the small model finds an outage that one peer made up") {
    CHECK(explored(Without::acceptance).s1_broken > 0);
}

TEST_CASE("where the last to arrive is held, the small model finds a version that goes back") {
    CHECK(explored(Without::order).s2_broken > 0);
}

TEST_CASE("where the first of equals stays, the small model finds scribes that never agree") {
    CHECK(explored(Without::tie).apart > 0);
}

TEST_CASE("sent before it is on disk, the small model finds a version that a crash takes back") {
    CHECK(explored(Without::disk).s2_broken > 0);
}

}  // namespace
}  // namespace picket::testing
