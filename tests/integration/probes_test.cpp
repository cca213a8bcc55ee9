// Probes against real servers: what passes, and what each failure says.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "checks/definition_parser.h"
#include "tests/support/probe_run.h"
#include "tests/support/servers.h"

namespace picket::testing {
namespace {

using checks::Definition;
using checks::FailureClass;
using checks::Finding;
using checks::Outcome;

Definition define(const std::string& text) {
    const checks::ParseContext context{
        "test", [](checks::Source, std::string_view) -> Result<std::string> { return "s3cret"; }};
    checks::ParsedFile parsed = checks::parse_definitions(text, "test.toml", context);
    for (const Problem& problem : parsed.problems) MESSAGE(to_text(problem));
    REQUIRE(parsed.definitions.size() == 1);
    return parsed.definitions.front();
}

// Asks a check once, and again with each of the lines that it must fail with.
struct Asked {
    ProbeBench bench;

    Outcome outcome(const std::string& text) { return bench.ask(define(text)); }
    std::string message(const std::string& text) {
        const Outcome found = outcome(text);
        CHECK(found.finding == Finding::failed);
        return found.message;
    }
    bool passes(const std::string& text) {
        const Outcome found = outcome(text);
        if (found.finding != Finding::passed) MESSAGE(found.message);
        return found.finding == Finding::passed;
    }
};

// Certificates of every kind, below one directory.
class Authority {
public:
    Authority() {
        std::ofstream(directory_.path("make.sh")) << script;
        const Finished made = run({"/bin/sh", directory_.path("make.sh"), directory_.path()});
        REQUIRE_MESSAGE(made.exit_code == 0, made.errors);
    }
    std::string operator[](const std::string& name) const { return directory_.path(name); }

private:
    static constexpr const char* script = R"(set -e; cd "$1"
key() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }
request() { openssl req -new -key $1.key -subj "$2" -out $1.csr; }
sign() { printf "$4" >ext; openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key \
    -CAcreateserial -days $3 -extfile ext -out $1.crt; }
ca='basicConstraints=critical,CA:TRUE\n'
name='subjectAltName=DNS:localhost,IP:127.0.0.1\n'
for root in root old; do
    key $root; openssl req -x509 -new -key $root.key -subj "/CN=$root" -days 300 -out $root.crt
done
key middle; request middle /CN=middle; sign middle root 200 "$ca"
key leaf; request leaf "/O=picket/CN=localhost"; sign leaf middle 90 "$name"
key soon; request soon /CN=localhost; sign soon root 3 "$name"
key over; request over /CN=localhost; sign over root -1 "$name"
key other; request other /CN=other; sign other root 90 'subjectAltName=DNS:other.test\n'
key client; request client /CN=client; sign client root 90 'extendedKeyUsage=clientAuth\n'
# A root that an older one has signed too, in a certificate that ended yesterday.
cp root.key cross.key; openssl req -new -key root.key -subj /CN=root -out cross.csr
sign cross old -1 "$ca"
cat middle.crt cross.crt >crossed.pem; cat leaf.crt middle.crt >leaf.pem
cat client.crt client.key >client.pem
)";
    TemporaryDirectory directory_;
};

// openssl s_server with the given arguments beside its port. As a web server it does
// not look at its standard input, whose end would end a connection.
class TlsServer {
public:
    explicit TlsServer(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"/usr/bin/openssl", "s_server", "-www", "-accept",
                                             "127.0.0.1:" + std::to_string(port_)});
        process_ = std::make_unique<Process>(std::move(arguments));
        REQUIRE(await_port(port_));
    }
    std::string check(const std::string& more) const {
        return fmt::format(
            "[tls.x]\naddress = \"127.0.0.1:{}\"\ntls_server_name = \"localhost\"\n{}", port_,
            more);
    }

private:
    int port_ = free_port();
    std::unique_ptr<Process> process_;
};

