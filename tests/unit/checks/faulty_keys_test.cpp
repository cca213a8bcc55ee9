// For every key a value that cannot be meant, and the one line that says so. What each
// type says of keys that contradict one another stands here too.

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/support/ask_check.h"

namespace picket::checks {
namespace {

struct Faulty {
    std::string_view lines;
    std::string_view problem;  // Without the name of the check.
};

// Of [TYPE.a], with `base` before the faulty lines.
template <std::size_t size>
void check_each(const std::string& type, const std::string& base, const Faulty (&faulty)[size]) {
    for (const Faulty& each : faulty) {
        CAPTURE(each.lines);
        std::string said =
            testing::problem_of("[" + type + ".a]\n" + base + std::string(each.lines) + "\n");
        const std::string name = type + ".a";
        REQUIRE(said.starts_with(name));
        said.erase(0, said.find_first_not_of(".: ", name.size()));
        CHECK(said == each.problem);
    }
}

TEST_CASE("an http check says what is wrong with its subject") {
    check_each("http", {},
               {
                   {"url = \"ftp://a/\"",
                    "url: 'ftp://a/' begins with ftp://; only http:// and https:// can be asked"},
                   {"url = \"a\"", "url: 'a' is not a URL such as https://www.example.com/"},
                   {"url = \"http://\"",
                    "url: 'http://' is not a URL such as https://www.example.com/: '' is no host"},
               });
}

TEST_CASE("an http check says what is wrong with each key") {
    check_each(
        "http", "url = \"http://a/\"\n",
        {
            {"method = \"GE T\"", "method: 'GE T' is not an HTTP method in capitals, such as GET"},
            {"headers = { \"A B\" = \"1\" }", "headers: 'A B' is not the name of an HTTP header"},
            {"headers = { A = \"1\\r\\nB: 2\" }", "headers.A: holds a control character"},
            {"body_file = \"order.xml\"", "body_file: 'order.xml' is not an absolute path"},
            {"body_json = \"{\"", "body_json: is not JSON"},
            {"body = \"a\"\nbody_file = \"/b\"", "body_file: body gives the body already"},
            {"body_json = \"{}\"\nbody_form = { a = \"1\" }",
             "body_form: body_json gives the body already"},
            {"basic_auth = \"picket\"", "basic_auth: is not USER:PASSWORD"},
            {"digest_auth = \"picket\"", "digest_auth: is not USER:PASSWORD"},
            {"basic_auth = \"a:b\"\ndigest_auth = \"a:b\"",
             "digest_auth: basic_auth gives the credentials already"},
            {"digest_auth = \"a:b\"\nbearer = \"t\"",
             "bearer: digest_auth gives the credentials already"},
            {"user_agent = \"a\\nb\"", "user_agent: holds a control character"},
            {"cookies = { \"a;\" = \"1\" }", "cookies: 'a;' is not the name of an HTTP header"},
            {"cookies = { a = \"1;2\" }", "cookies.a: a cookie's value holds no ';'"},
            {"compression = \"gzip\"", "compression: expected true or false, found a string"},
            {"http_version = \"3\"",
             "http_version: '3' is not \"any\", \"1.0\", \"1.1\", \"2\" or \"2-direct\""},
            {"proxy = \"https://p:1\"",
             "proxy: 'https://p:1' is not a proxy such as http://proxy.example.com:3128 or "
             "socks5h://HOST:PORT"},
            {"proxy = \"http://p:0\"",
             "proxy: 'http://p:0' is not a proxy such as http://proxy.example.com:3128 or "
             "socks5h://HOST:PORT"},
            {"proxy = \"p:3128\"",
             "proxy: 'p:3128' is not a proxy such as http://proxy.example.com:3128 or "
             "socks5h://HOST:PORT"},
            {"proxy = \"http://p:1\"\nunix_socket = \"/s\"",
             "unix_socket: proxy gives where to connect already"},
            {"unix_socket = \"s\"", "unix_socket: 's' is not an absolute path"},
            {"unix_socket = \"/s\"\nconnect_to = \"b\"",
             "connect_to: unix_socket gives where to connect already"},
            {"unix_socket = \"/s\"\naddresses = \"all\"",
             "addresses: a unix socket has no addresses"},
            {"connect_to = \"b:x\"", "connect_to: 'x' is not a port from 1 to 65535"},
            {"follow_redirects = 1", "follow_redirects: expected true or false, found an integer"},
            {"redirects_max = 51", "redirects_max: 51 is not from 0 to 50"},
            {"body_contains = 1", "body_contains: expected a string, found an integer"},
            {"body_not_matches = \"(\"",
             "body_not_matches: is not a regular expression: missing ): ("},
            {"header_not_matches = { Server = \"(\" }",
             "header_not_matches.Server: is not a regular expression: missing ): ("},
            {"header_matches = { \"a b\" = \"x\" }",
             "header_matches: 'a b' is not the name of an HTTP header"},
            {"json_values = { status = \"ok\" }",
             "json_values: 'status' is not a JSON pointer such as /items/0/name"},
            {"json_values = { \"/a\" = \"< x\" }", "json_values./a: '< x' compares with no number"},
            {"json_values = { \"/a\" = \"~ (\" }",
             "json_values./a: is not a regular expression: missing ): ("},
            {"redirect_matches = \"(\"",
             "redirect_matches: is not a regular expression: missing ): ("},
            {"expect_http_version = \"3\"",
             "expect_http_version: '3' is not \"1.0\", \"1.1\" or \"2\""},
            {"body_size_max = \"17MiB\"", "body_size_max: 17825792 is not from 0 to 16777216"},
            {"content_length_min = \"2KiB\"\ncontent_length_max = \"1KiB\"",
             "content_length_min: is above content_length_max"},
            {"last_modified_age = \"10ms\"", "last_modified_age: 10ms is not from 1s to 3650d"},
            {"certificate_days = 3651", "certificate_days: 3651 is not from 0 to 3650"},
            {"chain_days = -1", "chain_days: -1 is below 0"},
            {"resolve_latency = \"0s\"", "resolve_latency: 0s is not from 1ms to 1d"},
            {"connect_latency = \"0s\"", "connect_latency: 0s is not from 1ms to 1d"},
            {"tls_latency = \"0s\"", "tls_latency: 0s is not from 1ms to 1d"},
            {"first_byte_latency = \"0s\"", "first_byte_latency: 0s is not from 1ms to 1d"},
            {"transfer_latency = \"0s\"", "transfer_latency: 0s is not from 1ms to 1d"},
            {"addresses = \"each\"", "addresses: 'each' is not \"any\", \"first\" or \"all\""},
            {"tls_verify = 0", "tls_verify: expected true or false, found an integer"},
            {"tls_server_name = \"a b\"",
             "tls_server_name: 'a b' is not a host name or an IP address"},
            {"ca_file = \"ca.pem\"", "ca_file: 'ca.pem' is not an absolute path"},
            {"client_certificate = \"c.pem\"",
             "client_certificate: 'c.pem' is not an absolute path"},
            {"tls_version_min = \"1.4\"",
             "tls_version_min: '1.4' is not \"any\", \"1.0\", \"1.1\", \"1.2\" or \"1.3\", did you "
             "mean 1.0"},
            {"tls_version_min = \"1.3\"\ntls_version_max = \"1.2\"",
             "tls_version_min: is above tls_version_max"},
        });
}

TEST_CASE("a tcp check says what is wrong with its subject") {
    check_each("tcp", {},
               {
                   {"address = \"a\"", "address: 'a' has no port: write HOST:PORT"},
               });
}

TEST_CASE("a tcp check says what is wrong with each key") {
    check_each(
        "tcp", "address = \"a:1\"\n",
        {
            {"expect = \"(\"", "expect: is not a regular expression: missing ): ("},
            {"send = \"x\"\nstep = [{ expect = \"a\" }]", "send: belongs into the first step"},
            {"expect = \"x\"\nstep = [{ expect = \"a\" }]", "expect: belongs into the first step"},
            {"step = [{ send = \"{{host}}\" }]", "step[0].send: no earlier expect captures host"},
            {"step = [{ send = \"{{host\" }]", "step[0].send: a {{ without its }}"},
            {"step = [{ expct = \"a\" }]", "step[0].expct: unknown key, did you mean expect"},
            {"step = [1]", "step[0]: expected a table, found an integer"},
            {"tls = true\nstep = [{ starttls = true }]", "step[0].starttls: TLS is spoken already"},
            {"step = []", "step: expected at least one table with send, expect and starttls"},
            {"client_key = \"/k\"", "client_key: has no client_certificate that it belongs to"},
            {"step = [{ starttls = 1 }]",
             "step[0].starttls: expected true or false, found an integer"},
            {"tls = \"yes\"", "tls: expected true or false, found a string"},
            {"step = [{ expect = \"(\" }]",
             "step[0].expect: is not a regular expression: missing ): ("},
        });
}

TEST_CASE("every check says what is wrong with each key") {
    check_each(
        "tcp", "address = \"a:1\"\n",
        {
            {"fail_after = 0", "fail_after: 0 is not from 1 to 100"},
            {"recover_after = 101", "recover_after: 101 is not from 1 to 100"},
            {"expect_failure = \"yes\"", "expect_failure: expected true or false, found a string"},
            {"scope = \"zone\"", "scope: 'zone' is not \"mesh\" or \"host\""},
            {"witnesses = 0", "witnesses: 0 is not from 1 to 1000"},
            {"witnesses = 3\nquorum = 4", "quorum: 4 is more than the 3 witnesses"},
            {"on_partition = \"stop\"",
             "on_partition: 'stop' is not \"freeze\", \"local\" or \"page\""},
            {"family = 5", "family: '5' is not \"any\", \"4\" or \"6\""},
            {"labels = { \"a b\" = \"1\" }",
             "labels: 'a b' is not a label's name: letters, digits and '_'"},
            {"runbook = \"a\\nb\"", "runbook: holds a control character"},
            {"owner = 1", "owner: expected a string, found an integer"},
            {"depends_on = [\"A B\"]",
             "depends_on[0]: 'A B' is not a name: up to 64 of a-z, 0-9, '.', '_' and '-', "
             "beginning with a letter or a digit"},
            {"escalate = 1", "escalate: expected the name of a policy, found an integer"},
            {"slo = \"101%\"", "slo: a percentage is from 0 to 100"},
        });
}

TEST_CASE("a tls check says what is wrong with its subject") {
    check_each("tls", {},
               {
                   {"address = \"a\"", "address: 'a' has no port: write HOST:PORT"},
               });
}

TEST_CASE("a tls check says what is wrong with each key") {
    check_each(
        "tls", "address = \"a:1\"\n",
        {
            {"starttls = \"http\"",
             "starttls: 'http' is not \"none\", \"smtp\", \"imap\", \"pop3\", \"ftp\", \"ldap\", "
             "\"xmpp\" or \"postgres\""},
            {"fingerprints = [\"00\"]",
             "fingerprints[0]: '00' is not a SHA-256 fingerprint: 64 of 0-9 and a-f"},
            {"subject_matches = \"(\"",
             "subject_matches: is not a regular expression: missing ): ("},
            {"issuer_matches = \"(\"", "issuer_matches: is not a regular expression: missing ): ("},
            {"names = [\"a\\nb\"]", "names[0]: holds a control character"},
            {"alpn = [\"\"]", "alpn[0]: a protocol has 1 to 255 bytes"},
            {"refused_version = \"1.3\"",
             "refused_version: every version would be refused: at most \"1.2\""},
            {"refused_version = \"1.2\"\ntls_version_max = \"1.1\"",
             "refused_version: refuses all that tls_version_max offers"},
        });
}

TEST_CASE("a grpc check says what is wrong with its subject") {
    check_each("grpc", {},
               {
                   {"address = \"a\"", "address: 'a' has no port: write HOST:PORT"},
               });
}

TEST_CASE("a grpc check says what is wrong with each key") {
    check_each(
        "grpc", "address = \"a:1\"\n",
        {
            {"service = \"a\\nb\"", "service: holds a control character"},
            {"metadata = { \"a b\" = \"1\" }", "metadata: 'a b' is not the name of an HTTP header"},
            {"certificate_days = 3651", "certificate_days: 3651 is not from 0 to 3650"},
        });
}

TEST_CASE("an icmp check says what is wrong with its subject") {
    check_each("icmp", {},
               {
                   {"address = \"a b\"", "address: 'a b' is not a host name or an IP address"},
               });
}

TEST_CASE("an icmp check says what is wrong with each key") {
    check_each(
        "icmp", "address = \"a\"\n",
        {
            {"packets = 0", "packets: 0 is not from 1 to 100"},
            {"size = 65001", "size: 65001 is not from 0 to 65000"},
            {"loss_above = \"101%\"", "loss_above: a percentage is from 0 to 100"},
            {"rtt_min_above = \"0s\"", "rtt_min_above: 0s is not from 1ms to 1m"},
            {"rtt_avg_above = \"0s\"", "rtt_avg_above: 0s is not from 1ms to 1m"},
            {"rtt_max_above = \"0s\"", "rtt_max_above: 0s is not from 1ms to 1m"},
            {"jitter_above = \"0s\"", "jitter_above: 0s is not from 1ms to 1m"},
            {"ttl = 256", "ttl: 256 is not from 0 to 255"},
            {"dont_fragment = \"yes\"", "dont_fragment: expected true or false, found a string"},
        });
}

TEST_CASE("a dns check says what is wrong with its subject") {
    check_each("dns", {},
               {
                   {"name = \"a b\"", "name: 'a b' is not a domain name"},
               });
}

TEST_CASE("a dns check says what is wrong with each key") {
    check_each(
        "dns", "name = \"a\"\n",
        {
            {"server = \"b:x\"", "server: 'x' is not a port from 1 to 65535"},
            {"transport = \"tls\"", "transport: 'tls' is not \"udp\" or \"tcp\""},
            {"answers_min = 1001", "answers_min: 1001 is not from 0 to 1000"},
            {"answers_match = \"(\"", "answers_match: is not a regular expression: missing ): ("},
            {"answers_any_match = \"(\"",
             "answers_any_match: is not a regular expression: missing ): ("},
            {"answers_not_match = \"(\"",
             "answers_not_match: is not a regular expression: missing ): ("},
            {"ttl_below = 60", "ttl_below: expected a duration such as \"10s\", found an integer"},
            {"ttl_above = \"367d\"", "ttl_above: 367d is not from 0s to 366d"},
            {"authoritative = \"yes\"", "authoritative: expected true or false, found a string"},
            {"recursion = 1", "recursion: expected true or false, found an integer"},
        });
}

TEST_CASE("a journey says what is wrong with each key") {
    check_each("journey", {},
               {
                   {"",
                    "step is missing: expected an array of tables, each an http request with name, "
                    "always and extract"},
                   {"step = []", "step: expected at least one table [[journey.NAME.step]]"},
                   {"step = [{ name = \"a\" }]", "step[0]: url is missing"},
                   {"step = [{ url = \"http://a/\", always = 1 }]",
                    "step[0].always: expected true or false, found an integer"},
                   {"step = [{ url = \"http://a/\", urll = \"b\" }]",
                    "step[0].urll: unknown key, did you mean url"},
                   {"step = [{ url = \"http://a/\", addresses = \"all\" }]",
                    "step[0].addresses: a journey's step asks one address"},
                   {"step = [{ url = \"http://a/\", extract = { a = \"xml:/b\" } }]",
                    "step[0].extract.a: 'xml:/b' is not json:/POINTER, header:NAME, cookie:NAME or "
                    "body:EXPRESSION"},
                   {"step = [{ url = \"http://a/\", extract = { \"a b\" = \"json:/b\" } }]",
                    "step[0].extract: 'a b' is not a name of letters, digits, '_' and '-'"},
                   {"step = [{ url = \"http://a/\", extract = { a = \"body:(\" } }]",
                    "step[0].extract.a: is not a regular expression: missing ): ("},
                   {"step = [{ url = \"http://a/{{b}}\" }]", "step[0]: no earlier step extracts b"},
                   {"step = [{ url = \"http://{{b}}/\" }]",
                    "step[0].url: 'http://{{b}}/' is not a URL such as https://www.example.com/: "
                    "'{{b}}' is no host"},
                   {"step = [{ url = \"http://a/\", body = \"1\", body_json = \"{}\" }]",
                    "step[0].body_json: body gives the body already"},
               });
}

TEST_CASE("a command says what is wrong with its subject") {
    check_each("command", {},
               {
                   {"command = []",
                    "command: expected an array of the program's absolute path and its arguments "
                    "(no shell is involved), found an empty array"},
               });
}

TEST_CASE("a command says what is wrong with each key") {
    check_each(
        "command", "command = [\"/bin/true\"]\n",
        {
            {"memory_max = \"x\"", "memory_max: 'x' is not a size such as \"1MiB\""},
            {"processes_max = 0", "processes_max: 0 is not from 1 to 1000000"},
            {"file_size_max = \"5%\"", "file_size_max: '5%' is not a size such as \"1MiB\""},
            {"working_directory = \"tmp\"", "working_directory: 'tmp' is not an absolute path"},
            {"fail_on = \"unknown\"", "fail_on: 'unknown' is not \"warning\" or \"critical\""},
            {"env = { \"A-B\" = \"1\" }", "env: 'A-B' is not the name of an environment variable"},
        });
}

TEST_CASE("a disk check says what is wrong with each key") {
    check_each("disk", "path = \"/\"\n",
               {
                   {"used_above = \"x\"", "used_above: 'x' is not a size such as \"1MiB\""},
                   {"mounted = 1", "mounted: expected true or false, found an integer"},
               });
}

TEST_CASE("a memory check says what is wrong with each key") {
    check_each("memory", {},
               {
                   {"swap_used_above = \"101%\"", "swap_used_above: a percentage is from 0 to 100"},
               });
}

TEST_CASE("a load check says what is wrong with each key") {
    check_each("load", {},
               {
                   {"pressure_above = \"101%\"", "pressure_above: a percentage is from 0 to 100"},
                   {"io_pressure_above = \"x\"",
                    "io_pressure_above: 'x' is not a percentage such as \"99.9%\" or 99.9"},
               });
}

TEST_CASE("a process check says what is wrong with each key") {
    check_each(
        "process", "pidfile = \"/a\"\n",
        {
            {"name = \"/usr/sbin/sshd\"",
             "name: holds a '/': a process is called by its program without the directory"},
            {"age_below = \"367d\"", "age_below: 367d is not from 0s to 366d"},
            {"age_above = 5", "age_above: expected a duration such as \"10s\", found an integer"},
            {"rss_above = \"x\"", "rss_above: 'x' is not a size such as \"1MiB\""},
            {"count_max = \"x\"", "count_max: 'x' is not a whole number or \"any\""},
        });
}

TEST_CASE("a unit check says what is wrong with each key") {
    check_each("unit", "unit = \"a\"\n",
               {
                   {"active_below = \"x\"",
                    "active_below: 'x' is not a duration such as 10s, 800ms or 1h30m"},
               });
}

TEST_CASE("a file check says what is wrong with its subject") {
    check_each("file", {},
               {
                   {"path = \"a\"", "path: 'a' is not an absolute path"},
               });
}

TEST_CASE("a file check says what is wrong with each key") {
    check_each(
        "file", "path = \"/a\"\n",
        {
            {"missing = \"no\"", "missing: 'no' is not \"fail\" or \"ok\""},
            {"older_than = \"3661d\"", "older_than: 3661d is not from 0s to 3660d"},
            {"newer_than = 5", "newer_than: expected a duration such as \"10s\", found an integer"},
            {"age_of = \"first\"", "age_of: 'first' is not \"newest\" or \"oldest\""},
            {"size_below = \"x\"", "size_below: 'x' is not a size such as \"1MiB\""},
            {"count_min = -1", "count_min: -1 is below 0"},
            {"count_min = 2\ncount_max = 1", "count_max: 1 is below count_min, which is 2"},
        });
}

TEST_CASE("a heartbeat says what is wrong with each key") {
    check_each("heartbeat", "period = \"1d\"\n",
               {
                   {"grace = \"367d\"", "grace: 367d is not from 0s to 366d"},
                   {"runtime_above = \"0s\"", "runtime_above: 0s is not from 1ms to 366d"},
               });
}

TEST_CASE("a mysql check says what is wrong with its subject") {
    check_each("mysql", {},
               {
                   {"address = \"a b\"", "address: 'a b' is not a host name or an IP address"},
               });
}

TEST_CASE("a mysql check says what is wrong with each key") {
    check_each(
        "mysql", "address = \"db\"\n",
        {
            {"query = \"SELECT 1\"\nrows_min = 10001", "rows_min: 10001 is not from 0 to 10000"},
            {"role = \"master\"", "role: 'master' is not \"any\", \"primary\" or \"replica\""},
            {"lag_above = \"x\"", "lag_above: 'x' is not a duration such as 10s, 800ms or 1h30m"},
            {"ca_file = \"ca.pem\"", "ca_file: 'ca.pem' is not an absolute path"},
            {"query = \"SELECT 1\"\nexpect = \"(\"",
             "expect: is not a regular expression: missing ): ("},
            {"query = \"SELECT 1\"\nvalue_below = -1", "value_below: -1 is not a number from 0 on"},
            {"query = \"SELECT 1\"\nrows_min = 2\nrows_max = 1",
             "rows_max: 1 is below rows_min, which is 2"},
        });
}

TEST_CASE("a postgres check says what is wrong with each key") {
    check_each("postgres", {},
               {
                   {"address = \"a b\"", "address: 'a b' is not a host name or an IP address"},
               });
}

TEST_CASE("an ntp check says what is wrong with each key") {
    check_each("ntp", "server = \"a\"\n",
               {
                   {"offset_above = \"0s\"", "offset_above: 0s is not from 1ms to 1d"},
                   {"root_dispersion_above = 5",
                    "root_dispersion_above: expected a duration such as \"10s\", found an integer"},
               });
}

}  // namespace
}  // namespace picket::checks
