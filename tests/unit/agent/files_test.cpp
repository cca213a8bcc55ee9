#include "agent/files.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "checks/catalogue.h"
#include "checks/types/tcp.h"

namespace picket {
namespace {

namespace fs = std::filesystem;

struct Tree {
    Tree() {
        std::string pattern = (fs::temp_directory_path() / "picket-test-XXXXXX").string();
        path = mkdtemp(pattern.data());
        fs::create_directory(path + "/usr");
        fs::create_directory(path + "/etc");
    }
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    ~Tree() { fs::remove_all(path); }

    void write(const std::string& name, std::string_view text) const {
        std::ofstream(path + "/" + name, std::ios::binary) << text;
    }

    std::string path;
};

TEST_CASE("directories are read, replaced and masked as on a real machine") {
    const Tree tree;
    tree.write("usr/a.toml", "[tcp.a]\naddress = \"a:1\"\n");
    tree.write("usr/b.toml", "[tcp.b]\naddress = \"b:1\"\n");
    tree.write("usr/c.toml", "[tcp.c]\naddress = \"c:1\"\n");
    tree.write("etc/a.toml", "[tcp.a]\naddress = \"a:2\"\n");
    fs::create_symlink("/dev/null", tree.path + "/etc/b.toml");
    fs::create_directory(tree.path + "/etc/d.toml");
    tree.write("etc/e.toml", std::string(50'000'000, 'x'));
    const CheckFiles read =
        read_check_files({tree.path + "/usr", tree.path + "/etc", tree.path + "/none"});
    CHECK(read.problems.empty());
    const checks::CatalogueLoaded loaded =
        checks::load_catalogue({}, read.files, {"web-03", secret_reader()});
    CHECK(loaded.diff.added == std::vector<std::string>{"a", "c"});
    REQUIRE(loaded.next.problems().size() == 2);
    CHECK(to_text(loaded.next.problems()[0]) ==
          tree.path + "/etc/d.toml:1:1: is a directory, not a file");
    CHECK(to_text(loaded.next.problems()[1]) ==
          tree.path + "/etc/e.toml:1:1: the file is larger than 1 MiB");
    CHECK(loaded.next.find("a")->definition->query.as<checks::TcpQuery>().address.value == "a:2");
}

TEST_CASE("a path that is no directory is a problem of its own") {
    const Tree tree;
    tree.write("file", "x");
    const CheckFiles read = read_check_files({tree.path + "/file"});
    REQUIRE(read.problems.size() == 1);
    CHECK(to_text(read.problems[0]) == tree.path + "/file:1:1: not a directory");
}

TEST_CASE("secrets come from files, and what cannot be read says why") {
    const Tree tree;
    tree.write("key", std::string(checks::substitution_bytes_max, 'k') + "\n");
    tree.write("big", std::string(checks::substitution_bytes_max + 2, 'k'));
    const checks::SecretReader read = secret_reader();
    CHECK(checks::substitute("${file:" + tree.path + "/key}", read)->text.size() ==
          checks::substitution_bytes_max);
    CHECK(read(checks::Source::file, tree.path + "/big").error().message() ==
          "the file is larger than 64 KiB");
    CHECK(read(checks::Source::file, tree.path + "/none").error().message() ==
          "no such file or directory");
    CHECK(read(checks::Source::file, tree.path).error().message() == "is a directory, not a file");
    CHECK(read(checks::Source::environment, "PICKET_TEST_NEVER_SET").error().message() ==
          "is not set in the agent's environment");
    CHECK(read(checks::Source::environment, "PATH").has_value());
}

TEST_CASE("a configuration that was asked for must be there") {
    const Tree tree;
    const Surroundings surroundings = look_around();
    CHECK_FALSE(surroundings.host_name.empty());
    const ParsedConfig missing = load_config(tree.path + "/picket.toml", surroundings);
    REQUIRE(missing.problems.size() == 1);
    CHECK(to_text(missing.problems[0]) ==
          tree.path + "/picket.toml:1:1: no such file or directory");
    tree.write("picket.toml", "[agent]\nname = \"a1\"\n");
    CHECK(load_config(tree.path + "/picket.toml", surroundings).config.name == "a1");
}

}  // namespace
}  // namespace picket
