#include "gossip/spread/catalog.h"

#include <doctest/doctest.h>

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{std::chrono::hours(1)};
constexpr AgentId self{1};
constexpr AgentId other{2};

FileBlob file(const std::string& name, std::uint64_t fingerprint = 1) {
    Declaration declaration;
    declaration.name = name;
    declaration.type = "http";
    declaration.check = check_key(name);
    declaration.fingerprint = Fingerprint{fingerprint};
    declaration.interval_ms = 10'000;
    declaration.timeout_ms = 3000;
    return {0, {std::move(declaration)}};
}

struct Content {
    std::string file_bytes = encode(file("homepage"));
    std::string catalog_bytes = encode(CatalogBlob{{blob_hash(file_bytes)}});
    BlobHash catalog = blob_hash(catalog_bytes);
};

// What is asked of whom, until `end`.
std::vector<Catalog::Letter> asked(Catalog& catalog, Instant end) {
    std::vector<Catalog::Letter> letters;
    while (catalog.next_wakeup() <= end) {
        catalog.on_tick(catalog.next_wakeup());
        while (auto letter = catalog.poll_letter()) letters.push_back(*std::move(letter));
    }
    return letters;
}

TEST_CASE("a catalog is fetched from who announced it, then its files, and then it counts") {
    const Content content;
    Catalog catalog(self, 1, start);
    catalog.set_catalog(start, other, content.catalog);
    CHECK_FALSE(catalog.majority_known());
    auto letters = asked(catalog, start + 6s);
    REQUIRE(letters.size() == 1);
    CHECK(letters[0].to == other);
    CHECK(std::get<BlobWantMessage>(letters[0].message).hashes.front() == content.catalog);
    catalog.on_message(start + 6s, BlobsMessage{other, {content.catalog_bytes}});
    CHECK_FALSE(catalog.majority_known());
    letters = asked(catalog, start + 6s + 200ms);
    REQUIRE(letters.size() == 1);
    CHECK(std::get<BlobWantMessage>(letters[0].message).hashes.front() ==
          blob_hash(content.file_bytes));
    catalog.on_message(start + 7s, BlobsMessage{other, {content.file_bytes}});
    asked(catalog, start + 8s);
    CHECK(catalog.majority_known());
    const Catalog::Entry* entry = catalog.find(check_key("homepage"));
    REQUIRE(entry != nullptr);
    CHECK(entry->active.declaration == file("homepage").declarations.front());
    CHECK(catalog.carriers(entry->active) == std::vector<AgentId>{other});
}

TEST_CASE("who does not answer is asked no more while another has the same") {
    const Content content;
    Catalog catalog(self, 1, start);
    catalog.set_catalog(start, other, content.catalog);
    catalog.set_catalog(start, AgentId{3}, content.catalog);
    const auto letters = asked(catalog, start + 60s);
    REQUIRE(letters.size() >= 4);
    for (std::size_t i = 1; i < letters.size(); ++i) CHECK(letters[i].to != letters[i - 1].to);
}

TEST_CASE("content that is not what its hash says, or that nobody asked for, is dropped") {
    const Content content;
    Catalog catalog(self, 1, start);
    catalog.set_catalog(start, other, content.catalog);
    asked(catalog, start + 6s);
    catalog.on_message(start + 6s, BlobsMessage{other, {content.catalog_bytes + "x", "junk"}});
    CHECK(catalog.mismatched() == 2);
    CHECK(catalog.blobs() == 0);
}

TEST_CASE("malformed content is held as such, and not asked for again") {
    Catalog catalog(self, 1, start);
    const std::string junk = "not a blob";
    catalog.set_catalog(start, other, blob_hash(junk));
    asked(catalog, start + 6s);
    catalog.on_message(start + 6s, BlobsMessage{other, {junk}});
    CHECK(catalog.malformed() == 1);
    CHECK(asked(catalog, start + 60s).empty());
    CHECK(catalog.entries().empty());
}

