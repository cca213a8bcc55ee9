// The table of check types: what each is called, its keys and its defaults.
//
// A type is a struct of what it asks (NAME.h), its keys (NAME.cpp), one row here
// and, for the probe that asks it, one row in checks/probes/kinds.cpp.

#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "checks/definition.h"
#include "checks/definition_keys.h"

namespace picket::checks {

// Reports a fault of the check as a whole, at the key that is to blame.
using Complain = std::function<void(std::string_view key, const std::string& message)>;

struct TypeEntry {
    Type type;
    std::span<const Key> keys;
    Query (*query)();  // Before any key was read.
    Scope scope = Scope::mesh;
    // What no key alone can get wrong; null: nothing.
    void (*check)(const Definition& definition, const Complain& complain) = nullptr;
};

// One of each type, in the order of the documentation.
std::span<const TypeEntry* const> type_entries();

// Asks the definition's type what is wrong with it as a whole.
void check_whole_query(const Definition& definition, const Complain& complain);

}  // namespace picket::checks
