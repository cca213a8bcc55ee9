// The exhaustive small model (agreement_model.h): what holds in every order of events; and
// each rule taken away, which it must find.

#include "tests/sim/agreement_model.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace picket::testing {
namespace {

TEST_CASE("in every order of events of a small mesh S1 to S3 hold") {
    AgreementModel model(Without::nothing);
    model.explore();
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
    AgreementModel model(Without::epochs_of_votes);
    model.explore();
    CHECK(model.s1_broken > 0);
}

TEST_CASE("without acceptance the small model finds an outage that one peer made up") {
    AgreementModel model(Without::acceptance);
    model.explore();
    CHECK(model.s1_broken > 0);
}

TEST_CASE("where the last to arrive is held, the small model finds a version that goes back") {
    AgreementModel model(Without::order);
    model.explore();
    CHECK(model.s2_broken > 0);
}

TEST_CASE("where the first of equals stays, the small model finds scribes that never agree") {
    AgreementModel model(Without::tie);
    model.explore();
    CHECK(model.apart > 0);
}

TEST_CASE("sent before it is on disk, the small model finds a version that a crash takes back") {
    AgreementModel model(Without::disk);
    model.explore();
    CHECK(model.s2_broken > 0);
}

}  // namespace
}  // namespace picket::testing
