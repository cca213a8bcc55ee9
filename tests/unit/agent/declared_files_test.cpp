#include "agent/declared_files.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <string>
#include <utility>

#include "gossip/spread/record_codec.h"
#include "tests/support/spread_net.h"

namespace picket {
namespace {

using namespace std::chrono_literals;

constexpr WallTime noon = WallTime(1'795'402'800s);
const checks::ParseContext context{
    "a1", [](checks::Source, std::string_view) { return Result<std::string>(std::string()); }};
const gossip::CheckKey homepage = gossip::check_key("homepage");

std::string definition(int port) {
    return fmt::format("[tcp.homepage]\naddress = \"a:{}\"\nfail_after = 2\n", port);
}

// One agent's definitions.
class Host {
public:
    void edit(const std::string& text, WallTime modified, WallTime wall = noon + 24h) {
        edit({{"web.toml", text}}, modified, wall);
    }
    void edit(const std::vector<std::pair<std::string, std::string>>& texts, WallTime modified,
              WallTime wall = noon + 24h) {
        std::vector<DropInFile> files;
        for (const auto& [name, text] : texts) {
            files.push_back({name, "/etc/" + name, text, {}, false});
            files.back().modified = modified;
        }
        auto loaded = checks::load_catalogue(std::move(catalogue_), files, context);
        catalogue_ = std::move(loaded.next);
        table_.apply(catalogue_, loaded.diff, Instant{}, wall);
        declared.set(table_.rows(), catalogue_, wall);
    }
    DeclaredFiles declared;

private:
    checks::Catalogue catalogue_;
    CheckTable table_{true};
};

TEST_CASE("the same definitions are declared alike, whenever a host got them") {
    Host one;
    Host other;
    one.edit(definition(1), noon);
    other.edit(definition(1), noon + 1h);
    CHECK(one.declared.blobs() == other.declared.blobs());
    REQUIRE(one.declared.blobs().size() == 1);
    CHECK(one.declared.blobs()[0].revision == 0);
    CHECK(one.declared.own().at(homepage).fail_after == 2);
}

std::size_t declared_checks(const std::vector<gossip::FileBlob>& blobs) {
    std::size_t declared = 0;
    for (const gossip::FileBlob& blob : blobs) declared += blob.declarations.size();
    return declared;
}

TEST_CASE("a file with more in it than goes into one blob is declared as several") {
    std::string text = "[defaults]\nlabels = {";
    for (int i = 0; i < 6; ++i) {
        text += fmt::format("{} label{} = \"{}\"", i == 0 ? "" : ",", i,
                            std::string(gossip::label_bytes_max, 'x'));
    }
    text += " }\n";
    for (int i = 0; i < 5000; ++i) text += fmt::format("[tcp.c{}]\naddress = \"a:1\"\n", i);
    Host host;
    host.edit(text, noon);
    const auto blobs = host.declared.blobs();
    CHECK(blobs.size() >= 4);
    CHECK(declared_checks(blobs) == 5000);
    testing::SpreadNet net({.agents = 2});
    net.run_for(20s);
    net[0].set_checks(net.now(), net.wall(), blobs);
    net.pump(0);
    net.run_for(30s);
    CHECK(net[1].catalog().entries().size() == 5000);
}

TEST_CASE("more files than go into one catalog are declared together") {
    std::vector<std::pair<std::string, std::string>> files;
    for (std::size_t i = 0; i <= gossip::catalog_files_max; ++i) {
        files.emplace_back(fmt::format("{}.toml", i),
                           fmt::format("[tcp.c{}]\naddress = \"a:1\"\n", i));
    }
    Host host;
    host.edit(files, noon);
    CHECK(host.declared.blobs().size() == 1);
    CHECK(declared_checks(host.declared.blobs()) == files.size());
}

// Hosts that declare what they carry to each other.
struct Hosts {
    explicit Hosts(std::size_t count) : net({.agents = count}), hosts(count) { run_for(20s); }

    void edit(std::size_t host, int port, WallTime modified) {
        hosts[host].edit(definition(port), modified, net.wall());
        declare(host);
    }
    void declare(std::size_t host) {
        net[host].set_checks(net.now(), net.wall(), hosts[host].declared.blobs());
        net.pump(host);
    }
    void run_for(Duration duration) {
        for (const Instant end = net.now() + duration; net.now() < end; net.run_for(1s)) {
            for (std::size_t host = 0; host < hosts.size(); ++host) {
                if (!hosts[host].declared.review(net.now(), net[host].catalog())) continue;
                declare(host);
                ++changes;
            }
        }
    }
    // As `host` sees it: which of the definitions of all hosts is active.
    bool active(std::size_t host, std::size_t whose) {
        const gossip::Catalog::Entry* entry = net[host].catalog().find(homepage);
        return entry != nullptr &&
               entry->active.declaration == hosts[whose].declared.blobs().at(0).declarations.at(0);
    }

    testing::SpreadNet net;
    std::vector<Host> hosts;
    int changes = 0;
};

TEST_CASE("of two agents that differ in a definition the later edit wins on both") {
    for (const std::size_t later : {0U, 1U}) {
        CAPTURE(later);
        Hosts mesh(2);
        const WallTime edited = mesh.net.wall() - 1h;
        mesh.edit(later, 1, edited);
        mesh.edit(1 - later, 2, edited - 1h);
        mesh.run_for(40s);
        CHECK(mesh.active(0, later));
        CHECK(mesh.active(1, later));
        // Edited again, on the other one.
        mesh.edit(1 - later, 3, edited + 1min);
        mesh.run_for(40s);
        CHECK(mesh.active(0, 1 - later));
        CHECK(mesh.active(1, 1 - later));

        // They agree at last, and declare the same, once.
        mesh.edit(later, 3, edited + 2min);
        mesh.run_for(3min);
        CHECK(mesh.hosts[0].declared.blobs() == mesh.hosts[1].declared.blobs());
        CHECK(mesh.changes <= 8);
    }
}

TEST_CASE("an edit that most agents have wins, however old it is") {
    Hosts mesh(3);
    const WallTime edited = mesh.net.wall() - 1h;
    mesh.edit(0, 1, edited - 1h);
    mesh.edit(1, 1, edited - 1h);
    mesh.edit(2, 2, edited);
    mesh.run_for(40s);
    for (std::size_t host = 0; host < 3; ++host) CHECK(mesh.active(host, 0));
}

TEST_CASE("a file from the future is no newer than now") {
    Hosts mesh(2);
    mesh.edit(0, 1, mesh.net.wall() + 24h);
    mesh.edit(1, 2, mesh.net.wall() - 1h);
    const auto now = static_cast<std::uint64_t>(
        std::chrono::floor<std::chrono::seconds>(mesh.net.wall().time_since_epoch()).count());
    mesh.run_for(40s);
    CHECK(mesh.hosts[0].declared.blobs().at(0).revision == now);
    CHECK(mesh.active(1, 0));
}

}  // namespace
}  // namespace picket
