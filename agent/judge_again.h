// Judging again: what a definition's limits make of an outcome that is stored.
//
// * An answer later than `timeout` is a time-out.
// * Thresholds are held against the figures that the message tells (told_figures.h): one that is
//   broken fails what passed; what failed for one passes where it is kept now.
// * A right answer that is later than `latency` fails, one that failed for being late passes.
// * `expect_failure` turns the finding round, or no longer does.
//
// All else about an outcome stays as it was found. So does what nothing stored decides: an
// attempt that timed out sooner than the definition would have it, a figure that no message
// tells, a limit within what a message rounds away. The keys of such limits are told.
//
// Pure.

#pragma once

#include <string_view>
#include <vector>

#include "checks/definition.h"
#include "checks/outcome.h"
#include "storage/records.h"

namespace picket {

struct JudgedAgain {
    checks::Outcome outcome;
    std::vector<std::string_view> untold;  // Keys that the outcome could not be held against.
};

class JudgeAgain {
public:
    // The definition must outlive it.
    explicit JudgeAgain(const checks::Definition& definition);

    JudgedAgain judge(const storage::OutcomeRecord& stored) const;

private:
    const checks::Definition& definition_;
    std::vector<std::string_view> never_told_;  // Those of its limits that no message tells.
};

}  // namespace picket
