#include "checks/catalogue.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "agent/base/limits.h"

namespace picket::checks {
namespace {

const ParseContext context{"web-03", [](Source, std::string_view) -> Result<std::string> {
                               return failure(Code::not_found, "is not set");
                           }};

DropInFile file(const std::string& name, std::string text) {
    return {name, "/etc/" + name, std::move(text), {}, false};
}

DropInFile faulty(const std::string& name, std::string fault) {
    return {name, "/etc/" + name, {}, std::move(fault), false};
}

std::string tcp(std::string_view name, int port = 1) {
    return fmt::format("[tcp.{}]\naddress = \"a:{}\"\n", name, port);
}

std::string names(const Catalogue& catalogue) {
    std::string joined;
    for (const auto& [name, entry] : catalogue.entries()) {
        joined += name + (entry.definition ? "" : "?") + (entry.problem.empty() ? " " : "! ");
    }
    return joined;
}

std::string text(const CatalogueDiff& diff) {
    return fmt::format("+{} ~{} -{} ={}", fmt::join(diff.added, ","), fmt::join(diff.changed, ","),
                       fmt::join(diff.removed, ","), diff.unchanged);
}

TEST_CASE("a load tells what was added, changed and removed, and moves nothing else") {
    CatalogueLoaded first = load_catalogue(
        {}, {file("a.toml", tcp("a") + tcp("b")), file("c.toml", tcp("c"))}, context);
    CHECK(text(first.diff) == "+a,b,c ~ - =0");
    const Definition* a = first.next.find("a")->definition.get();
    const Definition* b = first.next.find("b")->definition.get();

    CatalogueLoaded second = load_catalogue(
        std::move(first.next),
        {file("a.toml", "# moved down\n\n" + tcp("a") + tcp("b", 2)), file("d.toml", tcp("d"))},
        context);
    CHECK(text(second.diff) == "+d ~b -c =1");
    CHECK(second.next.find("a")->definition.get() == a);
    CHECK(second.next.find("a")->definition->origin.line == 3);
    CHECK(second.next.find("b")->definition.get() != b);
    REQUIRE(second.retired.size() == 2);
    CHECK(second.retired[0].get() == b);
    CHECK(second.retired[1]->name == "c");
}

TEST_CASE("a check that moves to another file is unchanged") {
    CatalogueLoaded first = load_catalogue({}, {file("z.toml", tcp("a"))}, context);
    CatalogueLoaded second =
        load_catalogue(std::move(first.next), {file("b.toml", tcp("a"))}, context);
    CHECK(text(second.diff) == "+ ~ - =1");
    CHECK(second.next.find("a")->file == "b.toml");
}

TEST_CASE("a file that goes bad keeps its last good version, with the problem") {
    CatalogueLoaded first = load_catalogue(
        {}, {file("a.toml", tcp("a") + tcp("b")), file("c.toml", tcp("c"))}, context);
    for (const DropInFile& bad :
         {file("a.toml", tcp("a", 2) + "oops\n"), file("a.toml", "[tcp.new]\nbanana = 1\n"),
          faulty("a.toml", "permission denied"), faulty("a.toml", "is a directory, not a file")}) {
        CatalogueLoaded next =
            load_catalogue(std::move(first.next), {bad, file("c.toml", tcp("c"))}, context);
        CHECK(text(next.diff) == "+ ~ - =3");
        CHECK(names(next.next) == "a! b! c ");
        CHECK(next.next.find("a")->problem == to_text(next.next.problems().front()));
        CHECK(next.next.find("a")->problem.find("/etc/a.toml:") == 0);
        first = std::move(next);
    }
    const CatalogueLoaded mended = load_catalogue(
        std::move(first.next), {file("a.toml", tcp("a")), file("c.toml", tcp("c"))}, context);
    CHECK(text(mended.diff) == "+ ~ -b =2");
    CHECK(names(mended.next) == "a c ");
    CHECK(mended.next.problems().empty());
}

TEST_CASE("on a cold start the checks of a bad file are known by name") {
    CatalogueLoaded first = load_catalogue(
        {}, {file("a.toml", tcp("a") + "oops\n"), file("b.toml", tcp("b"))}, context);
    CHECK(names(first.next) == "a?! b ");
    CHECK(text(first.diff) == "+b ~ - =0");
    CatalogueLoaded unreadable =
        load_catalogue(std::move(first.next),
                       {faulty("a.toml", "permission denied"), file("b.toml", tcp("b"))}, context);
    CHECK(names(unreadable.next) == "a?! b ");
    const CatalogueLoaded mended = load_catalogue(
        std::move(unreadable.next), {file("a.toml", tcp("a")), file("b.toml", tcp("b"))}, context);
    CHECK(names(mended.next) == "a b ");
    CHECK(text(mended.diff) == "+a ~ - =1");
}

TEST_CASE("of two files with one name the first keeps it, the other is refused as a whole") {
    const CatalogueLoaded loaded = load_catalogue(
        {}, {file("a.toml", tcp("x")), file("b.toml", tcp("y") + tcp("x", 2))}, context);
    CHECK(names(loaded.next) == "x y?! ");
    CHECK(loaded.next.find("x")->file == "a.toml");
    REQUIRE(loaded.next.problems().size() == 1);
    CHECK(to_text(loaded.next.problems()[0]) ==
          "/etc/b.toml:3:6: tcp.x: the name is taken by a.toml; this file is refused");
}

TEST_CASE("a file that goes away takes its checks along") {
    CatalogueLoaded first = load_catalogue({}, {file("a.toml", tcp("a"))}, context);
    const CatalogueLoaded second = load_catalogue(std::move(first.next), {}, context);
    CHECK(text(second.diff) == "+ ~ -a =0");
    CHECK(second.next.entries().empty());
    CHECK(second.retired.size() == 1);
}

TEST_CASE("an agent carries checks_max checks, and refuses the file that brings more") {
    std::vector<DropInFile> files;
    constexpr std::size_t per_file = 5000;
    for (std::size_t f = 0; f < limits::checks_max / per_file; ++f) {
        std::string checks;
        for (std::size_t i = 0; i < per_file; ++i) checks += tcp(fmt::format("c{}-{}", f, i));
        files.push_back(file(fmt::format("a{}.toml", f), std::move(checks)));
    }
    files.push_back(file("z.toml", tcp("more")));
    const CatalogueLoaded loaded = load_catalogue({}, files, context);
    CHECK(loaded.next.entries().size() == limits::checks_max);
    REQUIRE(loaded.next.problems().size() == 1);
    CHECK(to_text(loaded.next.problems()[0]) ==
          "/etc/z.toml:1:1: an agent carries at most 20000 checks; this file, which has 1, is "
          "refused");
}

TEST_CASE("the problems of a load are bounded and the rest is counted") {
    std::vector<DropInFile> files;
    for (int i = 0; i < 1100; ++i) files.push_back(faulty(fmt::format("f{}.toml", i), "gone"));
    const CatalogueLoaded loaded = load_catalogue({}, files, context);
    REQUIRE(loaded.next.problems().size() == catalogue_problems_max + 1);
    CHECK(loaded.next.problems().back().message == "100 more problems are not shown");
}

}  // namespace
}  // namespace picket::checks
