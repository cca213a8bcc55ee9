// What is wrong with a value is said in one line, for each key and each check as a
// whole of the types that are about hosts, jobs, databases, time and names.

#include <doctest/doctest.h>

#include <string>

#include "tests/support/ask_check.h"

namespace picket::checks {
namespace {

using testing::problem_of;

std::string problem(const std::string& header, const std::string& lines) {
    return problem_of("[" + header + "]\n" + lines + "\n");
}

TEST_CASE("a quantity is bytes or a share, and nothing else") {
    CHECK(problem("disk.a", "path = \"/\"\nfree_below = \"ten\"") ==
          "disk.a.free_below: 'ten' is not a size such as \"1MiB\"");
    CHECK(problem("disk.a", "path = \"/\"\nfree_below = \"101%\"") ==
          "disk.a.free_below: a percentage is from 0 to 100");
    CHECK(problem("disk.a", "path = \"/\"\ninodes_below = \"5k\"") ==
          "disk.a.inodes_below: expected a number, found a string");
    CHECK(problem("disk.a", "path = \"/\"\ninodes_below = -1") ==
          "disk.a.inodes_below: -1 is not a number from 0 on");
    CHECK(problem("disk.a", "path = \"srv\"") == "disk.a.path: 'srv' is not an absolute path");
    CHECK(problem("disk.a", "") == "disk.a: path is missing: expected an absolute path");
    CHECK(problem("disk.a", "path = \"/\"\nread_only = \"no\"") ==
          "disk.a.read_only: 'no' is not \"fail\" or \"ok\"");
    CHECK(problem("file.a", "path = \"/a\"\nsize_above = \"5%\"") ==
          "file.a.size_above: '5%' is not a size such as \"1MiB\"");
    CHECK(problem("memory.a", "available_below = true") ==
          "memory.a.available_below: expected a size such as \"1MiB\", found a boolean");
    CHECK(problem("memory.a", "pressure_above = 101") ==
          "memory.a.pressure_above: a percentage is from 0 to 100");
}

TEST_CASE("load takes one number or three") {
    CHECK(problem("load.a", "above = \"4\"") == "load.a.above: expected a number, found a string");
    CHECK(problem("load.a", "above = [1, 2, 3, 4]") == "load.a.above: expected up to 3 numbers");
    CHECK(problem("load.a", "per_core_above = []") ==
          "load.a.per_core_above: expected up to 3 numbers");
}

TEST_CASE("a process check says which processes it means") {
    CHECK(problem("process.a", "count_min = 1") ==
          "process.a.name: one of name, cmdline and pidfile must say which processes are meant");
    CHECK(problem("process.a", "name = \"a\"\ncount_min = 2\ncount_max = 1") ==
          "process.a.count_max: 1 is below count_min, which is 2");
    CHECK(problem("process.a", "name = \"a\"\ncmdline = \"(\"") ==
          "process.a.cmdline: is not a regular expression: missing ): (");
}

TEST_CASE("a unit has a name and known states") {
    CHECK(problem("unit.a", "unit = \"a b\"") == "unit.a.unit: 'a b' is not the name of a unit");
    CHECK(problem("unit.a", "unit = \"a\"\nactive_state = \"actve\"") ==
          "unit.a.active_state: 'actve' is not known, did you mean active");
    CHECK(problem("unit.a", "unit = \"a\"\nactive_state = \"x\"") ==
          "unit.a.active_state: 'x' is none of active, reloading, inactive, failed, activating, "
          "deactivating, maintenance");
    CHECK(problem("unit.a", "unit = \"a\"\nactive_state = []") ==
          "unit.a.active_state: nothing could pass");
}

TEST_CASE("a heartbeat has a period") {
    CHECK(problem("heartbeat.a", "") ==
          "heartbeat.a: period is missing: expected a duration such as \"10s\"");
    CHECK(problem("heartbeat.a", "period = 60") ==
          "heartbeat.a.period: expected a duration such as \"10s\", found an integer");
}

TEST_CASE("an ntp check names a server and sane limits") {
    CHECK(problem("ntp.a", "server = \"a b\"") ==
          "ntp.a.server: 'a b' is not a host name or an IP address");
    CHECK(problem("ntp.a", "server = \"a\"\nstratum_above = 16") ==
          "ntp.a.stratum_above: 16 is not from 1 to 15");
}

TEST_CASE("expectations of a query need one, and a primary does not lag") {
    for (const std::string type : {"mysql", "postgres"}) {
        CAPTURE(type);
        CHECK(problem(type + ".a", "address = \"db\"\nexpect = \"x\"") ==
              type + ".a.expect: is about the result of a query, and there is no query");
        CHECK(problem(type + ".a", "address = \"db\"\nrows_max = 1") ==
              type + ".a.rows_max: is about the result of a query, and there is no query");
        CHECK(problem(type + ".a", "address = \"db\"\nrole = \"primary\"\nlag_above = \"1s\"") ==
              type + ".a.lag_above: only a replica lags, and role is \"primary\"");
        CHECK(problem(type + ".a", "address = \"db\"\ntls = \"on\"") ==
              type + ".a.tls: 'on' is not \"off\", \"prefer\", \"require\" or \"verify\"");
        CHECK(problem(type + ".a", "address = \"db\"\nquery = \"SELECT 1\"\nvalue_above = \"1\"") ==
              type + ".a.value_above: expected a number, found a string");
    }
}

TEST_CASE("a dns check asks one server or several, and compares what has a serial") {
    CHECK(problem("dns.a", "name = \"a\"\nserver = \"b\"\nservers = [\"c\"]") ==
          "dns.a.servers: server and servers exclude each other");
    CHECK(problem("dns.a", "name = \"a\"\nserial_equal = true\nservers = [\"b\", \"c\"]") ==
          "dns.a.serial_equal: only an SOA record has a serial: set type = \"SOA\"");
    CHECK(problem("dns.a", "name = \"a\"\ntype = \"SOA\"\nserial_equal = true") ==
          "dns.a.serial_equal: needs servers to compare, at least two of them");
    CHECK(problem("dns.a", "name = \"a\"\nanswers_within = [\"192.0.2.0/33\"]") ==
          "dns.a.answers_within[0]: '192.0.2.0/33' is not a range such as 192.0.2.0/24");
}

TEST_CASE("a plugin's limits are whole and large enough") {
    const std::string command = "command = [\"/bin/true\"]\n";
    CHECK(problem("command.a", command + "files_max = 3") ==
          "command.a.files_max: 3 is not from 4 to 1000000");
    CHECK(problem("command.a", command + "cpu_max = \"10ms\"") ==
          "command.a.cpu_max: 10ms is not from 1s to 1d");
    CHECK(problem("command.a", command + "env_keep = [\"A-B\"]") ==
          "command.a.env_keep[0]: 'A-B' is not the name of an environment variable");
}

}  // namespace
}  // namespace picket::checks
