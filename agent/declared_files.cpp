#include "agent/declared_files.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "agent/base/limits.h"
#include "checks/canonical.h"
#include "gossip/spread/exchange.h"

namespace picket {
namespace {

using namespace std::chrono_literals;

// The parser refuses what cannot be declared; so many checks always go into one catalog, also
// where each has as many and as long labels as there may be.
static_assert(limits::selector_bytes_max <= gossip::selector_bytes_max);
static_assert(limits::label_value_bytes_max <= gossip::label_bytes_max);
static_assert(limits::checks_max * 8192 <= gossip::catalog_files_max / 2 * gossip::blob_bytes_max);

gossip::CheckKey mesh_key(checks::CheckKey key) {
    return gossip::CheckKey{static_cast<std::uint64_t>(key)};
}

gossip::Declaration declaration_of(const checks::Definition& definition) {
    gossip::Declaration declaration;
    declaration.name = definition.name;
    declaration.type = to_text(definition.type());
    declaration.check = mesh_key(checks::check_key(definition.name));
    declaration.fingerprint = gossip::Fingerprint{checks::probe_fingerprint(definition)};
    declaration.witnesses = static_cast<std::uint8_t>(
        definition.witnesses
            ? std::clamp<std::uint32_t>(*definition.witnesses, 1, gossip::panel_max)
            : gossip::Declaration::witnesses_all);
    declaration.quorum = static_cast<std::uint8_t>(
        std::min<std::uint32_t>(definition.quorum.value_or(0), gossip::panel_max));
    declaration.from = definition.from;
    declaration.interval_ms = static_cast<std::uint32_t>(definition.interval / 1ms);
    declaration.timeout_ms = static_cast<std::uint32_t>(definition.timeout / 1ms);
    for (const auto& label : definition.labels) {
        if (declaration.labels.size() < gossip::labels_max) declaration.labels.push_back(label);
    }
    return declaration;
}

gossip::PartitionPolicy policy_of(checks::OnPartition policy) {
    switch (policy) {
        case checks::OnPartition::local:
            return gossip::PartitionPolicy::local;
        case checks::OnPartition::page:
            return gossip::PartitionPolicy::page;
        case checks::OnPartition::freeze:
            break;
    }
    return gossip::PartitionPolicy::freeze;
}

gossip::OwnCheck own_check(const checks::Definition& definition, gossip::Fingerprint fingerprint) {
    gossip::OwnCheck own;
    own.fingerprint = fingerprint;
    own.fail_after = definition.fail_after;
    own.recover_after = definition.recover_after;
    own.on_partition = policy_of(definition.on_partition);
    if (const auto zone = definition.labels.find("zone"); zone != definition.labels.end()) {
        own.target_zone = zone->second;
    }
    return own;
}

std::uint64_t seconds_of(WallTime modified, WallTime wall) {
    const auto since = std::min(modified, wall).time_since_epoch();
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(std::chrono::floor<std::chrono::seconds>(since).count(), 0));
}

}  // namespace

void DeclaredFiles::set(const CheckTable::Rows& rows, const checks::Catalogue& catalogue,
                        WallTime wall) {
    files_.clear();
    own_.clear();
    for (const auto& [name, check] : rows) {
        if (!check.meshed()) continue;
        gossip::Declaration declaration = declaration_of(*check.definition);
        own_[declaration.check] = own_check(*check.definition, declaration.fingerprint);
        const checks::CatalogueEntry* entry = catalogue.find(name);
        File& file = files_[entry == nullptr ? std::string() : entry->file];
        if (entry != nullptr) file.modified = seconds_of(entry->modified, wall);
        file.declarations.push_back(std::move(declaration));
    }
    std::erase_if(disputed_, [this](const auto& each) { return !files_.contains(each.first); });
}

bool DeclaredFiles::review(Instant now, const gossip::Catalog& catalog) {
    const std::size_t before = disputed_.size();
    bool changed = false;
    for (const auto& [name, file] : files_) {
        const auto known = disputed_.find(name);
        const bool disputed =
            std::ranges::any_of(file.declarations, [&](const gossip::Declaration& declaration) {
                const gossip::Catalog::Entry* entry = catalog.find(declaration.check);
                if (entry == nullptr) return false;
                const auto& others = entry->others;
                const auto& terms = entry->terms;
                const bool differ = !others.empty() || !terms.empty();
                const bool tied =
                    (!others.empty() && others.front().carriers == entry->active.carriers) ||
                    (!terms.empty() && terms[0].carriers == terms[1].carriers);
                return differ && (tied || known != disputed_.end());
            });
        if (!disputed) continue;
        changed = disputed_.insert_or_assign(name, now).second || changed;
    }
    std::erase_if(disputed_, [now](const auto& each) { return now - each.second >= dispute_kept; });
    return changed || disputed_.size() < before;
}

std::vector<gossip::FileBlob> DeclaredFiles::blobs() const {
    std::vector<gossip::FileBlob> blobs;
    for (const auto& [name, file] : files_) {
        auto parts =
            gossip::parted({disputed_.contains(name) ? file.modified : 0, file.declarations});
        std::ranges::move(parts, std::back_inserter(blobs));
    }
    if (blobs.size() <= gossip::catalog_files_max) return blobs;
    gossip::FileBlob whole;
    for (const auto& [name, file] : files_) {
        whole.declarations.insert(whole.declarations.end(), file.declarations.begin(),
                                  file.declarations.end());
    }
    return gossip::parted(std::move(whole));
}

}  // namespace picket
