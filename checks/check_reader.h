// Reading the tables of one file, TOML no longer: [defaults] and [TYPE.NAME].

#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/problem.h"
#include "checks/definition_keys.h"
#include "checks/definition_parser.h"
#include "checks/types/table.h"
#include "checks/value.h"

namespace picket::checks {

class CheckReader {
public:
    // Both must outlive the reader.
    CheckReader(const ParseContext& context, ProblemList& problems)
        : context_(context), problems_(problems) {}

    // Reads a whole file: definitions are of use only while there is no problem.
    void read_file(Value root);

    std::vector<Definition> take_definitions() { return std::move(definitions_); }
    std::vector<NamedCheck> take_names() { return std::move(names_); }

private:
    using Positions = std::map<std::string_view, Position>;

    void read_defaults(Member& table);
    void read_type(Member& table);
    void read_check(Type type, Member& table);
    void apply_defaults(Definition& definition, Positions& positions);
    void read_keys(Type type, const std::string& prefix, Member& table, Definition& definition,
                   Positions& positions);
    void check_whole(const Definition& definition, const std::string& prefix,
                     const Positions& positions);
    static void check_times(const Definition& definition, const Positions& positions,
                            const Complain& complain);
    bool report_unquoted_name(std::string_view type, const Member& table);

    // Replaces the substitutions in `value` and everything within it; false, and a
    // problem, where one cannot be.
    bool substitute_all(Value& value, const std::string& key, std::vector<std::string>& secrets);

    const ParseContext& context_;
    ProblemList& problems_;
    std::vector<Member> defaults_;  // Substituted, and without a fault.
    std::vector<std::string> default_secrets_;
    std::vector<Definition> definitions_;
    std::vector<NamedCheck> names_;
    std::set<std::string, std::less<>> seen_;
};

}  // namespace picket::checks