TEST_CASE("chains of every kind: trusted, expiring, expired, incomplete, for another name") {
    Authority pki;
    Asked asked;
    const std::string trusted = "ca_file = \"" + pki["root.crt"] + "\"\n";
    {
        TlsServer server(
            {"-cert", pki["leaf.crt"], "-key", pki["leaf.key"], "-cert_chain", pki["middle.crt"]});
        CHECK(asked.passes(
            server.check(trusted +
                         "certificate_days = 80\nchain_days = 80\nnames = [\"localhost\"]\n"
                         "subject_matches = 'O=picket'\nissuer_matches = 'CN=middle'\n")));
        CHECK(asked.message(server.check(trusted + "certificate_days = 100\n"))
                  .starts_with("certificate of localhost expires in 89 days ("));
        CHECK(asked.message(server.check(trusted + "names = [\"www.test\"]\n")) ==
              "the certificate is not for www.test, but for localhost, 127.0.0.1");
        CHECK(asked.message(server.check(trusted + "issuer_matches = 'Other'\n")) ==
              "issuer does not match \"Other\": \"CN=middle\"");
        CHECK(asked.message(server.check(trusted + "subject_matches = 'Other'\n")) ==
              "subject does not match \"Other\": \"CN=localhost,O=picket\"");
        CHECK(asked.message(server.check(trusted + "alpn = [\"h2\"]\n")) ==
              "protocol none, expected h2");
        CHECK(asked
                  .message(
                      server.check(trusted + "fingerprints = [\"" + std::string(64, 'a') + "\"]\n"))
                  .starts_with("fingerprint "));
        const Outcome untrusted = asked.outcome(server.check(""));
        CHECK(untrusted.failure_class == FailureClass::certificate);
        CHECK(contains(untrusted.message, "unable to get local issuer certificate"));
        CHECK(contains(untrusted.detail,
                       "certificate: subject CN=localhost,O=picket, issuer "
                       "CN=middle, valid from "));
    }
    {
        TlsServer server({"-cert", pki["leaf.crt"], "-key", pki["leaf.key"]});
        CHECK(contains(asked.message(server.check(trusted)),
                       "certificate of localhost: unable to get local issuer certificate"));
    }
    {
        // The chain that verifies ends at the root; the expired certificate is not in it.
        TlsServer server(
            {"-cert", pki["leaf.crt"], "-key", pki["leaf.key"], "-cert_chain", pki["crossed.pem"]});
        CHECK(asked.passes(server.check(trusted + "chain_days = 80\n")));
        CHECK(contains(asked.message(server.check("ca_file = \"" + pki["old.crt"] + "\"\n")),
                       "certificate of localhost: certificate has expired"));
    }
    {
        TlsServer server({"-cert", pki["over.crt"], "-key", pki["over.key"]});
        CHECK(contains(asked.message(server.check(trusted)),
                       "certificate of localhost: certificate has expired (subject CN=localhost"));
        CHECK(asked.message(server.check("tls_verify = false\ncertificate_days = 1\n"))
                  .starts_with("certificate of localhost expired "));
    }
    {
        TlsServer server({"-cert", pki["other.crt"], "-key", pki["other.key"]});
        CHECK(contains(asked.message(server.check(trusted)),
                       "certificate of localhost: hostname mismatch (subject CN=other"));
    }
}

TEST_CASE("TLS versions: what is offered, what is chosen, what must be refused") {
    Authority pki;
    Asked asked;
    const std::vector<std::string> key{"-cert", pki["leaf.crt"], "-key", pki["leaf.key"]};
    {
        TlsServer server(key);
        const Outcome newest = asked.outcome(server.check("tls_verify = false\n"));
        CHECK(newest.message.starts_with("TLS 1.3 with 127.0.0.1:"));
        const Outcome older =
            asked.outcome(server.check("tls_verify = false\ntls_version_max = \"1.2\"\n"));
        CHECK(older.message.starts_with("TLS 1.2 with 127.0.0.1:"));
        CHECK(asked.passes(server.check("tls_verify = false\nrefused_version = \"1.1\"\n")));
        CHECK(
            contains(asked.message(server.check("tls_verify = false\nrefused_version = \"1.2\"\n")),
                     " accepts TLS 1.2, expected it to be refused"));
    }
    std::vector<std::string> weak = key;
    weak.insert(weak.end(), {"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"});
    TlsServer server(weak);
    const Outcome refused = asked.outcome(server.check("tls_verify = false\n"));
    CHECK(refused.failure_class == FailureClass::tls);
    CHECK(asked.passes(server.check("tls_verify = false\ntls_version_min = \"1.1\"\n")));
}

