// DeclaredFiles: this agent's definitions as it declares them to the mesh, by file.
//
// What hosts with the same definitions declare is the same, and is kept once: when each of them
// got its files does not show. Only where agents differ in a definition and neither has more
// carriers does the newer file win: then, and for a while after they agree again, the files in
// dispute say when they were modified.
//
// Pure.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "agent/check_table.h"
#include "checks/catalogue.h"
#include "gossip/accord.h"

namespace picket {

class DeclaredFiles {
public:
    // A file that changes cannot be seen for a while by agents that must fetch it first.
    static constexpr Duration dispute_kept = std::chrono::minutes(1);

    // The definitions in force are these now. Files from the future are as old as `wall`.
    void set(const CheckTable::Rows& rows, const checks::Catalogue& catalogue, WallTime wall);

    // Whether blobs() are others now, as the mesh's catalog is this.
    bool review(Instant now, const gossip::Catalog& catalog);

    // Within the limits of what can be declared: a file of too much is several, and of too many
    // files all are declared as one. Then a dispute is not decided by when they were modified.
    std::vector<gossip::FileBlob> blobs() const;
    const std::map<gossip::CheckKey, gossip::OwnCheck>& own() const { return own_; }

private:
    struct File {
        std::vector<gossip::Declaration> declarations{};
        std::uint64_t modified = 0;  // Seconds since 1970.
    };
    std::map<std::string, File> files_;
    std::map<gossip::CheckKey, gossip::OwnCheck> own_;
    std::map<std::string, Instant> disputed_;  // And when they were last seen to be.
};

}  // namespace picket
