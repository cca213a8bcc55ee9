// ExportTarget: where exported history goes, in a form that other programs read.
//
// Check by check; of each one its outcomes and gaps as they came about, its hours, its
// transitions and its outages. An Error ends the export.

#pragma once

#include <string>

#include "agent/base/result.h"
#include "storage/records.h"

namespace picket::storage {

class ExportTarget {
public:
    virtual ~ExportTarget() = default;

    // What follows is about this check.
    virtual Status check(const std::string& name) = 0;
    virtual Status outcome(const OutcomeRecord& outcome) = 0;
    virtual Status gap(const Gap& gap) = 0;
    virtual Status hour(const RollupPoint& hour) = 0;
    virtual Status transition(const Transition& transition) = 0;
    virtual Status outage(const Outage& outage) = 0;
    // That was all. Not called where the export failed.
    virtual Status finish() = 0;
};

}  // namespace picket::storage
