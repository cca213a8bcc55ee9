#include "checks/catalogue.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/limits.h"

namespace picket::checks {

const CatalogueEntry* Catalogue::find(std::string_view name) const {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : &found->second;
}

// One load, file by file, in the files' order.
class CatalogueLoad {
public:
    CatalogueLoad(Catalogue previous, const ParseContext& context)
        : previous_(std::move(previous)), context_(context) {
        for (const auto& [name, entry] : previous_.entries_) by_file_[entry.file].push_back(name);
    }

    void take(const DropInFile& file) {
        if (!file.fault.empty()) {
            return refuse(file, {}, {{file.path, {}, {}, file.fault}});
        }
        ParsedFile parsed = parse_definitions(file.text, file.path, context_);
        std::vector<Problem> problems = std::move(parsed.problems);
        if (problems.empty()) problems = conflicts(file, parsed.definitions);
        if (!problems.empty()) return refuse(file, parsed.names, std::move(problems));
        for (Definition& definition : parsed.definitions) put(file, std::move(definition));
    }

    CatalogueLoaded finish() && {
        for (auto& [name, entry] : previous_.entries_) {
            if (!entry.definition || next_.entries_.contains(name)) continue;
            result_.diff.removed.push_back(name);
            result_.retired.push_back(std::move(entry.definition));
        }
        std::ranges::sort(result_.diff.added);
        std::ranges::sort(result_.diff.changed);
        if (problems_left_out_ > 0) {
            Problem last = next_.problems_.back();
            last.message = fmt::format("{} more problems are not shown", problems_left_out_);
            last.key.clear();
            next_.problems_.push_back(std::move(last));
        }
        result_.next = std::move(next_);
        return std::move(result_);
    }

private:
    // What stands against a file that is right in itself.
    std::vector<Problem> conflicts(const DropInFile& file,
                                   const std::vector<Definition>& definitions) const {
        ProblemList problems(file.path);
        for (const Definition& definition : definitions) {
            const CatalogueEntry* holder = next_.find(definition.name);
            if (holder == nullptr) continue;
            problems.add(
                {definition.origin.line, definition.origin.column},
                fmt::format("{}.{}", to_text(definition.type()), definition.name),
                fmt::format("the name is taken by {}; this file is refused", holder->file));
        }
        if (next_.entries_.size() + definitions.size() > limits::checks_max) {
            problems.add({}, {},
                         fmt::format("an agent carries at most {} checks; this file, which "
                                     "has {}, is refused",
                                     limits::checks_max, definitions.size()));
        }
        return std::move(problems).take();
    }

    // Keeps the last good version of the file's checks, or at least their names.
    void refuse(const DropInFile& file, const std::vector<NamedCheck>& names,
                std::vector<Problem> problems) {
        const std::string why = to_text(problems.front());
        for (Problem& problem : problems) report(std::move(problem));
        bool had_version = false;
        if (const auto kept = by_file_.find(file.name); kept != by_file_.end()) {
            for (const std::string& name : kept->second) {
                had_version = keep(name, why, names.empty()) || had_version;
            }
        }
        if (had_version) return;
        for (const NamedCheck& named : names) {
            if (next_.entries_.size() >= limits::checks_max) return;
            CatalogueEntry entry{named.name, named.type, named.scope, file.name, nullptr, why, {}};
            next_.entries_.try_emplace(named.name, std::move(entry));
        }
    }

    // Keeps `name`, unless another file took it first. False where it has no
    // definition and the file's newest version has names of its own to offer.
    bool keep(const std::string& name, const std::string& why, bool nameless) {
        CatalogueEntry& entry = previous_.entries_.find(name)->second;
        if (!entry.definition && !nameless) return false;
        if (next_.entries_.contains(name) || next_.entries_.size() >= limits::checks_max) {
            return true;
        }
        entry.problem = why;
        if (entry.definition) ++result_.diff.unchanged;
        next_.entries_.emplace(name, std::move(entry));
        return true;
    }

    void put(const DropInFile& file, Definition definition) {
        const std::string name = definition.name;
        CatalogueEntry entry{name, definition.type(), definition.scope, file.name, nullptr,
                             {},   file.modified};
        const auto found = previous_.entries_.find(name);
        const bool known = found != previous_.entries_.end() && found->second.definition;
        if (known && same_definition(*found->second.definition, definition)) {
            entry.definition = std::move(found->second.definition);
            entry.definition->origin = std::move(definition.origin);
            ++result_.diff.unchanged;
        } else {
            entry.definition = std::make_unique<Definition>(std::move(definition));
            (known ? result_.diff.changed : result_.diff.added).push_back(name);
            if (known) result_.retired.push_back(std::move(found->second.definition));
        }
        next_.entries_.emplace(name, std::move(entry));
    }

    void report(Problem problem) {
        if (next_.problems_.size() < catalogue_problems_max) {
            next_.problems_.push_back(std::move(problem));
        } else {
            ++problems_left_out_;
        }
    }

    Catalogue previous_;
    const ParseContext& context_;
    std::map<std::string, std::vector<std::string>, std::less<>> by_file_;
    Catalogue next_;
    CatalogueLoaded result_;
    std::size_t problems_left_out_ = 0;
};

CatalogueLoaded load_catalogue(Catalogue previous, const std::vector<DropInFile>& files,
                               const ParseContext& context) {
    CatalogueLoad load(std::move(previous), context);
    for (const DropInFile& file : files) load.take(file);
    return std::move(load).finish();
}

}  // namespace picket::checks
