#include "agent/api/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "agent/base/percent.h"
#include "agent/base/text.h"

namespace picket::api {
namespace {

struct Entry {
    std::string_view method;
    std::string_view pattern;  // `*` stands for any one segment that is not empty.
    Endpoint endpoint;
    Access access;
    std::array<std::string_view, 4> parameters;
};

constexpr Entry entries[] = {
    {"GET", "/v1/status", Endpoint::status, Access::anyone, {}},
    {"GET", "/v1/agent", Endpoint::agent, Access::anyone, {}},
    {"GET", "/v1/checks", Endpoint::checks, Access::anyone, {}},
    {"GET", "/v1/checks/*", Endpoint::check, Access::anyone, {}},
    {"GET", "/v1/checks/*/why", Endpoint::why, Access::anyone, {"epoch", "sub"}},
    {"POST", "/v1/checks/*/probe", Endpoint::probe, Access::privileged, {}},
    {"POST",
     "/v1/checks/*/ping",
     Endpoint::ping,
     Access::privileged,
     {"signal", "exit_code", "message"}},
    {"GET", "/v1/outages", Endpoint::outages, Access::anyone, {"open", "since"}},
    {"GET", "/v1/outages/*", Endpoint::outage, Access::anyone, {}},
    {"GET", "/v1/outages/*/*", Endpoint::outage, Access::anyone, {}},
    {"GET", "/v1/history/*", Endpoint::history, Access::anyone, {"since", "until", "slots", "raw"}},
    {"GET",
     "/v1/availability",
     Endpoint::availability,
     Access::anyone,
     {"checks", "since", "until", "slo"}},
    {"GET", "/v1/members", Endpoint::members, Access::anyone, {}},
    {"POST", "/v1/leave", Endpoint::leave, Access::privileged, {}},
    {"POST", "/v1/forget", Endpoint::forget, Access::privileged, {"agent", "zone"}},
    {"POST", "/v1/keys/*", Endpoint::keys, Access::privileged, {"key", "force"}},
    {"GET", "/v1/events", Endpoint::events, Access::anyone, {"follow", "recent"}},
    {"POST", "/v1/reload", Endpoint::reload, Access::privileged, {}},
};

// Takes the first segment off `path`, which starts with a slash.
std::string_view take_segment(std::string_view& path) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, end);
    path.remove_prefix(end);
    return segment;
}

// The segments that stood for a `*`, still encoded.
std::optional<std::vector<std::string_view>> match(std::string_view pattern,
                                                   std::string_view path) {
    std::vector<std::string_view> names;
    while (!pattern.empty() && !path.empty()) {
        const std::string_view wanted = take_segment(pattern);
        const std::string_view given = take_segment(path);
        if (wanted == "*") {
            if (given.empty()) return std::nullopt;
            names.push_back(given);
        } else if (wanted != given) {
            return std::nullopt;
        }
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return names;
}

Result<std::map<std::string, std::string>> parse_parameters(const Entry& entry,
                                                            std::string_view query) {
    std::map<std::string, std::string> parameters;
    while (!query.empty()) {
        const std::string_view item = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(item.size() + 1, query.size()));
        if (item.empty()) continue;
        const std::size_t equals = std::min(item.find('='), item.size());
        const std::string name = PICKET_TRY(percent_decode(item.substr(0, equals)));
        const std::string value =
            PICKET_TRY(percent_decode(item.substr(std::min(equals + 1, item.size()))));
        const auto& known = entry.parameters;
        const bool expected =
            !name.empty() && std::find(known.begin(), known.end(), name) != known.end();
        if (!expected) {
            return failure(Code::invalid, fmt::format("{} takes no parameter '{}'", entry.pattern,
                                                      printable_line(name, 64)));
        }
        if (!parameters.emplace(name, value).second) {
            return failure(Code::invalid, fmt::format("parameter '{}' is given twice", name));
        }
    }
    return parameters;
}

Result<Route> make_route(const Entry& entry, const std::vector<std::string_view>& names,
                         std::string_view query) {
    Route route{.endpoint = entry.endpoint, .access = entry.access, .names = {}, .parameters = {}};
    for (const std::string_view name : names) {
        route.names.push_back(PICKET_TRY(percent_decode(name)));
    }
    route.parameters = PICKET_TRY(parse_parameters(entry, query));
    return route;
}

}  // namespace

std::variant<Route, NoRoute> find_route(std::string_view method, std::string_view path,
                                        std::string_view query) {
    if (path.size() > path_bytes_max) {
        return NoRoute{414, fmt::format("the path is longer than {} bytes", path_bytes_max), {}};
    }
    if (query.size() > query_bytes_max) {
        return NoRoute{414, fmt::format("the query is longer than {} bytes", query_bytes_max), {}};
    }
    const std::string shown = printable_line(path, 100);
    if (path.empty() || path.front() != '/') {
        return NoRoute{400, fmt::format("'{}' is not a path", shown), {}};
    }
    std::string allow;
    for (const Entry& entry : entries) {
        const auto names = match(entry.pattern, path);
        if (!names.has_value()) continue;
        if (entry.method != method) {
            allow += allow.empty() ? "" : ", ";
            allow += entry.method;
            continue;
        }
        auto route = make_route(entry, *names, query);
        if (!route.has_value()) return NoRoute{400, route.error().message(), {}};
        return *std::move(route);
    }
    if (allow.empty()) return NoRoute{404, fmt::format("there is nothing at {}", shown), {}};
    return NoRoute{
        405, fmt::format("{} takes {}, not {}", shown, allow, printable_line(method, 16)), allow};
}

}  // namespace picket::api
