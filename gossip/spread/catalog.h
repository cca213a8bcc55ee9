// Catalog: which checks there are in the mesh, and who carries them (agreement.md, 1.2).
//
// Each agent's presence names its catalog by a hash. One that we do not hold is fetched
// from whoever announced it, or from anyone with the same, after up to fetch_delay_max,
// so that a roll-out does not ask its first host from everywhere at once; then the files
// that it names. Content proves itself by its hash: what does not match is dropped and
// counted. Unreferenced content is dropped after unreferenced_kept.
//
// Agents may differ in the definition of one name. The active one is that which most
// live carriers declare; ties are decided by the file's revision, then by the greater
// fingerprint. One without live carriers is none. Differing ones are drift, to be shown.
// Those with one fingerprint ask one question, and all of them count; but they may differ in
// their terms: how often it is asked, by how many of whom, and how many must agree. Of terms
// those hold that most live carriers declare; ties are decided likewise.
//
// Nothing learnt here is ever run: see declaration.h.

#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/base/random.h"
#include "agent/base/time.h"
#include "gossip/spread/declaration.h"
#include "gossip/spread/exchange.h"

namespace picket::gossip {

class Catalog {
public:
    static constexpr Duration fetch_delay_max = std::chrono::seconds(5);
    static constexpr Duration fetch_time_max = std::chrono::seconds(10);  // Then somebody else.
    static constexpr Duration unreferenced_kept = std::chrono::hours(24);
    // Agents come in crowds; what they carry is gone through once for all of them.
    static constexpr Duration refresh_delay = std::chrono::milliseconds(100);
    static constexpr std::size_t bytes_max =
        std::size_t{64} * 1024 * 1024;  // Then none is fetched.

    struct Letter {
        AgentId to{};
        Exchange message;
    };

    // What is declared under one name.
    struct Definition {
        Declaration declaration{};
        std::uint64_t revision = 0;
        std::vector<BlobHash> catalogs{};  // That declare it.
        std::size_t carriers = 0;          // Live agents that announced one of those.
    };
    struct Entry {
        Definition active{};               // On the terms that hold; carriers on any terms.
        std::vector<Definition> others{};  // Drift: further definitions with live carriers.
        // Drift, too: what carriers of the active one declare on different terms, those that
        // hold first. Empty where all of them agree.
        std::vector<Definition> terms{};
    };

    Catalog(AgentId self, std::uint64_t seed, Instant now);

    // What we carry ourselves; the returned hash belongs into our presence. Requires
    // files within the limits of declaration.h.
    BlobHash set_own(Instant now, const std::vector<FileBlob>& files);
    // What an agent announces, while it is there; none once it is gone.
    void set_catalog(Instant now, AgentId agent, const BlobHash& catalog);
    void erase(Instant now, AgentId agent);

    void on_message(Instant now, const BlobWantMessage& message);
    void on_message(Instant now, const BlobsMessage& message);
    void on_tick(Instant now);
    Instant next_wakeup() const;
    std::optional<Letter> poll_letter();

    // True once after entries() changed, and once after it came to be of other checks.
    bool take_changed();
    bool take_checks_changed();
    // Every check that a live agent carries, by its key; refresh_delay late at most.
    const std::map<CheckKey, Entry>& entries() const { return entries_; }
    const Entry* find(CheckKey check) const;
    // Who they are, sorted, ourselves included.
    std::vector<AgentId> carriers(const Definition& definition) const;

    // Whether we hold the catalog of more than half of the agents that announced one.
    bool majority_known() const;

    std::size_t blobs() const { return blobs_.size(); }
    std::size_t bytes() const { return bytes_; }
    std::size_t fetching() const { return wanted_.size(); }
    std::uint64_t mismatched() const { return mismatched_; }  // Content that nobody asked for.
    std::uint64_t malformed() const { return malformed_; }
    std::uint64_t refused() const { return refused_; }  // At bytes_max.

private:
    struct Blob {
        std::string bytes{};
        std::optional<FileBlob> file{};        // One of the two,
        std::optional<CatalogBlob> catalog{};  // or neither, where it was malformed.
        std::optional<Instant> unreferenced_since{};
    };
    struct Wanted {
        Instant ask_at{};
        AgentId asked{};  // Last.
    };

    bool store(std::string bytes);
    void want(Instant now, const BlobHash& hash);
    void update_references(Instant now);
    void refresh_soon(Instant now);
    std::optional<AgentId> holder(const BlobHash& hash, AgentId other_than);
    void rebuild();
    static Definition merged(const std::vector<Definition>& terms);

    AgentId self_;
    Random random_;
    std::unordered_map<BlobHash, Blob> blobs_;
    std::map<BlobHash, Wanted> wanted_;
    std::map<BlobHash, std::vector<AgentId>> announced_;      // By catalog; sorted.
    std::unordered_map<std::uint64_t, BlobHash> catalog_of_;  // By agent.
    std::deque<Letter> letters_;
    Instant sweep_at_;
    Instant refresh_at_ = never;  // When all is to be gone through again.
    bool changed_ = false;
    bool checks_changed_ = false;
    std::map<CheckKey, Entry> entries_;
    std::size_t bytes_ = 0;
    std::uint64_t mismatched_ = 0;
    std::uint64_t malformed_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace picket::gossip