TEST_CASE("nginx: client certificates, HTTP/2, redirects, JSON, credentials") {
    Authority pki;
    const int secured = free_port();
    const std::string tls = fmt::format(
        "server {{ listen 127.0.0.1:{} ssl http2; ssl_certificate {}; ssl_certificate_key {};\n"
        "ssl_client_certificate {}; ssl_verify_client optional;\n"
        "location / {{ if ($ssl_client_verify != SUCCESS) {{ return 403; }} return 200 'hello'; "
        "}}\n"
        "location /open {{ return 200 'open'; }} }}\n",
        secured, pki["leaf.pem"], pki["leaf.key"], pki["root.crt"]);
    Nginx web(tls +
              "server { listen 127.0.0.1:PORT; default_type application/json;\n"
              "location /json { return 200 '{\"status\":\"ok\",\"queue\":{\"length\":7}}'; }\n"
              "location /to { return 301 https://example.test/there; }\n"
              "location /echo { return 200 '$http_authorization $http_user_agent $http_cookie "
              "$request_method $content_type'; }\n"
              "location /zip { gzip on; gzip_min_length 1; gzip_types text/plain; default_type "
              "text/plain; root DIR; } }");
    web.directory().write("zip", std::string(5000, 'z'));
    std::filesystem::permissions(web.directory().path("zip"), std::filesystem::perms(0644));
    Asked asked;
    const auto http = [&](const std::string& path, const std::string& more) {
        return fmt::format("[http.x]\nurl = \"{}\"\n{}", web.url(path), more);
    };
    const auto https = [&](const std::string& path, const std::string& more) {
        return fmt::format(
            "[http.x]\nurl = \"https://localhost:{}{}\"\nconnect_to = "
            "\"127.0.0.1\"\nca_file = \"{}\"\n{}",
            secured, path, pki["root.crt"], more);
    };
    const std::string client = "client_certificate = \"" + pki["client.pem"] + "\"\n";
    CHECK(asked.passes(https("/", client + "expect_http_version = \"2\"\nchain_days = 80\n")));
    CHECK(asked.message(https("/", "")) == "status 403, expected 2xx");
    CHECK(asked.message(https("/open", "http_version = \"1.1\"\nexpect_http_version = \"2\"\n")) ==
          "HTTP version 1.1, expected 2");
    CHECK(asked.message(https("/open", "chain_days = 100\n"))
              .starts_with("a certificate in the chain of localhost expires in 89 days ("));
    CHECK(asked.passes(http("/json",
                            "json_values = { \"/status\" = \"ok\", "
                            "\"/queue/length\" = \"< 10\" }\n")));
    CHECK(asked.message(http("/json", "json_values = { \"/queue/length\" = \"< 5\" }\n")) ==
          "json /queue/length is \"7\", expected < 5");
    CHECK(asked.passes(http("/to",
                            "follow_redirects = false\nstatus = 301\n"
                            "redirect_matches = '^https://example.test/there$'\n")));
    CHECK(asked.message(http("/to",
                             "follow_redirects = false\nstatus = 301\n"
                             "redirect_matches = 'elsewhere'\n")) ==
          "redirect target does not match \"elsewhere\": \"https://example.test/there\"");
    CHECK(asked.passes(http("/echo",
                            "basic_auth = \"u:${env:P}\"\nuser_agent = \"me/1\"\n"
                            "cookies = { a = \"1\" }\n"
                            "body_contains = \"Basic dTpzM2NyZXQ= me/1 a=1 GET\"\n")));
    CHECK(asked.passes(http("/echo",
                            "bearer = \"${env:P}\"\nbody_json = '{}'\nbody_contains = "
                            "\"Bearer s3cret\"\nbody_matches = "
                            "'POST application/json$'\n")));
    CHECK(asked.passes(http("/echo",
                            "body_form = { a = \"b c\" }\nbody_matches = "
                            "'POST application/x-www-form-urlencoded$'\n")));
    CHECK(asked.message(http("/json", "body_contains = \"missing\"\n")) ==
          "body does not contain \"missing\" (first bytes: "
          "\"{\"status\":\"ok\",\"queue\":{\"length\":7}}\")");
    CHECK(asked.passes(http("/zip", "compression = true\ncontent_length_min = 5000\n")));
    CHECK(asked.message(http("/zip", "content_length_max = 100\n")) ==
          "body of 5000 bytes, expected at most 100");
    CHECK(asked.passes(http("/zip", "last_modified_age = \"1h\"\n")));
    CHECK(asked.message(http("/json", "last_modified_age = \"1h\"\n")) ==
          "Last-Modified is not told, expected at most 1h ago");
    const Outcome refused = asked.outcome(https("/", "client_certificate = \"/nowhere.pem\"\n"));
    CHECK(refused.finding == Finding::errored);
}

