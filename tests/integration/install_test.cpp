// What `make install` puts in place works from there.

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "tests/support/database_servers.h"
#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace picket::testing {
namespace {

TEST_CASE("an installed agent finds its helper and its databases below its own prefix") {
    const TemporaryDirectory root;
    std::filesystem::permissions(root.path(), std::filesystem::perms(0755));
    const std::string profile =
        std::filesystem::path(program("picketd")).parent_path().filename().string();
    const Finished installed = run({"/usr/bin/make", "-s", "PROFILE=" + profile, "PREFIX=/opt/p",
                                    "DESTDIR=" + root.path(), "install"});
    REQUIRE_MESSAGE(installed.exit_code == 0, installed.output, installed.errors);
    CHECK(std::filesystem::is_directory(root.path("opt/p/lib/picket/checks.d")));
    CHECK(std::filesystem::exists(root.path("opt/p/share/doc/picket/examples/dialogues.toml")));

    const PostgresServer postgres;
    const MariadbServer mariadb;
    const std::string checks = root.write(
        "checks.toml", "[postgres.p]\naddress = \"127.0.0.1:" + std::to_string(postgres.port()) +
                           "\"\nuser = \"postgres\"\npassword = \"secret\"\ntimeout = \"20s\"\n"
                           "[mysql.m]\naddress = \"127.0.0.1:" +
                           std::to_string(mariadb.port()) +
                           "\"\nuser = \"watch\"\npassword = \"secret\"\ntimeout = \"20s\"\n"
                           "[command.c]\ncommand = [\"/bin/true\"]\n"
                           "files_max = 64\n");
    const auto probe = [&] {
        return run({root.path("opt/p/bin/picketd"), "probe", checks, "--no-color"});
    };
    const Finished found = probe();
    CHECK_MESSAGE(found.exit_code == 0, found.output, found.errors);

    std::filesystem::remove(root.path("opt/p/lib/picket/picket-mysql.so"));
    const Finished missing = probe();
    CHECK(missing.exit_code == 1);
    CHECK(missing.output.find("picket-mysql.so is not installed") != std::string::npos);
    CHECK(missing.output.find("let postgres in") != std::string::npos);
}

}  // namespace
}  // namespace picket::testing
