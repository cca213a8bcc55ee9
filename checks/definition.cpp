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

constexpr std::string_view base64_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What a word in base64 says; what is left over at its end is dropped.
std::string said_in_base64(std::string_view word) {
    std::string said;
    std::uint32_t bits = 0;
    int held = 0;
    for (const char digit : word) {
        bits = bits << 6U | static_cast<std::uint32_t>(base64_digits.find(digit));
        held += 6;
        if (held < 8) continue;
        held -= 8;
        said += static_cast<char>(bits >> static_cast<unsigned>(held) & 0xffU);
    }
    return said;
}

bool tells(std::string_view said, std::string_view secret) {
    if (secret.size() < cut_secret_bytes_min) return false;
    if (said.find(secret) != std::string_view::npos) return true;
    for (std::size_t length = secret.size() - 1; length >= cut_secret_bytes_min; --length) {
        if (said.ends_with(secret.substr(0, length))) return true;
    }
    return false;
}

// HTTP's Basic and the AUTH of mail send secrets in base64, which a server may repeat.
// Such a word goes as a whole, wherever in it the secret's own digits begin. What a secret
// of fewer than four bytes would mask, words say by chance.
void mask_encoded(std::string& text, const std::vector<std::string>& secrets) {
    const auto told_by = [&](std::string_view word) {
        if (word.size() * 6 < cut_secret_bytes_min * 8) return false;
        for (std::size_t skipped = 0; skipped < std::min<std::size_t>(4, word.size()); ++skipped) {
            const std::string said = said_in_base64(word.substr(skipped));
            const auto told = [&](const std::string& secret) { return tells(said, secret); };
            if (std::ranges::any_of(secrets, told)) return true;
        }
        return false;
    };
    std::size_t at = text.find_first_of(base64_digits);
    while (at != std::string::npos) {
        std::size_t end = std::min(text.find_first_not_of(base64_digits, at), text.size());
        if (told_by(std::string_view(text).substr(at, end - at))) {
            while (end < text.size() && text[end] == '=') ++end;
            text.replace(at, end - at, mask);
            end = at + mask.size();
        }
        at = text.find_first_of(base64_digits, end);
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
    if (!definition.secrets.empty()) mask_encoded(text, definition.secrets);
    return text;
}

}  // namespace picket::checks
