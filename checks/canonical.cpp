#include "checks/canonical.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/base/digest.h"
#include "checks/definition_keys.h"

namespace picket::checks {
namespace {

// The keys of the definition that say something, sorted by name.
std::vector<std::pair<const Key*, std::string>> telling_keys(const Definition& definition) {
    const Definition untouched = default_definition(definition.type());
    std::vector<std::pair<const Key*, std::string>> telling;
    for (const std::span<const Key> keys : {keys_of(definition.type()), common_keys()}) {
        for (const Key& key : keys) {
            auto written = write_key(key, definition);
            if (!written.has_value()) continue;
            if (key.need == Need::required || written != write_key(key, untouched)) {
                telling.emplace_back(&key, *std::move(written));
            }
        }
    }
    std::ranges::sort(telling, {}, [](const auto& entry) { return entry.first->name; });
    return telling;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> settings(const Definition& definition) {
    std::vector<std::pair<std::string, std::string>> shown;
    for (auto& [key, written] : telling_keys(definition)) {
        shown.emplace_back(key->name, std::move(written));
    }
    return shown;
}

std::string canonical_question(const Definition& definition) {
    std::string text = fmt::format("[{}]\n", to_text(definition.type()));
    for (const auto& [key, written] : telling_keys(definition)) {
        if (key->part == Part::question) text += fmt::format("{} = {}\n", key->name, written);
    }
    return text;
}

std::uint64_t probe_fingerprint(const Definition& definition) {
    const Sha256 digest = sha256(canonical_question(definition));
    std::uint64_t first = 0;
    for (std::size_t i = 0; i < 8; ++i) first = first << 8U | digest[i];
    return first;
}

}  // namespace picket::checks