TEST_CASE("ten thousand identical hosts cost one catalog") {
    const Content content;
    Catalog catalog(self, 1, start);
    CHECK(catalog.set_own(start, {file("homepage")}) == content.catalog);
    const std::size_t bytes = catalog.bytes();
    for (std::uint64_t agent = 2; agent <= 10'000; ++agent) {
        catalog.set_catalog(start, AgentId{agent}, content.catalog);
    }
    CHECK(asked(catalog, start + 60s).empty());
    CHECK(catalog.bytes() == bytes);
    CHECK(catalog.blobs() == 2);
    CHECK(catalog.find(check_key("homepage"))->active.carriers == 10'000);
}

TEST_CASE("content is served by whoever has it, and dropped a day after the last reference") {
    const Content content;
    Catalog catalog(self, 1, start);
    catalog.set_own(start, {file("homepage")});
    catalog.on_message(start, BlobWantMessage{other, {content.catalog, blob_hash("unknown")}});
    const auto letter = catalog.poll_letter();
    REQUIRE(letter.has_value());
    CHECK(std::get<BlobsMessage>(letter->message).blobs ==
          std::vector<std::string>{content.catalog_bytes});
    catalog.set_own(start, {});
    asked(catalog, start + 23h);
    CHECK(catalog.blobs() == 2);
    CHECK(catalog.entries().empty());
    asked(catalog, start + 25h);
    CHECK(catalog.blobs() == 0);
    CHECK(catalog.bytes() == 0);
}

TEST_CASE("a question is asked on the terms of most of its carriers; other terms are drift") {
    FileBlob strict = file("homepage");
    strict.declarations.front().quorum = 3;
    // Whichever of the two catalogs comes first by its hash.
    bool first = false;
    bool last = false;
    for (std::uint32_t interval = 5000; !first || !last; ++interval) {
        FileBlob straggler = file("homepage");
        straggler.declarations.front().quorum = 1;
        straggler.declarations.front().interval_ms = interval;
        const std::string theirs = encode(straggler);
        const std::string catalog_bytes = encode(CatalogBlob{{blob_hash(theirs)}});
        Catalog catalog(self, 1, start);
        const BlobHash own = catalog.set_own(start, {strict});
        (blob_hash(catalog_bytes) < own ? first : last) = true;
        for (std::uint64_t agent = 2; agent <= 4; ++agent) {
            catalog.set_catalog(start, AgentId{agent}, own);
        }
        catalog.set_catalog(start, AgentId{5}, blob_hash(catalog_bytes));
        asked(catalog, start + 6s);
        catalog.on_message(start + 6s, BlobsMessage{AgentId{5}, {catalog_bytes}});
        asked(catalog, start + 7s);
        catalog.on_message(start + 7s, BlobsMessage{AgentId{5}, {theirs}});
        asked(catalog, start + 8s);
        const Catalog::Entry* entry = catalog.find(check_key("homepage"));
        REQUIRE(entry != nullptr);
        CHECK(entry->active.declaration == strict.declarations.front());
        CHECK(entry->active.carriers == 5);
        CHECK(catalog.carriers(entry->active).size() == 5);
        CHECK(entry->others.empty());
        REQUIRE(entry->terms.size() == 2);
        CHECK(entry->terms[0].carriers == 4);
        CHECK(entry->terms[1].declaration == straggler.declarations.front());
        CHECK(catalog.carriers(entry->terms[1]) == std::vector<AgentId>{AgentId{5}});
    }
}

TEST_CASE("labels that each host has of its own are no drift") {
    FileBlob here = file("homepage");
    here.declarations.front().labels = {{"rack", "1"}};
    FileBlob there = file("homepage");
    there.declarations.front().labels = {{"rack", "2"}};
    const std::string theirs = encode(there);
    const std::string catalog_bytes = encode(CatalogBlob{{blob_hash(theirs)}});
    Catalog catalog(self, 1, start);
    catalog.set_own(start, {here});
    catalog.set_catalog(start, other, blob_hash(catalog_bytes));
    asked(catalog, start + 6s);
    catalog.on_message(start + 6s, BlobsMessage{other, {catalog_bytes}});
    asked(catalog, start + 7s);
    catalog.on_message(start + 7s, BlobsMessage{other, {theirs}});
    asked(catalog, start + 8s);
    const Catalog::Entry* entry = catalog.find(check_key("homepage"));
    REQUIRE(entry != nullptr);
    CHECK(entry->active.carriers == 2);
    CHECK(entry->others.empty());
    CHECK(entry->terms.empty());
}

TEST_CASE("what agents declare survives being written and read, to the limits") {
    FileBlob blob{7, {}};
    for (int i = 0; i < 50; ++i) {
        Declaration declaration = file("check-" + std::to_string(i)).declarations.front();
        declaration.from = "role=edge";
        declaration.labels = {{"severity", "page"}, {"team", std::string(label_bytes_max, 't')}};
        blob.declarations.push_back(std::move(declaration));
    }
    CHECK(decode_file_blob(encode(blob)) == wire::Decoded<FileBlob>(blob));
    // A name that is not that of its key is no declaration.
    std::string bytes = encode(file("homepage"));
    bytes[bytes.find("homepage")] = 'H';
    CHECK(decode_file_blob(bytes).error() == wire::Fault::out_of_range);
}

TEST_CASE("a check that is never asked, or waits for nothing, is no declaration") {
    FileBlob blob = file("homepage");
    blob.declarations.front().interval_ms = 0;
    CHECK(decode_file_blob(encode(blob)).error() == wire::Fault::out_of_range);
    blob = file("homepage");
    blob.declarations.front().timeout_ms = 0;
    CHECK(decode_file_blob(encode(blob)).error() == wire::Fault::out_of_range);
}

TEST_CASE("the liveness of a host is nobody's to declare") {
    CHECK(decode_file_blob(encode(file("host/a1"))).error() == wire::Fault::out_of_range);
}

TEST_CASE("a selector means the agents of which all its terms hold") {
    const Labels labels{{"role", "edge"}, {"tier", "prod"}};
    CHECK(selects("", labels));
    CHECK(selects("role=edge", labels));
    CHECK(selects(" role = edge , tier != test ", labels));
    CHECK(selects("rack!=7", labels));
    CHECK_FALSE(selects("role=edge,tier=test", labels));
    CHECK_FALSE(selects("rack=7", labels));
    CHECK_FALSE(selects("role", labels));
}

}  // namespace
}  // namespace picket::gossip
