#include "checks/drop_in.h"

#include <doctest/doctest.h>

namespace picket::checks {
namespace {

DropInFile file(std::string name, std::string path, std::string text) {
    return {std::move(name), std::move(path), std::move(text), {}, false};
}

std::string paths(std::vector<std::vector<DropInFile>> directories) {
    std::string joined;
    for (const DropInFile& kept : effective_files(std::move(directories))) {
        joined += kept.path + " ";
    }
    return joined;
}

TEST_CASE("files are ordered by name, whatever directory they come from") {
    CHECK(paths({{file("b.toml", "usr/b", "x"), file("c.toml", "usr/c", "x")},
                 {file("a.toml", "etc/a", "x"), file("d.toml", "etc/d", "x")}}) ==
          "etc/a usr/b usr/c etc/d ");
}

TEST_CASE("a file of a later directory replaces its namesake") {
    CHECK(paths({{file("a.toml", "usr/a", "x")}, {file("a.toml", "etc/a", "y")}}) == "etc/a ");
}

TEST_CASE("an empty file and a link to /dev/null mask their namesake") {
    CHECK(paths({{file("a.toml", "usr/a", "x")}, {file("a.toml", "etc/a", "")}}).empty());
    DropInFile null = file("a.toml", "etc/a", "");
    null.null_device = true;
    CHECK(paths({{file("a.toml", "usr/a", "x")}, {null}}).empty());
    CHECK(paths({{file("a.toml", "usr/a", "")}, {file("a.toml", "etc/a", "y")}}) == "etc/a ");
}

TEST_CASE("a file that cannot be read replaces its namesake too, and is not lost") {
    DropInFile unreadable = file("a.toml", "etc/a", "");
    unreadable.fault = "permission denied";
    CHECK(paths({{file("a.toml", "usr/a", "x")}, {unreadable}}) == "etc/a ");
}

TEST_CASE("hidden files and other suffixes do not count") {
    CHECK(is_drop_in_name("web.toml"));
    for (const char* name : {".web.toml", ".toml", "web.toml~", "web.toml.dpkg-new", "web", ""}) {
        CAPTURE(name);
        CHECK_FALSE(is_drop_in_name(name));
    }
}

}  // namespace
}  // namespace picket::checks
