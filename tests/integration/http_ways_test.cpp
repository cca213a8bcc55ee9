// The ways of an http check to its server, and what it brings along: real proxies, a
// unix socket, names beyond ASCII, digest authentication, a body out of a file.

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "tests/support/ask_check.h"
#include "tests/support/servers.h"

namespace picket::testing {
namespace {

using namespace std::chrono_literals;

std::string http(const std::string& url, const std::string& more) {
    return fmt::format("[http.x]\nurl = \"{}\"\n{}", url, more);
}

// tinyproxy, which asks for a password.
class HttpProxyServer {
public:
    HttpProxyServer() {
        process_ = std::make_unique<Process>(std::vector<std::string>{
            "/usr/bin/tinyproxy", "-d", "-c",
            directory_.write("conf", fmt::format("Port {}\nListen 127.0.0.1\nTimeout 20\n"
                                                 "LogFile \"{}\"\nBasicAuth picket secret\n",
                                                 port_, directory_.path("log")))});
        REQUIRE(await_port(port_));
    }
    int port() const { return port_; }
    std::string log() const { return directory_.read("log"); }

private:
    TemporaryDirectory directory_;
    int port_ = free_port();
    std::unique_ptr<Process> process_;
};

// A server that is about to be ready, or to write its log, sends no event: looks again, shortly.
template <typename Condition>
bool await_that(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        poll(nullptr, 0, 5);
    }
    return true;
}

TEST_CASE("an http proxy is asked, by CONNECT where the URL is secured") {
    const TemporaryDirectory directory;
    const std::string certificate = make_certificate(directory, "site", "localhost", 30);
    const int secured = free_port();
    Nginx web(
        fmt::format("server {{ listen 127.0.0.1:PORT; location / {{ return 200 'plain'; }} }}\n"
                    "server {{ listen 127.0.0.1:{0} ssl; ssl_certificate {1}.crt; "
                    "ssl_certificate_key {1}.key; location / {{ return 200 'sealed'; }} }}",
                    secured, certificate));
    const HttpProxyServer proxy;
    const std::string by =
        fmt::format("proxy = \"http://picket:secret@127.0.0.1:{}\"\n", proxy.port());
    const std::string site = fmt::format("https://localhost:{}/", secured);
    const std::string trusted = "ca_file = \"" + certificate + ".crt\"\n";

    CHECK(said(ask_check(http(web.url(), by + "body_contains = \"plain\"\n")))
              .starts_with("passed: 200 from 127.0.0.1:"));
    CHECK(said(ask_check(http(site, by + trusted +
                                        "body_contains = \"sealed\"\n"
                                        "certificate_days = 10\n")))
              .starts_with("passed: 200 from 127.0.0.1:"));
    CHECK(contains(proxy.log(), "CONNECT localhost:" + std::to_string(secured)));
    CHECK(contains(proxy.log(), "GET http://127.0.0.1:" + std::to_string(web.port())));

    const std::string stranger =
        fmt::format("proxy = \"http://picket:guess@127.0.0.1:{}\"\n", proxy.port());
    CHECK(said(ask_check(http(web.url(), stranger))) == "status: status 401, expected 2xx");
    const auto refused = ask_check(http(site, stranger + trusted));
    CHECK(refused.finding == checks::Finding::failed);
    CHECK_FALSE(contains(refused.message, "guess"));

    const std::string nobody = to_text(refusing_address());
    CHECK(said(ask_check(http(web.url(), fmt::format("proxy = \"http://{}\"\n", nobody)))) ==
          fmt::format("refused: connect {}: connection refused", nobody));
    // What the proxy cannot reach is the proxy's answer.
    CHECK(said(ask_check(http(fmt::format("http://{}/", nobody), by))) ==
          "status: status 500, expected 2xx");
}

TEST_CASE("a SOCKS proxy resolves the name and passes everything on") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200 '$host'; } }");
    const int port = free_port();
    const Process socks({"/usr/bin/microsocks", "-i", "127.0.0.1", "-p", std::to_string(port), "-u",
                         "picket", "-P", "secret"});
    REQUIRE(await_port(port));
    const auto by = [&](const std::string& password) {
        return fmt::format("proxy = \"socks5h://picket:{}@127.0.0.1:{}\"\n", password, port);
    };
    const std::string url = fmt::format("http://localhost:{}/", web.port());
    CHECK(said(ask_check(http(url, by("secret") + "body_contains = \"localhost\"\n")))
              .starts_with("passed: 200 from 127.0.0.1:"));
    // What such a proxy does not do says nothing of the target.
    const auto refused = ask_check(http(url, by("guess")));
    CHECK(refused.finding == checks::Finding::errored);
    CHECK_FALSE(contains(refused.message, "guess"));
    CHECK(
        ask_check(http(fmt::format("http://localhost:{}/", refusing_address().port), by("secret")))
            .finding == checks::Finding::errored);
}

