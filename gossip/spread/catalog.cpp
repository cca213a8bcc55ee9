#include "gossip/spread/catalog.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <ranges>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "agent/base/assert.h"

namespace picket::gossip {
namespace {

constexpr Duration sweep_interval = std::chrono::minutes(10);

// All that the mesh goes by and that is no part of the question. Labels are for people, and
// may be each host's own.
using Terms = std::tuple<std::uint8_t, std::uint8_t, std::uint32_t, std::uint32_t, std::string_view,
                         std::string_view>;

Terms terms_of(const Declaration& declaration) {
    return {declaration.quorum,     declaration.witnesses, declaration.interval_ms,
            declaration.timeout_ms, declaration.from,      declaration.type};
}

}  // namespace

Catalog::Catalog(AgentId self, std::uint64_t seed, Instant now)
    : self_(self), random_(seed), sweep_at_(now + sweep_interval) {}

BlobHash Catalog::set_own(Instant now, const std::vector<FileBlob>& files) {
    CatalogBlob catalog;
    for (const FileBlob& file : files) {
        if (file.declarations.empty()) continue;
        std::string bytes = encode(file);
        catalog.files.push_back(blob_hash(bytes));
        store(std::move(bytes));
    }
    std::ranges::sort(catalog.files);
    catalog.files.erase(std::unique(catalog.files.begin(), catalog.files.end()),
                        catalog.files.end());
    BlobHash hash;
    if (!catalog.files.empty()) {
        std::string bytes = encode(catalog);
        hash = blob_hash(bytes);
        store(std::move(bytes));
    }
    set_catalog(now, self_, hash);
    return hash;
}

void Catalog::set_catalog(Instant now, AgentId agent, const BlobHash& catalog) {
    const auto known = catalog_of_.find(static_cast<std::uint64_t>(agent));
    if (known != catalog_of_.end() && known->second == catalog) return;
    erase(now, agent);
    catalog_of_.emplace(static_cast<std::uint64_t>(agent), catalog);
    if (catalog.none()) return;
    auto& agents = announced_[catalog];
    agents.insert(std::ranges::lower_bound(agents, agent), agent);
    refresh_soon(now);
}

void Catalog::erase(Instant now, AgentId agent) {
    const auto known = catalog_of_.find(static_cast<std::uint64_t>(agent));
    if (known == catalog_of_.end()) return;
    const auto announced = announced_.find(known->second);
    catalog_of_.erase(known);
    if (announced == announced_.end()) return;
    std::erase(announced->second, agent);
    if (announced->second.empty()) announced_.erase(announced);
    refresh_soon(now);
}

void Catalog::refresh_soon(Instant now) {
    if (refresh_at_ == never) refresh_at_ = now + refresh_delay;
}

// ---- Content

bool Catalog::store(std::string bytes) {
    const BlobHash hash = blob_hash(bytes);
    if (blobs_.contains(hash)) return true;
    if (bytes_ + bytes.size() > bytes_max) {
        ++refused_;
        return false;
    }
    Blob blob;
    if (auto file = decode_file_blob(bytes); file.has_value()) {
        blob.file = *std::move(file);
    } else if (auto catalog = decode_catalog_blob(bytes); catalog.has_value()) {
        blob.catalog = *std::move(catalog);
    } else {
        ++malformed_;  // Held, so that it is not asked for again and again.
    }
    bytes_ += bytes.size();
    blob.bytes = std::move(bytes);
    blobs_.emplace(hash, std::move(blob));
    return true;
}

void Catalog::want(Instant now, const BlobHash& hash) {
    const auto delay = static_cast<std::uint64_t>(fetch_delay_max.count());
    wanted_.try_emplace(hash, Wanted{now + Duration(random_.below(delay)), self_});
}

// What is referenced is wanted or held; what is not is kept for a while.
void Catalog::update_references(Instant now) {
    std::set<BlobHash> referenced;
    for (const auto& [hash, agents] : announced_) {
        referenced.insert(hash);
        const auto blob = blobs_.find(hash);
        if (blob == blobs_.end() || !blob->second.catalog.has_value()) continue;
        referenced.insert(blob->second.catalog->files.begin(), blob->second.catalog->files.end());
    }
    std::erase_if(wanted_, [&](const auto& entry) { return !referenced.contains(entry.first); });
    for (const BlobHash& hash : referenced) {
        if (!blobs_.contains(hash)) want(now, hash);
    }
    for (auto& [hash, blob] : blobs_) {
        if (referenced.contains(hash)) {
            blob.unreferenced_since.reset();
        } else if (!blob.unreferenced_since.has_value()) {
            blob.unreferenced_since = now;
        }
    }
}

// Somebody who announced this catalog, or one that names this file.
std::optional<AgentId> Catalog::holder(const BlobHash& hash, AgentId other_than) {
    std::vector<AgentId> holders;
    for (const auto& [catalog, agents] : announced_) {
        const auto blob = blobs_.find(catalog);
        const bool names = blob != blobs_.end() && blob->second.catalog.has_value() &&
                           std::ranges::binary_search(blob->second.catalog->files, hash);
        if (catalog == hash || names) holders.insert(holders.end(), agents.begin(), agents.end());
    }
    std::erase(holders, self_);
    if (holders.size() > 1) std::erase(holders, other_than);
    if (holders.empty()) return std::nullopt;
    return holders[random_.below(holders.size())];
}

void Catalog::on_message(Instant, const BlobWantMessage& message) {
    BlobsMessage answer{self_, {}};
    std::size_t bytes = 0;
    for (const BlobHash& hash : message.hashes) {
        const auto blob = blobs_.find(hash);
        if (blob == blobs_.end()) continue;
        if (bytes + blob->second.bytes.size() > blob_bytes_max) break;  // Asked for again.
        bytes += blob->second.bytes.size();
        answer.blobs.push_back(blob->second.bytes);
    }
    if (!answer.blobs.empty()) letters_.push_back({message.from, std::move(answer)});
}

void Catalog::on_message(Instant now, const BlobsMessage& message) {
    bool any = false;
    for (const std::string& bytes : message.blobs) {
        const BlobHash hash = blob_hash(bytes);
        if (wanted_.erase(hash) == 0) {
            ++mismatched_;
        } else {
            any = store(bytes) || any;
        }
    }
    if (!any) return;
    refresh_soon(now);
    update_references(now);
    // More may have been left out for its size, and the files of a catalog come next: its
    // announcer answers already, so there is no need to wait.
    for (auto& [hash, wanted] : wanted_) {
        if (wanted.asked == message.from || wanted.asked == self_) wanted.ask_at = now;
    }
}

void Catalog::on_tick(Instant now) {
    if (now >= refresh_at_) {
        refresh_at_ = never;
        update_references(now);
        rebuild();
        changed_ = true;
    }
    std::map<AgentId, BlobWantMessage> asked;
    for (auto& [hash, wanted] : wanted_) {
        if (now < wanted.ask_at) continue;
        const auto peer = holder(hash, wanted.asked);
        if (!peer.has_value()) {
            wanted.ask_at = now + fetch_time_max;
            continue;
        }
        BlobWantMessage& question = asked[*peer];
        if (question.hashes.size() >= blobs_asked_max) continue;  // With the next tick.
        question.from = self_;
        question.hashes.push_back(hash);
        wanted.asked = *peer;
        wanted.ask_at = now + fetch_time_max;
    }
    for (auto& [peer, question] : asked) letters_.push_back({peer, std::move(question)});
    if (now < sweep_at_) return;
    sweep_at_ = now + sweep_interval;
    std::erase_if(blobs_, [&](const auto& entry) {
        const auto& since = entry.second.unreferenced_since;
        const bool over = since.has_value() && now - *since >= unreferenced_kept;
        if (over) bytes_ -= entry.second.bytes.size();
        return over;
    });
}

Instant Catalog::next_wakeup() const {
    Instant wakeup = std::min(sweep_at_, refresh_at_);
    for (const auto& [hash, wanted] : wanted_) wakeup = std::min(wakeup, wanted.ask_at);
    return wakeup;
}

std::optional<Catalog::Letter> Catalog::poll_letter() {
    if (letters_.empty()) return std::nullopt;
    Letter letter = std::move(letters_.front());
    letters_.pop_front();
    return letter;
}

// ---- What it all comes to

bool Catalog::take_changed() {
    return std::exchange(changed_, false);
}

bool Catalog::take_checks_changed() {
    return std::exchange(checks_changed_, false);
}

bool Catalog::majority_known() const {
    std::size_t announced = 0;
    std::size_t known = 0;
    for (const auto& [catalog, agents] : announced_) {
        announced += agents.size();
        const auto blob = blobs_.find(catalog);
        if (blob == blobs_.end() || !blob->second.catalog.has_value()) continue;
        const auto held = [&](const BlobHash& file) { return blobs_.contains(file); };
        if (std::ranges::all_of(blob->second.catalog->files, held)) known += agents.size();
    }
    return announced == 0 || 2 * known > announced;
}

const Catalog::Entry* Catalog::find(CheckKey check) const {
    const auto found = entries_.find(check);
    return found == entries_.end() ? nullptr : &found->second;
}

std::vector<AgentId> Catalog::carriers(const Definition& definition) const {
    std::vector<AgentId> carriers;
    for (const BlobHash& catalog : definition.catalogs) {
        const auto agents = announced_.find(catalog);
        if (agents == announced_.end()) continue;
        carriers.insert(carriers.end(), agents->second.begin(), agents->second.end());
    }
    std::ranges::sort(carriers);
    return carriers;
}

// The definitions of one fingerprint, of which the first holds.
Catalog::Definition Catalog::merged(const std::vector<Definition>& terms) {
    Definition whole = terms.front();
    for (const Definition& other : terms | std::views::drop(1)) {
        whole.revision = std::max(whole.revision, other.revision);
        whole.catalogs.insert(whole.catalogs.end(), other.catalogs.begin(), other.catalogs.end());
        whole.carriers += other.carriers;
    }
    return whole;
}

void Catalog::rebuild() {
    const std::map<CheckKey, Entry> before = std::exchange(entries_, {});
    struct Variants {
        std::map<Terms, Definition> by_terms;
        BlobHash last;  // The catalog that was counted last: each counts once.
    };
    std::map<CheckKey, std::map<Fingerprint, Variants>> declared;
    for (const auto& [catalog, agents] : announced_) {
        const auto blob = blobs_.find(catalog);
        if (blob == blobs_.end() || !blob->second.catalog.has_value()) continue;
        for (const BlobHash& hash : blob->second.catalog->files) {
            const auto file = blobs_.find(hash);
            if (file == blobs_.end() || !file->second.file.has_value()) continue;
            const std::uint64_t revision = file->second.file->revision;
            for (const Declaration& declaration : file->second.file->declarations) {
                Variants& variants = declared[declaration.check][declaration.fingerprint];
                if (std::exchange(variants.last, catalog) == catalog) continue;
                Definition& definition = variants.by_terms[terms_of(declaration)];
                if (definition.catalogs.empty() || definition.revision < revision) {
                    definition.declaration = declaration;
                    definition.revision = revision;
                }
                definition.catalogs.push_back(catalog);
                definition.carriers += agents.size();
            }
        }
    }
    const auto first_come = [](std::vector<Definition>& definitions) {
        std::ranges::sort(definitions, std::greater<>{}, [](const Definition& d) {
            return std::tuple(d.carriers, d.revision, d.declaration.fingerprint,
                              terms_of(d.declaration));
        });
    };
    for (auto& [check, fingerprints] : declared) {
        std::map<Fingerprint, std::vector<Definition>> terms;
        std::vector<Definition> ordered;
        for (auto& [fingerprint, variants] : fingerprints) {
            std::vector<Definition>& of_it = terms[fingerprint];
            for (auto& [ignored, definition] : variants.by_terms) {
                of_it.push_back(std::move(definition));
            }
            first_come(of_it);
            ordered.push_back(merged(of_it));
        }
        first_come(ordered);
        Entry entry{std::move(ordered.front()), {}, {}};
        entry.others.assign(std::make_move_iterator(ordered.begin() + 1),
                            std::make_move_iterator(ordered.end()));
        std::vector<Definition>& active = terms[entry.active.declaration.fingerprint];
        if (active.size() > 1) entry.terms = std::move(active);
        entries_.emplace(check, std::move(entry));
    }
    checks_changed_ = checks_changed_ ||
                      !std::ranges::equal(before | std::views::keys, entries_ | std::views::keys);
}

}  // namespace picket::gossip
