#include "checks/types/tls.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "checks/types/connection_keys.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;

constexpr std::array<std::string_view, 8> protocols{"none", "smtp", "imap", "pop3",
                                                    "ftp",  "ldap", "xmpp", "postgres"};

Status check_fingerprint(std::string_view text) {
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    if (text.size() == 64 && std::ranges::all_of(text, hex)) return {};
    return failure(Code::invalid,
                   fmt::format("'{}' is not a SHA-256 fingerprint: 64 of 0-9 and a-f", text));
}

Status check_alpn(std::string_view text) {
    if (!text.empty() && text.size() <= 255) return check_line(text);
    return failure(Code::invalid, "a protocol has 1 to 255 bytes");
}

// clang-format off
constexpr std::array own{
    Key{"address", required, question, in<&TlsQuery::address>, "HOST:PORT or [IPV6]:PORT",
        "Where to connect.", {.check = check_address}},
    Key{"starttls", optional, question, in<&TlsQuery::starttls>, "\"none\", \"smtp\", \"imap\", \"pop3\", \"ftp\", \"ldap\", \"xmpp\" or \"postgres\"",
        "The protocol in which TLS is asked for first; none: TLS begins at once.", {.choices = Words(protocols)}},
    Key{"certificate_days", optional, question, in<&TlsQuery::certificate_days>, a_count,
        "Fails when the server's own certificate expires in fewer days than this; 0: not looked at.", {.max = 3650}},
    Key{"chain_days", optional, question, in<&TlsQuery::chain_days>, a_count,
        "Fails when any certificate of the chain expires in fewer days than this; 0: not looked at.", {.max = 3650}},
    Key{"fingerprints", optional, question, in<&TlsQuery::fingerprints>, "an array of SHA-256 fingerprints in hex",
        "One of them must be that of the server's own certificate.", {.check = check_fingerprint}},
    Key{"subject_matches", optional, question, in<&TlsQuery::subject_matches>, a_pattern,
        "Must be found in the certificate's subject, as \"CN=www.example.com,O=Example\".", {.check = check_expression}},
    Key{"issuer_matches", optional, question, in<&TlsQuery::issuer_matches>, a_pattern,
        "Must be found in the certificate's issuer.", {.check = check_expression}},
    Key{"names", optional, question, in<&TlsQuery::names>, "an array of names",
        "Each must be among the names of the certificate, as it is written there.", {.check = check_line}},
    Key{"alpn", optional, question, in<&TlsQuery::alpn>, "an array of protocols such as [\"h2\"]",
        "The protocols to offer (ALPN), of which the server must choose one.", {.check = check_alpn}},
    Key{"refused_version", optional, question, in<&TlsQuery::refused_version>, a_tls_version,
        "Fails when the server accepts a handshake of this version or an older one.", {.choices = Words(tls_version_words)}},
};
// clang-format on

constexpr auto keys = joined(own, addresses_keys<TlsQuery>, tls_keys<&TlsQuery::tls>);

void check_query(const Definition& definition, const Complain& complain) {
    const auto& query = definition.query.as<TlsQuery>();
    check_tls(query.tls, complain);
    if (query.refused_version == TlsVersion::any) return;
    if (query.refused_version == TlsVersion::v1_3) {
        complain("refused_version", "every version would be refused: at most \"1.2\"");
    } else if (query.tls.version_max != TlsVersion::any &&
               query.tls.version_max <= query.refused_version) {
        complain("refused_version", "refuses all that tls_version_max offers");
    }
}

}  // namespace

const TypeEntry& tls_type() {
    static const TypeEntry entry{.type = Type::tls,
                                 .keys = keys,
                                 .query = [] { return Query(TlsQuery{}); },
                                 .check = check_query};
    return entry;
}

}  // namespace picket::checks
