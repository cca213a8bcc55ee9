// STARTTLS on the wire: plain words first, then a certificate that is judged.

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "tests/support/ask_check.h"
#include "tests/support/database_servers.h"
#include "tests/support/servers.h"

namespace picket::testing {
namespace {

// What a check of the port says, which must be trusted and good for ten days, and
// then for a hundred.
void check_secured(int port, const std::string& protocol, const std::string& certificate) {
    CAPTURE(protocol);
    const auto ask = [&](int days) {
        return said(
            ask_check(fmt::format("[tls.x]\naddress = \"localhost:{}\"\nfamily = 4\n"
                                  "starttls = \"{}\"\nca_file = \"{}.crt\"\n"
                                  "certificate_days = {}\n",
                                  port, protocol, certificate, days)));
    };
    CHECK(contains(ask(10), fmt::format("passed: TLS 1.3 with 127.0.0.1:{}", port)));
    CHECK(ask(100).starts_with("certificate: certificate of localhost expires in 29 days ("));
}

TEST_CASE("mail and database servers are asked for TLS in their own words") {
    const TemporaryDirectory directory;
    const std::string certificate = make_certificate(directory, "site", "localhost", 30);
    const int smtp_port = free_port();
    const Process smtp({"/usr/bin/python3", "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink",
                        "-l", "127.0.0.1:" + std::to_string(smtp_port), "--tlscert",
                        certificate + ".crt", "--tlskey", certificate + ".key"});
    REQUIRE(await_port(smtp_port));
    check_secured(smtp_port, "smtp", certificate);

    const PostgresServer postgres(certificate);
    check_secured(postgres.port(), "postgres", certificate);
    const PostgresServer plain;
    const std::string refused = "(first bytes: \"N\")";
    const checks::Outcome in_clear = ask_check_until_said(
        fmt::format("[tls.x]\naddress = \"127.0.0.1:{}\"\nstarttls = \"postgres\"\n", plain.port()),
        refused);
    CHECK(contains(said(in_clear), refused));
}

TEST_CASE("the other protocols' words are followed by TLS too") {
    const TemporaryDirectory directory;
    const std::string certificate = make_certificate(directory, "site", "localhost", 30);
    for (const std::string protocol : {"pop3", "ftp", "ldap", "xmpp"}) {
        const int port = free_port();
        const Process server({"/usr/bin/python3", "tests/support/starttls_server.py",
                              std::to_string(port), certificate + ".crt", certificate + ".key",
                              protocol});
        REQUIRE(await_port(port));
        check_secured(port, protocol, certificate);
    }
}

TEST_CASE("a dialogue goes on inside the TLS that it began") {
    const TemporaryDirectory directory;
    const std::string certificate = make_certificate(directory, "site", "localhost", 30);
    const int port = free_port();
    const Process smtp({"/usr/bin/python3", "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Sink",
                        "-l", "127.0.0.1:" + std::to_string(port), "--tlscert",
                        certificate + ".crt", "--tlskey", certificate + ".key"});
    REQUIRE(await_port(port));
    const auto dialogue = [&](const std::string& last) {
        return fmt::format(
            "[tcp.x]\naddress = \"127.0.0.1:{}\"\nca_file = \"{}.crt\"\nstep = [\n"
            "{{ expect = '(?m)^220 ' }},\n"
            "{{ send = \"EHLO a\\r\\n\", expect = '(?m)^250 ' }},\n"
            "{{ send = \"STARTTLS\\r\\n\", expect = '(?m)^220 ', starttls = true }},\n"
            "{{ send = \"EHLO b\\r\\n\", expect = '{}' }} ]\n",
            port, certificate, last);
    };
    CHECK(said(ask_check(dialogue("(?m)^250 HELP"))).starts_with("passed: "));
    // A server that speaks TLS already offers it no more.
    CHECK(said(ask_check_until_said(dialogue("(?m)^250-STARTTLS"), "step 4: "))
              .starts_with("content: step 4: "));
}

TEST_CASE("an IMAP server is asked for TLS by a check of it and in a dialogue") {
    if (!Dovecot::can_run()) return;
    const TemporaryDirectory directory;
    const std::string certificate = make_certificate(directory, "site", "localhost", 30);
    const Dovecot imap(certificate);
    check_secured(imap.port(), "imap", certificate);
    const auto dialogue = [&](const std::string& last) {
        return fmt::format(
            "[tcp.x]\naddress = \"127.0.0.1:{}\"\nca_file = \"{}.crt\"\nstep = [\n"
            "{{ expect = '^\\* OK .*STARTTLS' }},\n"
            "{{ send = \"a STARTTLS\\r\\n\", expect = '(?m)^a OK ', starttls = true }},\n"
            "{{ send = \"b CAPABILITY\\r\\n\", expect = '{}' }} ]\n",
            imap.port(), certificate, last);
    };
    CHECK(said(ask_check(dialogue("(?m)^b OK "))).starts_with("passed: "));
    // A password may be said now, and TLS is offered no more.
    CHECK(said(ask_check_until_said(dialogue("STARTTLS|LOGINDISABLED"), "step 3: "))
              .starts_with("content: step 3: "));
}

}  // namespace
}  // namespace picket::testing
