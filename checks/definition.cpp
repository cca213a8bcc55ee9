#include "checks/definition.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "agent/base/digest.h"

namespace picket::checks {
namespace {

constexpr std::string_view mask = "***";

// Fewer bytes of a secret are not worth a mask: they may be there by chance.
constexpr std::size_t cut_secret_bytes_min = 4;

// An excerpt may have been cut in the middle of a secret: at its end, or at that of
// the quotes or the line in which it stands.
void mask_cut(std::string& text, std::string_view secret) {
    for (std::size_t end = text.size() + 1; end-- > 0;) {
        if (end < text.size() && text[end] != '"' && text[end] != '\n') continue;
        for (std::size_t length = std::min(secret.size() - 1, end); length >= cut_secret_bytes_min;
             --length) {
            if (text.compare(end - length, length, secret.substr(0, length)) != 0) continue;
            text.replace(end - length, length, mask);
            end -= length;  // Where the mask begins.
            break;
        }
    }
}

}  // namespace

std::string_view to_text(Type type) {
    constexpr std::array<std::string_view, 18> names{
        "http",     "tcp",     "tls",       "dns",  "icmp",   "grpc", "journey", "ntp",  "mysql",
        "postgres", "command", "heartbeat", "disk", "memory", "load", "process", "unit", "file"};
    static_assert(names.size() == static_cast<std::size_t>(Type::file) + 1);
    return names[static_cast<std::size_t>(type)];
}

std::string_view to_text(Scope scope) {
    return scope == Scope::mesh ? "mesh" : "host";
}

CheckKey check_key(std::string_view name) {
    return CheckKey{short_digest("ck1", name)};
}

bool same_definition(const Definition& a, const Definition& b) {
    const auto members = [](const Definition& d) {
        return std::tie(d.name, d.scope, d.query, d.interval, d.timeout, d.latency, d.fail_after,
                        d.recover_after, d.expect_failure, d.enabled, d.witnesses, d.quorum, d.from,
                        d.on_partition, d.family, d.source, d.resolver, d.labels, d.runbook,
                        d.owner, d.depends_on, d.escalate, d.slo, d.severity, d.as_written);
    };
    return members(a) == members(b);
}

std::string redact(std::string text, const Definition& definition) {
    for (const std::string& secret : definition.secrets) {
        if (secret.empty()) continue;
        for (std::size_t at = text.find(secret); at != std::string::npos;
             at = text.find(secret, at + mask.size())) {
            text.replace(at, secret.size(), mask);
        }
        mask_cut(text, secret);
    }
    return text;
}

}  // namespace picket::checks