TEST_CASE("a unix socket is connected to in place of the URL's host") {
    const TemporaryDirectory directory;
    std::filesystem::permissions(directory.path(), std::filesystem::perms(0755));
    const std::string socket = directory.path("app.sock");
    Nginx web(
        fmt::format("server {{ listen 127.0.0.1:PORT; listen unix:{}; "
                    "location / {{ return 200 '$host'; }} }}",
                    socket));
    const std::string by = "unix_socket = \"" + socket + "\"\n";
    const std::string check = http("http://app.example/", by + "body_contains = \"app.example\"\n");
    REQUIRE(await_that([&] { return said(ask_check(check)).starts_with("passed: "); }));
    const auto passed = ask_check(check);
    CHECK(said(passed).starts_with("passed: 200 from unix:" + socket));
    CHECK(passed.address == "unix:" + socket);
    web.stop();
    CHECK(said(ask_check(http("http://app.example/", by))) ==
          "refused: connect unix:" + socket + ": connection refused");
    CHECK(said(ask_check(http("http://app.example/", "unix_socket = \"/nowhere.sock\"\n")))
              .find("/nowhere.sock") != std::string::npos);
}

TEST_CASE("a host beyond ASCII is looked up and asked for as DNS has it") {
    Nginx web("server { listen 127.0.0.1:PORT; location / { return 200 '$host'; } }");
    const Dnsmasq names({"--address=/xn--bcher-kva.example/127.0.0.1"});
    CHECK(said(ask_check(http(fmt::format("http://bücher.example:{}/", web.port()),
                              fmt::format("resolver = \"127.0.0.1:{}\"\n"
                                          "body_contains = \"xn--bcher-kva.example\"\n",
                                          names.port()))))
              .starts_with("passed: 200 from 127.0.0.1:"));
}

TEST_CASE("digest authentication answers the server's challenge") {
    const TemporaryDirectory directory;
    const int port = free_port();
    // MD5 of "picket:realm:secret", as htdigest writes it.
    directory.write(
        "users", "picket:realm:" + [] {
            const Finished made =
                run({"/bin/sh", "-c", "printf picket:realm:secret | md5sum | cut -c1-32"});
            return made.output;
        }());
    directory.write("index.txt", "hello");
    const Process web(
        {"/usr/sbin/lighttpd", "-D", "-f",
         directory.write("conf",
                         fmt::format("server.modules = (\"mod_auth\", \"mod_authn_file\")\n"
                                     "server.document-root = \"{0}\"\nserver.port = {1}\n"
                                     "server.bind = \"127.0.0.1\"\n"
                                     "auth.backend = \"htdigest\"\n"
                                     "auth.backend.htdigest.userfile = \"{0}/users\"\n"
                                     "auth.require = (\"\" => (\"method\" => \"digest\", "
                                     "\"realm\" => \"realm\", \"require\" => \"valid-user\"))\n",
                                     directory.path(), port))});
    REQUIRE(await_port(port));
    const std::string url = fmt::format("http://127.0.0.1:{}/index.txt", port);
    CHECK(said(ask_check(http(url, "digest_auth = \"picket:secret\"\nbody_contains = \"hello\"\n")))
              .starts_with("passed: 200 from "));
    CHECK(said(ask_check(http(url, "digest_auth = \"picket:guess\"\n"))) ==
          "status: status 401, expected 2xx");
    CHECK(said(ask_check(http(url, "basic_auth = \"picket:secret\"\n"))) ==
          "status: status 401, expected 2xx");
}

TEST_CASE("the body of a request is read from its file each time") {
    Nginx web(
        "log_format body '$request_body'; server { listen 127.0.0.1:PORT;\n"
        "location / { access_log DIR/bodies body; proxy_pass http://127.0.0.1:PORT/inner; }\n"
        "location /inner { access_log off; return 200 '$request_method'; } }");
    const TemporaryDirectory directory;
    const std::string file = directory.write("order.xml", "<order>1</order>");
    const std::string check = http(
        web.url(), "method = \"POST\"\nbody_file = \"" + file + "\"\nbody_contains = \"POST\"\n");
    CHECK(said(ask_check(check)).starts_with("passed: "));
    directory.write("order.xml", "<order>2</order>");
    CHECK(said(ask_check(check)).starts_with("passed: "));
    CHECK(await_that(
        [&] { return web.directory().read("bodies") == "<order>1</order>\n<order>2</order>\n"; }));

    directory.write("order.xml", std::string(1024 * 1024 + 1, 'x'));
    CHECK(said(ask_check(check)).starts_with("errored: body_file " + file + ": "));
    std::filesystem::remove(file);
    CHECK(said(ask_check(check)) == "errored: body_file " + file + ": no such file or directory");
}

}  // namespace
}  // namespace picket::testing
