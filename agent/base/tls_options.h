// How a client speaks TLS: whom it trusts, who it says it is, what it offers.

#pragma once

#include <cstdint>
#include <string>

namespace picket {

enum class TlsVersion : std::uint8_t { any, v1_0, v1_1, v1_2, v1_3 };

struct TlsOptions {
    bool verify = true;                        // The chain and the name.
    std::string server_name;                   // SNI and name to verify; empty: the host's.
    std::string ca_file;                       // PEM; empty: the system's store.
    std::string client_certificate;            // PEM, its chain included; empty: none is shown.
    std::string client_key;                    // PEM; empty: in the certificate's file.
    TlsVersion version_min = TlsVersion::any;  // Any: the library's own bounds.
    TlsVersion version_max = TlsVersion::any;

    bool operator==(const TlsOptions&) const = default;
};

}  // namespace picket
