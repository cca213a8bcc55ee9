// The keys that the types share which connect to a host: which of its addresses,
// and how TLS is spoken.

#pragma once

#include <array>

#include "agent/base/tls_options.h"
#include "checks/types/addresses.h"
#include "checks/types/keys.h"

namespace picket::checks {

inline constexpr std::array<std::string_view, 3> addresses_words{"any", "first", "all"};
inline constexpr std::array<std::string_view, 5> tls_version_words{"any", "1.0", "1.1", "1.2",
                                                                   "1.3"};
constexpr std::string_view a_tls_version = "\"any\", \"1.0\", \"1.1\", \"1.2\" or \"1.3\"";

// clang-format off
template <typename Q>
constexpr std::array addresses_keys{
    Key{"addresses", words::optional, words::question, in<&Q::addresses>, "\"any\", \"first\" or \"all\"",
        "Which addresses of the name are asked: in order until one accepts, the first alone, or all, of which each must pass.",
        {.choices = words::Words(addresses_words)}},
};

// `options` is the query's member that holds them: tls_keys<&TlsQuery::tls>.
template <auto options>
constexpr std::array tls_keys{
    Key{"tls_verify", words::optional, words::question, within<options, &TlsOptions::verify>, words::a_boolean,
        "Whether the certificate must be trusted and be for the host's name."},
    Key{"tls_server_name", words::optional, words::question, within<options, &TlsOptions::server_name>, "a host name",
        "The name to ask for (SNI) and to verify, in place of the host's.", {.check = check_host}},
    Key{"ca_file", words::optional, words::question, within<options, &TlsOptions::ca_file>, words::a_path,
        "The certificates to trust, as PEM, in place of the system's.", {.check = check_absolute_path}},
    Key{"client_certificate", words::optional, words::question, within<options, &TlsOptions::client_certificate>, words::a_path,
        "The certificate to show when asked for one, as PEM, its chain included.", {.check = check_absolute_path}},
    Key{"client_key", words::optional, words::question, within<options, &TlsOptions::client_key>, words::a_path,
        "The private key to it, as PEM; none: it is in the same file.", {.check = check_absolute_path}},
    Key{"tls_version_min", words::optional, words::question, within<options, &TlsOptions::version_min>, a_tls_version,
        "The oldest TLS version to offer; any: the library's.", {.choices = words::Words(tls_version_words)}},
    Key{"tls_version_max", words::optional, words::question, within<options, &TlsOptions::version_max>, a_tls_version,
        "The newest TLS version to offer.", {.choices = words::Words(tls_version_words)}},
};
// clang-format on

// What is wrong with TLS options that are each in order.
inline void check_tls(const TlsOptions& tls, const Complain& complain) {
    if (tls.version_max != TlsVersion::any && tls.version_min > tls.version_max) {
        complain("tls_version_min", "is above tls_version_max");
    }
    if (!tls.client_key.empty() && tls.client_certificate.empty()) {
        complain("client_key", "has no client_certificate that it belongs to");
    }
}

}  // namespace picket::checks
