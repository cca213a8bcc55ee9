#include <fmt/format.h>

#include "checks/probes/tls.h"

namespace picket::checks {
namespace {

ScriptStep step(std::string send, std::string_view expect, bool starttls = false) {
    return {std::move(send), CapturingPattern(expect), starttls, true};
}

}  // namespace

std::vector<ScriptStep> starttls_script(StartTls protocol, std::string_view host) {
    std::vector<ScriptStep> script;
    switch (protocol) {
        case StartTls::none:
            break;
        case StartTls::smtp:  // RFC 3207
            script.push_back(step("", "(?m)^220 .*\n"));
            script.push_back(step("EHLO picket\r\n", "(?m)^250 .*\n"));
            script.push_back(step("STARTTLS\r\n", "(?m)^220 .*\n", true));
            break;
        case StartTls::imap:  // RFC 9051, 6.2.1
            script.push_back(step("", "(?m)^\\* OK.*\n"));
            script.push_back(step("a STARTTLS\r\n", "(?m)^a OK.*\n", true));
            break;
        case StartTls::pop3:  // RFC 2595, 4
            script.push_back(step("", "(?m)^\\+OK.*\n"));
            script.push_back(step("STLS\r\n", "(?m)^\\+OK.*\n", true));
            break;
        case StartTls::ftp:  // RFC 4217, 4
            script.push_back(step("", "(?m)^220 .*\n"));
            script.push_back(step("AUTH TLS\r\n", "(?m)^234 .*\n", true));
            break;
        case StartTls::ldap: {
            // RFC 4511, 4.14: an ExtendedRequest with the OID 1.3.6.1.4.1.1466.20037;
            // the answer's result code is 0 (success), an ENUMERATED of one byte.
            std::string request("\x30\x1d\x02\x01\x01\x77\x18\x80\x16", 9);
            request += "1.3.6.1.4.1.1466.20037";
            script.push_back(step(std::move(request), "(?s)^0.*\\x0a\\x01\\x00", true));
            break;
        }
        case StartTls::xmpp:  // RFC 6120, 5.4
            script.push_back(step(fmt::format("<?xml version='1.0'?><stream:stream to='{}' "
                                              "xmlns='jabber:client' xmlns:stream='http://"
                                              "etherx.jabber.org/streams' version='1.0'>",
                                              host),
                                  "<starttls"));
            script.push_back(step("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
                                  "<proceed[^>]*>", true));
            break;
        case StartTls::postgres:  // SSLRequest: its length, 8, and the code 80877103.
            script.push_back(step(std::string("\0\0\0\x08\x04\xd2\x16\x2f", 8), "^S", true));
            break;
    }
    return script;
}

}  // namespace picket::checks
