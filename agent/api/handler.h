// Handler: turns a request into an answer.
//
// It knows nothing of sockets: a request is a value, and so is most of what comes
// back. What the agent needs time for comes back as a Later, which the server
// starts once it can wait; the stream of events as an EventStream, which the
// server fills. Every failure is an error document with a fitting status code:
// 400 malformed, 403 not permitted, 404 no such thing, 405 wrong method (with
// Allow), 413 and 414 too long, 500 our own fault, 503 at a limit or too late.

#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "agent/api/backend.h"
#include "agent/api/routes.h"
#include "agent/base/time.h"

namespace picket::api {

// Who asks, by the peer credentials of the connection.
struct Caller {
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    bool privileged = false;  // uid 0, the agent's uid, or a member of group picket.
};

struct Request {
    std::string_view method;
    std::string_view path;         // As it was sent, still encoded.
    std::string_view query;        // What followed the question mark.
    std::string_view accept = {};  // The Accept header.
    std::string_view body = {};    // No route reads one; its length is limited.
    Caller caller = {};
};

struct Response {
    unsigned status = 200;
    std::string body;
    std::string allow = {};  // The Allow header of a 405.
    std::string_view content_type = "application/json";
};

// Calls `respond` exactly once, later, unless the backend is destroyed first.
struct Later {
    std::function<void(std::function<void(Response)> respond)> start;
};

// Server-sent events, the newest `recent` of the past first.
struct EventStream {
    std::size_t recent = 0;
};

using Answer = std::variant<Response, Later, EventStream>;

class Handler {
public:
    // The backend must outlive the handler and every Later.
    explicit Handler(Backend& backend) : backend_(backend) {}

    Answer handle(WallTime now, const Request& request);

private:
    Answer answer(WallTime now, const Route& route, std::string_view accept);
    Answer check(const Route& route);
    Answer why(WallTime now, const Route& route);
    Answer reload();
    Answer probe(const Route& route);
    Answer ping(const Route& route);
    Answer outages(WallTime now, const Route& route);
    Answer outage(WallTime now, const Route& route);
    Answer history(WallTime now, const Route& route);
    Answer availability(WallTime now, const Route& route);
    Answer leave();
    Answer forget(const Route& route);
    Answer keys(const Route& route);
    Answer events(const Route& route, std::string_view accept) const;

    Backend& backend_;
};

Response error_response(unsigned status, std::string_view message);

}  // namespace picket::api
