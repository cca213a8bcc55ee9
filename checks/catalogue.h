// Catalogue: the checks in force, and what is wrong with those that are not.
//
// A load takes all drop-in files at once and is atomic: it makes the next
// catalogue out of the previous one and the files, or leaves no trace. A file
// with a problem changes nothing: the last good version of its checks stays in
// force, marked stale with the problem. Where there never was one (a cold start)
// its checks are known by name, without a definition.
//
// A name belongs to one file: of two files with one name the first by file name
// keeps it and the later file is refused as a whole. At limits::checks_max the
// file that would pass it is refused, and so on by name.
//
// A definition that did not change keeps its address from load to load, so that
// what runs may refer to it; one that is no longer in force lives as long as the
// catalogue that held it, or its `retired` list. Pure, and linear in the text.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/drop_in_file.h"
#include "agent/base/problem.h"
#include "checks/definition.h"
#include "checks/definition_parser.h"

namespace picket::checks {

struct CatalogueEntry {
    std::string name;
    Type type = Type::http;
    Scope scope = Scope::mesh;
    std::string file;                        // The drop-in file's name, without directory.
    std::unique_ptr<Definition> definition;  // Null: known by name only.
    // Why the file's newest version is not in force, as a line of `validate`; empty:
    // it is.
    std::string problem;
    WallTime modified{};  // When the file was, in the version that is in force.
};

class Catalogue {
public:
    using Entries = std::map<std::string, CatalogueEntry, std::less<>>;

    // By name.
    const Entries& entries() const { return entries_; }
    const CatalogueEntry* find(std::string_view name) const;

    // Everything wrong with the files of the last load, in the files' order.
    const std::vector<Problem>& problems() const { return problems_; }

private:
    friend class CatalogueLoad;

    Entries entries_;
    std::vector<Problem> problems_;
};

// What a load changed, each by name and in order. Entries without a definition
// are in none of these.
struct CatalogueDiff {
    std::vector<std::string> added;
    std::vector<std::string> changed;
    std::vector<std::string> removed;
    std::size_t unchanged = 0;
};

struct CatalogueLoaded {
    Catalogue next;
    CatalogueDiff diff;
    // Definitions that changed or were removed. Keep them until nothing refers to
    // them any more.
    std::vector<std::unique_ptr<Definition>> retired;
};

// `files` as effective_files() returns them. `previous` is used up.
CatalogueLoaded load_catalogue(Catalogue previous, const std::vector<DropInFile>& files,
                               const ParseContext& context);

// Problems of a load are kept up to here; one more line says how many there were.
constexpr std::size_t catalogue_problems_max = 1000;

}  // namespace picket::checks