TEST_CASE("a name with one dead address is found where all are asked") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200; } }");
    Dnsmasq names({"--host-record=both.test,127.0.0.1,::1"});
    Asked asked;
    const auto check = [&](const std::string& type, const std::string& target,
                           const std::string& which) {
        return fmt::format("[{}.x]\n{}\nresolver = \"127.0.0.1:{}\"\naddresses = \"{}\"\n", type,
                           target, names.port(), which);
    };
    const std::string url = fmt::format("url = \"http://both.test:{}/\"", web.port());
    const std::string address = fmt::format("address = \"both.test:{}\"", web.port());
    CHECK(asked.passes(check("http", url, "any")));
    CHECK(asked.passes(check("tcp", address, "any")));
    for (const auto& text : {check("http", url, "all"), check("tcp", address, "all")}) {
        const std::string message = asked.message(text);
        CHECK(contains(message, fmt::format("1 of 2 addresses: [::1]:{}: ", web.port())));
        CHECK(contains(message, "connection refused"));
    }
}

TEST_CASE("a gRPC server is asked by the health protocol, in the clear and in TLS") {
    Authority pki;
    const int plain = free_port();
    const int secured = free_port();
    const std::string program = "tests/support/health_server.py";
    Process server({"/usr/bin/python3", program, std::to_string(plain)});
    Process tls(
        {"/usr/bin/python3", program, std::to_string(secured), pki["leaf.key"], pki["leaf.pem"]});
    REQUIRE(await_port(plain));
    REQUIRE(await_port(secured));
    Asked asked;
    const auto grpc = [](int port, const std::string& more) {
        return fmt::format("[grpc.x]\naddress = \"127.0.0.1:{}\"\n{}", port, more);
    };
    const std::string trusted = "tls = true\nca_file = \"" + pki["root.crt"] + "\"\n";
    CHECK(asked.passes(grpc(plain, "")));
    CHECK(asked.passes(grpc(plain, "service = \"down\"\nstatus = \"NOT_SERVING\"\n")));
    CHECK(asked.message(grpc(plain, "service = \"down\"\n")) ==
          "serving status NOT_SERVING, expected SERVING");
    CHECK(asked.message(grpc(plain, "service = \"none\"\n")) ==
          "gRPC status NOT_FOUND: no such service: none, expected OK");
    CHECK(asked.message(grpc(plain, "service = \"odd\"\n"))
              .ends_with("answers with a protobuf field without a tag"));
    CHECK(asked.outcome(grpc(plain, "service = \"up\"\ntls = true\n")).failure_class ==
          FailureClass::tls);
    CHECK(asked.passes(grpc(secured, trusted + "certificate_days = 80\n")));
    CHECK(asked.message(grpc(secured, trusted + "certificate_days = 100\n"))
              .starts_with("certificate of 127.0.0.1 expires in 89 days ("));
    Nginx web("server { listen 127.0.0.1:PORT http2; location / { return 200 'x'; } }");
    CHECK(contains(asked.message(grpc(web.port(), "")), "no grpc-status: not gRPC"));
}

