#include "checks/definition.h"

#include <array>
#include <tuple>

#include "agent/base/digest.h"

namespace picket::checks {

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
        constexpr std::string_view mask = "***";
        for (std::size_t at = text.find(secret); at != std::string::npos;
             at = text.find(secret, at + mask.size())) {
            text.replace(at, secret.size(), mask);
        }
    }
    return text;
}

}  // namespace picket::checks
