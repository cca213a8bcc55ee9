// The text of a drop-in file becomes check definitions, or problems.
//
// A file is taken as a whole or not at all: where anything in it is wrong there
// are problems and no definitions, but still the names of the checks that it
// meant to define, as far as they can be read. All faults of a file are told, not
// only the first, except that a text that is not TOML is read no further than
// there. Pure: secrets come through the reader that is handed in.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/base/problem.h"
#include "checks/definition.h"
#include "checks/substitution.h"
#include "checks/value.h"

namespace picket::checks {

struct ParseContext {
    std::string agent;    // This agent's name, for checks of the host scope.
    SecretReader reader;  // What substitutions read from.
};

// A check that a file means to define.
struct NamedCheck {
    std::string name;  // As Definition::name.
    Type type = Type::http;
    Scope scope = Scope::mesh;
    Position position;
};

struct ParsedFile {
    std::vector<Definition> definitions;  // By their place in the file; none if there is a problem.
    std::vector<Problem> problems;
    std::vector<NamedCheck> names;  // By their place in the file, also of faulty checks.
};

ParsedFile parse_definitions(std::string_view text, std::string_view file,
                             const ParseContext& context);

// A whole TOML file as one table, for whoever reads keys of another kind. The
// text is bounded (toml_bounds.h) before it is parsed; at most one problem.
struct Document {
    Value root;
    std::vector<Problem> problems;
};

Document read_document(std::string_view text, std::string_view file);

}  // namespace picket::checks
