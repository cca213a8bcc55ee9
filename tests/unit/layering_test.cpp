// The layering of docs/ARCHITECTURE.md, as a test.
//
// Walks the sources from the root of the tree (the directory it is run in) and
// fails on an include that the table does not allow, on a clock or entropy read
// outside agent/io, and on a link in the documentation to a file that is not there.

#include <doctest/doctest.h>
#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace picket {
namespace {

namespace fs = std::filesystem;

struct Rule {
    std::string_view files;  // A directory, or a file without its suffix. The longest match counts.
    std::vector<std::string_view> own;          // Directories or headers of ours.
    std::vector<std::string_view> third_party;  // Beside the standard library and the kernel.
};

const std::vector<Rule> rules{
    {"agent/base", {"agent/base"}, {"tl/", "fmt/"}},
    {"agent/base/digest", {"agent/base"}, {"fmt/", "openssl/"}},
    {"agent/base/log", {"agent/base"}, {"spdlog/"}},
    {"gossip", {"agent/base", "gossip"}, {"fmt/"}},
    {"gossip/wire", {"agent/base", "gossip"}, {"fmt/", "msgpack"}},
    {"gossip/wire/seal", {"agent/base", "gossip"}, {"fmt/", "openssl/"}},
    {"checks", {"agent/base", "checks/"}, {"fmt/"}},
    {"checks/definition_parser", {"agent/base", "checks/"}, {"fmt/", "toml++/"}},
    {"checks/expectation", {"agent/base", "checks/"}, {"fmt/", "re2/", "nlohmann/"}},
    {"checks/capture", {"agent/base", "checks/"}, {"fmt/", "re2/"}},
    {"checks/json_value", {"agent/base", "checks/"}, {"fmt/", "nlohmann/"}},
    {"checks/probes", {"agent/base", "agent/io", "checks"}, {"fmt/"}},
    {"checks/databases", {"agent/base/version.h", "checks/databases"}, {}},
    {"checks/databases/mysql",
     {"agent/base/version.h", "checks/databases"},
     {"mysql.h", "errmsg.h"}},
    {"checks/databases/postgres", {"agent/base/version.h", "checks/databases"}, {"libpq-fe.h"}},
    {"agent/io",
     {"agent/base", "agent/io"},
     {"fmt/", "uv.h", "curl/", "ares.h", "ares_", "openssl/", "systemd/"}},
    {"storage",
     {"agent/base", "agent/io/worker.h", "checks/", "gossip/agreement", "agent/incident",
      "storage"},
     {"fmt/"}},
    {"storage/database", {"agent/base", "storage"}, {"fmt/", "sqlite3.h"}},
    {"storage/page_checksums", {"agent/base", "storage"}, {"sqlite3.h"}},
    {"agent/incident",
     {"agent/base", "agent/incident", "gossip/agreement", "checks/definition.h"},
     {"fmt/"}},
    {"agent/notify",
     {"agent/base", "agent/io", "agent/incident", "agent/notify"},
     {"fmt/", "nlohmann/"}},
    {"agent/api",
     {"agent/base", "agent/io", "agent/incident", "agent/api", "checks/outcome.h",
      "checks/definition.h", "checks/heartbeat.h", "gossip/agreement", "gossip/spread/record",
      "storage"},
     {"fmt/", "nlohmann/"}},
    {"agent/api/server", {"agent/base", "agent/io", "agent/api"}, {"fmt/", "microhttpd.h"}},
    {"agent/cli",
     {"agent/base", "agent/api", "agent/cli", "checks/outcome.h", "storage"},
     {"fmt/", "rapidjson/", "CLI/"}},
    {"agent", {"agent", "checks", "gossip", "storage"}, {"fmt/", "CLI/", "nlohmann/"}},
    {"agent/config", {"agent", "checks"}, {"fmt/", "toml++/"}},
};

// Headers of the C library and the kernel: anyone may include them.
const RE2 system_header(
    R"((sys|arpa|netinet|linux|bits)/.*|(cerrno|dirent|dlfcn|fcntl|glob|grp|ifaddrs|langinfo|malloc|net/if|netdb|poll|pwd|resolv|sched|signal|spawn|string|syslog|termios|time|unistd|locale|wchar)\.h)");
const RE2 standard_header("[a-z_0-9]+");

std::string read(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool source(const fs::path& path) {
    return path.extension() == ".h" || path.extension() == ".cpp";
}

std::vector<fs::path> sources() {
    std::vector<fs::path> found;
    for (const char* top : {"agent", "checks", "gossip", "storage"}) {
        for (const auto& entry : fs::recursive_directory_iterator(top)) {
            if (entry.is_regular_file() && source(entry.path())) found.push_back(entry.path());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

const Rule& rule_for(const fs::path& path) {
    const std::string stem = (path.parent_path() / path.stem()).string();
    const Rule* best = nullptr;
    for (const Rule& rule : rules) {
        const bool match = stem == rule.files || stem.starts_with(std::string(rule.files) + "/");
        if (match && (best == nullptr || rule.files.size() > best->files.size())) best = &rule;
    }
    REQUIRE_MESSAGE(best != nullptr, path.string());
    return *best;
}

bool allowed(const std::vector<std::string_view>& prefixes, std::string_view header) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](std::string_view prefix) { return header.starts_with(prefix); });
}

// checks/ (pure) may not reach into checks/probes, which do I/O.
bool own_allowed(const Rule& rule, std::string_view header) {
    if (!allowed(rule.own, header)) return false;
    const bool pure = rule.files.starts_with("checks") && rule.files != "checks/probes";
    return !(pure && header.starts_with("checks/probes/"));
}

TEST_CASE("every include is one that the layering allows") {
    const RE2 include(R"re(\s*#\s*include\s+(["<])([^">]+)[">].*)re");
    for (const fs::path& path : sources()) {
        const Rule& rule = rule_for(path);
        std::istringstream lines(read(path));
        std::string line;
        for (int number = 1; std::getline(lines, line); ++number) {
            std::string quote;
            std::string header;
            if (!RE2::FullMatch(line, include, &quote, &header)) continue;
            const bool ok = quote == "\"" ? own_allowed(rule, header)
                                          : RE2::FullMatch(header, standard_header) ||
                                                RE2::FullMatch(header, system_header) ||
                                                allowed(rule.third_party, header);
            CHECK_MESSAGE(ok, path.string(), ":", number, ": ", header, " is not for ", rule.files);
        }
    }
}

TEST_CASE("only agent/io reads a clock or asks for entropy") {
    const RE2 forbidden(
        R"(\b(clock_gettime|gettimeofday|(steady|system|high_resolution)_clock::now|std::time\(|random_device|getrandom|uv_hrtime|uv_now|\bs?rand\(|RAND_bytes))");
    for (const fs::path& path : sources()) {
        const std::string name = path.string();
        if (name.starts_with("agent/io/")) continue;
        std::string found;
        CHECK_MESSAGE(!RE2::PartialMatch(read(path), forbidden, &found), name, ": ", found);
    }
}

TEST_CASE("every link in the documentation leads to a file that is there") {
    const RE2 link(R"(\]\(([^)#\s]+)(?:#[^)]*)?\))");
    std::vector<fs::path> pages{"README.md", "CHANGELOG.md"};
    for (const auto& entry : fs::directory_iterator("docs")) pages.push_back(entry.path());
    for (const fs::path& page : pages) {
        if (page.extension() != ".md") continue;
        const std::string text = read(page);
        CHECK_MESSAGE(!text.empty(), page.string());
        re2::StringPiece rest = text;
        std::string target;
        while (RE2::FindAndConsume(&rest, link, &target)) {
            if (target.find("://") != std::string::npos) continue;
            CHECK_MESSAGE(fs::exists(page.parent_path() / target), page.string(), ": ", target);
        }
    }
}

TEST_CASE("no header is without the words that say what it is") {
    for (const fs::path& path : sources()) {
        if (path.extension() != ".h" || path.filename() == "version.h") continue;
        CHECK_MESSAGE(read(path).starts_with("// "), path.string());
    }
}

}  // namespace
}  // namespace picket
