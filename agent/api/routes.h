// Routes: which request asks for what.
//
// The list of routes is the table in routes.cpp. A path is split at its slashes
// before it is decoded, so that a slash in a name is written %2F. Parameters that
// a route does not know, or that come twice, are refused: a mistyped `sinse`
// would otherwise answer a question that nobody asked. Pure.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace picket::api {

// Longer ones are refused: 414 for the first two, 413 for the third.
constexpr std::size_t path_bytes_max = 1024;
constexpr std::size_t query_bytes_max = 1024;
constexpr std::size_t body_bytes_max = 4096;

enum class Endpoint : std::uint8_t {
    status,
    agent,
    checks,
    check,
    why,
    probe,
    ping,
    outages,
    outage,
    history,
    availability,
    members,
    leave,
    forget,
    keys,
    events,
    reload,
};

// What changes state, or makes the agent act, asks for more than the socket's mode.
enum class Access : std::uint8_t { anyone, privileged };

struct Route {
    Endpoint endpoint = Endpoint::status;
    Access access = Access::anyone;
    std::vector<std::string> names;  // What stood where the table has a `*`, decoded.
    std::map<std::string, std::string> parameters;  // Decoded; known to the route.
};

// Why there is no route: the status code, and for 405 what would be allowed.
struct NoRoute {
    unsigned status = 404;
    std::string message;
    std::string allow;
};

std::variant<Route, NoRoute> find_route(std::string_view method, std::string_view path,
                                        std::string_view query);

}  // namespace picket::api
