// CheckTable: the checks that this agent carries, as they run.
//
// One row for each entry of the catalogue: its definition, and the witness that
// judges it, unless the mesh does. A reload is applied as a difference: a row whose
// definition did not change keeps its witness untouched; a changed one gets a new witness
// that continues from the old one's verdict, because a verdict belongs to the name; a row
// known by name only has a problem and nothing that runs.

#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agent/recent_hour.h"
#include "agent/witness.h"
#include "checks/catalogue.h"
#include "storage/load.h"

namespace picket {

// What this agent itself saw of a check lately.
struct Sightings {
    std::optional<checks::Run> last;
    RecentHour hour;

    void add(const checks::Run& run) {
        last = run;
        hour.add(run.started_at, run.outcome.finding, run.outcome.latency);
    }
};

struct CarriedCheck {
    checks::CheckKey key{};
    std::string name;        // In the mesh: "root@web-03".
    std::string short_name;  // As in the file: "root".
    checks::Type type = checks::Type::http;
    checks::Scope scope = checks::Scope::mesh;
    const checks::Definition* definition = nullptr;  // Null: known by name only.
    bool in_use = false;                             // There is a definition that is asked.
    std::optional<Witness> witness;  // Of one in use that is judged here, not by the mesh.
    Sightings seen;
    std::string problem;                           // Why it is not as its file says; empty: it is.
    gossip::State shown = gossip::State::pending;  // As the last event said.

    bool runs() const { return in_use; }
    bool meshed() const { return in_use && !witness.has_value(); }
};

// "root" for "root@web-03".
std::string_view name_in_file(std::string_view name);

class CheckTable {
public:
    // `in_mesh`: checks of mesh scope are judged by the mesh.
    explicit CheckTable(bool in_mesh = false) : in_mesh_(in_mesh) {}

    using Rows = std::map<std::string, CarriedCheck, std::less<>>;

    // A check that was asked and is no more: from now on nobody observes it.
    struct Ended {
        std::string name;
        checks::Type type;
        std::string reason;
    };

    // What was judged here and is not any more. Its outage ends with that, and the number of
    // the next one is another.
    struct LetGo {
        storage::Transition verdict;
        storage::Outage outage;
    };

    // What the runner, and history, have to do about a load.
    struct Changes {
        std::vector<checks::CheckKey> stop;
        std::vector<checks::CheckKey> start;
        std::vector<Ended> ended;
        std::vector<LetGo> let_go;
    };

    // Brings the rows in line with the catalogue. The definitions in it must live
    // until the next apply() has returned and its `stop` was carried out.
    Changes apply(const checks::Catalogue& catalogue, const checks::CatalogueDiff& diff,
                  Instant now, WallTime wall);

    // Takes over what was stored, where it is newer than what is known: at the
    // start, and when a store could be opened late.
    void restore(const storage::Loaded& loaded, Instant now);

    // Outages that are stored as open, of checks that were judged here and are defined no more.
    std::vector<LetGo> let_go_meanwhile(const storage::Loaded& loaded, WallTime wall);

    const Rows& rows() const { return rows_; }
    CarriedCheck& at(checks::CheckKey key) { return *by_key_.at(key); }
    CarriedCheck* find(checks::CheckKey key);  // Null where there is none.

    // By the name in the mesh, or as in the file. Null where there is none.
    const CarriedCheck* find(std::string_view name) const;

private:
    void judge_here(CarriedCheck& carried, Instant now);
    void let_go(const CarriedCheck& carried, std::string_view why, WallTime wall, Changes& changes);
    LetGo end(storage::Outage outage, std::string_view why, WallTime wall);

    bool in_mesh_;
    Rows rows_;
    std::unordered_map<checks::CheckKey, CarriedCheck*> by_key_;
    // Verdicts of names that are not carried now: a check that comes back goes on
    // from where it was.
    std::map<std::string, storage::Transition, std::less<>> stored_;
};

}  // namespace picket