TEST_CASE("a journey carries cookies and values from step to step, and cleans up") {
    Nginx web(
        "server { listen 127.0.0.1:PORT; default_type application/json;\n"
        "location /login { add_header Set-Cookie 'sid=42; Path=/'; add_header X-Order 7;\n"
        "  return 200 '{\"token\":\"t1\"}'; }\n"
        "location /order/7 { if ($http_authorization != 'Bearer t1') { return 401; }\n"
        "  if ($cookie_sid != 42) { return 403; } return 201 'placed'; }\n"
        "location /clean { access_log DIR/cleaned; return 200; } }");
    Asked asked;
    const auto journey = [&](const std::string& order, const std::string& more) {
        return fmt::format(
            "[journey.x]\ntimeout = \"5s\"\ninterval = \"1m\"\n[[journey.x.step]]\nname = "
            "\"login\"\n"
            "url = \"{0}\"\nextract = {{ token = \"json:/token\", order = \"header:X-Order\", sid "
            "= "
            "\"cookie:sid\", t = 'body:\"(t.)\"' }}\n[[journey.x.step]]\nname = \"order\"\nurl = "
            "\"{1}\"\nbearer = \"{{{{t}}}}\"\nstatus = 201\n{2}\n[[journey.x.step]]\nname = "
            "\"tidy\"\nalways = true\nurl = \"{3}\"\n",
            web.url("/login"), web.url(order), more, web.url("/clean?{{sid}}"));
    };
    const Outcome good = asked.outcome(journey("/order/{{order}}", ""));
    CHECK_MESSAGE(good.finding == Finding::passed, good.message);
    CHECK(good.message.starts_with("3 steps in "));
    REQUIRE(good.metrics.size() == 3);
    CHECK(good.metrics[1].label == "order");

    const Outcome bad = asked.outcome(journey("/order/{{order}}", "body_contains = \"sent\"\n"));
    CHECK(bad.message == "step order: body does not contain \"sent\" (first bytes: \"placed\")");
    CHECK(bad.metrics.size() == 3);  // The last step was taken all the same.
    CHECK(contains(bad.detail, "HTTP/1.1 201"));
    CHECK(asked.message(journey("/none", "")) == "step order: status 404, expected 201");
    const std::string missing = fmt::format(
        "[journey.x]\n[[journey.x.step]]\nurl = \"{}\"\nextract = {{ a = \"json:/none\" }}\n",
        web.url("/login"));
    CHECK(asked.message(missing) == "step 1: a: nothing in the answer at json:/none");
}

// The check of that name in the shipped examples, asked of another port.
std::string example(const std::string& name, const std::string& port, int own_port) {
    std::ifstream file("packaging/examples/dialogues.toml");
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::size_t begin = text.find("[tcp." + name + "]");
    REQUIRE(begin != std::string::npos);
    std::string part = text.substr(begin, text.find("\n# ", begin) - begin);
    const std::size_t at = part.find("127.0.0.1:" + port);
    REQUIRE(at != std::string::npos);
    return part.replace(at, 10 + port.size(), "127.0.0.1:" + std::to_string(own_port));
}

TEST_CASE("the shipped dialogues hold with real daemons, and fail with the wrong one") {
    TemporaryDirectory directory;
    std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
    Asked asked;
    const int redis_port = free_port(), ssh_port = free_port(), smtp_port = free_port();
    Process redis({"/usr/bin/redis-server", "--port", std::to_string(redis_port), "--bind",
                   "127.0.0.1", "--save", "", "--dir", directory.path()});
    const std::string key = directory.path("host_key");
    REQUIRE(run({"/usr/bin/dropbearkey", "-t", "ed25519", "-f", key}).exit_code == 0);
    Process ssh({"/usr/sbin/dropbear", "-F", "-E", "-p", "127.0.0.1:" + std::to_string(ssh_port),
                 "-r", key, "-P", directory.path("ssh.pid")},
                {}, Process::Errors::with_output);
    Process smtp({"/usr/bin/python3", "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink", "-l",
                  "127.0.0.1:" + std::to_string(smtp_port)});
    for (const int port : {redis_port, ssh_port, smtp_port}) REQUIRE(await_port(port));
    CHECK(asked.passes(example("redis", "6379", redis_port)));
    CHECK(asked.passes(example("ssh", "22", ssh_port)));
    CHECK(asked.passes(example("smtp", "25", smtp_port)));
    const Outcome wrong =
        asked.bench.ask_until_said(define(example("smtp", "25", ssh_port)), "first bytes");
    CHECK(wrong.failure_class == FailureClass::content);
    CHECK(contains(wrong.message, "step 1: "));
    CHECK(contains(wrong.message,
                   "no match for \"(?m)^220 (?P<host>\\S+)\" (first bytes: \"SSH-2.0-"));
    CHECK(contains(wrong.detail, "SSH-2.0-"));
    if (!Dovecot::can_run()) return;
    const Dovecot imap;
    CHECK(asked.passes(example("imap", "143", imap.port())));
}

}  // namespace
}  // namespace picket::testing
