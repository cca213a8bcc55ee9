#include "agent/api/handler.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "agent/api/documents.h"
#include "agent/base/text.h"

namespace picket::api {
namespace {

std::string_view code_of(unsigned status) {
    switch (status) {
        case 400:
            return "invalid";
        case 403:
            return "forbidden";
        case 404:
            return "not_found";
        case 405:
            return "method_not_allowed";
        case 413:
            return "body_too_large";
        case 414:
            return "address_too_long";
        case 503:
            return "unavailable";
        default:
            return "internal";
    }
}

Response error_response(const Error& error) {
    switch (error.code()) {
        case Code::invalid:
            return api::error_response(400, error.message());
        case Code::not_found:
            return api::error_response(404, error.message());
        case Code::exhausted:
        case Code::timed_out:
            return api::error_response(503, error.message());
        case Code::io:
        case Code::corrupt:
            break;
    }
    return api::error_response(500, error.message());
}

// The answer to something that takes time: its document, or its error.
template <typename View, typename Write>
auto respond_with(std::function<void(Response)> respond, Write write) {
    return [respond = std::move(respond), write = std::move(write)](Result<View> view) {
        respond(view.has_value() ? Response{200, write(*view)} : error_response(view.error()));
    };
}

const std::string* parameter(const Route& route, const std::string& name) {
    const auto found = route.parameters.find(name);
    return found == route.parameters.end() ? nullptr : &found->second;
}

// RFC 3339, or how long ago: "2h".
Result<std::optional<WallTime>> time_parameter(WallTime now, const Route& route,
                                               const std::string& name) {
    const std::string* text = parameter(route, name);
    if (text == nullptr) return std::optional<WallTime>();
    auto moment = parse_moment(now, printable_line(*text, 64));
    if (!moment.has_value()) return tl::make_unexpected(std::move(moment).error().within(name));
    return std::optional(*moment);
}

Result<bool> flag_parameter(const Route& route, const std::string& name, bool absent) {
    const std::string* text = parameter(route, name);
    if (text == nullptr) return absent;
    if (*text == "1") return true;
    if (*text == "0") return false;
    return failure(Code::invalid,
                   fmt::format("{}: '{}' is neither 0 nor 1", name, printable_line(*text, 64)));
}

Result<std::size_t> count_parameter(const Route& route, const std::string& name,
                                    std::size_t absent) {
    const std::string* text = parameter(route, name);
    if (text == nullptr) return absent;
    std::size_t count = 0;
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, count);
    if (error == std::errc{} && stop == end) return count;
    return failure(Code::invalid,
                   fmt::format("{}: '{}' is not a number", name, printable_line(*text, 64)));
}

Status check_window(WallTime from, WallTime to) {
    if (from < to) return {};
    return failure(Code::invalid, fmt::format("since ({}) must be before until ({})",
                                              format_time(from), format_time(to)));
}

// "homepage,root@web-03"
std::vector<std::string> split_names(std::string_view text) {
    std::vector<std::string> names;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        if (end > 0) names.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return names;
}

Result<HistoryQuery> history_query(WallTime now, const Route& route) {
    const auto since = PICKET_TRY(time_parameter(now, route, "since"));
    const auto until = PICKET_TRY(time_parameter(now, route, "until"));
    HistoryQuery query{.check = route.names.front(), .from = {}, .to = until.value_or(now)};
    query.from = since.value_or(query.to - history_window_default);
    PICKET_TRY(check_window(query.from, query.to));
    query.slots_max = PICKET_TRY(count_parameter(route, "slots", history_points_max));
    if (query.slots_max == 0 || query.slots_max > history_points_max) {
        return failure(Code::invalid, fmt::format("slots: 1 to {}", history_points_max));
    }
    query.raw = PICKET_TRY(flag_parameter(route, "raw", false));
    return query;
}

// Percent: what is promised of a check.
Result<std::optional<double>> slo_parameter(const Route& route) {
    const std::string* text = parameter(route, "slo");
    if (text == nullptr) return std::optional<double>();
    double slo = 0;
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, slo);
    if (error == std::errc{} && stop == end && slo > 0 && slo < 100) return std::optional(slo);
    return failure(Code::invalid, fmt::format("slo: '{}' is no percentage between 0 and 100",
                                              printable_line(*text, 64)));
}

Result<AvailabilityQuery> availability_query(WallTime now, const Route& route) {
    AvailabilityQuery query;
    const auto until = PICKET_TRY(time_parameter(now, route, "until"));
    const auto since = PICKET_TRY(time_parameter(now, route, "since"));
    query.to = until.value_or(now);
    query.from = since.value_or(query.to - availability_window_default);
    PICKET_TRY(check_window(query.from, query.to));
    query.slo = PICKET_TRY(slo_parameter(route));
    query.now = now;
    const std::string* names = parameter(route, "checks");
    if (names != nullptr) query.checks = split_names(*names);
    return query;
}

// What a job says: `signal`, or what its exit code means, or else that it succeeded.
Result<checks::Signal> signal_of(const Route& route) {
    checks::Signal signal;
    if (const std::string* text = parameter(route, "message")) signal.message = *text;
    const std::string* word = parameter(route, "signal");
    const auto exit_code = PICKET_TRY(count_parameter(route, "exit_code", 0));
    if (parameter(route, "exit_code") != nullptr) {
        if (word != nullptr)
            return failure(Code::invalid, "signal and exit_code exclude each other");
        if (exit_code > 255) return failure(Code::invalid, "exit_code: at most 255");
        signal.kind = exit_code == 0 ? checks::SignalKind::success : checks::SignalKind::fail;
        signal.exit_code = static_cast<int>(exit_code);
        return signal;
    }
    if (word == nullptr || *word == "success") return signal;
    if (*word == "start") {
        signal.kind = checks::SignalKind::start;
    } else if (*word == "fail") {
        signal.kind = checks::SignalKind::fail;
    } else {
        return failure(Code::invalid, fmt::format("signal: '{}' is not start, success or fail",
                                                  printable_line(*word, 64)));
    }
    return signal;
}

Result<OutagesQuery> outages_query(WallTime now, const Route& route) {
    OutagesQuery query;
    query.open_only = PICKET_TRY(flag_parameter(route, "open", false));
    query.since = PICKET_TRY(time_parameter(now, route, "since"));
    return query;
}

}  // namespace

Response error_response(unsigned status, std::string_view message) {
    return Response{status, error_document(code_of(status), message)};
}

Answer Handler::handle(WallTime now, const Request& request) {
    if (request.body.size() > body_bytes_max) {
        return error_response(413, fmt::format("the body is longer than {} bytes", body_bytes_max));
    }
    auto found = find_route(request.method, request.path, request.query);
    if (auto* none = std::get_if<NoRoute>(&found)) {
        Response response = error_response(none->status, none->message);
        response.allow = std::move(none->allow);
        return response;
    }
    const Route& route = *std::get_if<Route>(&found);
    if (route.access == Access::privileged && !request.caller.privileged) {
        return error_response(403, fmt::format("this asks for root, the agent's own user or group "
                                               "picket; you are uid {}",
                                               request.caller.uid));
    }
    return answer(now, route, request.accept);
}

Answer Handler::answer(WallTime now, const Route& route, std::string_view accept) {
    switch (route.endpoint) {
        case Endpoint::status:
            return Response{200, status_document(backend_.status(), now)};
        case Endpoint::agent:
            return Response{200, agent_document(backend_.agent())};
        case Endpoint::checks:
            return Response{200, checks_document(backend_.status().checks)};
        case Endpoint::check:
            return check(route);
        case Endpoint::why:
            return why(now, route);
        case Endpoint::probe:
            return probe(route);
        case Endpoint::ping:
            return ping(route);
        case Endpoint::outages:
            return outages(now, route);
        case Endpoint::outage:
            return outage(now, route);
        case Endpoint::history:
            return history(now, route);
        case Endpoint::availability:
            return availability(now, route);
        case Endpoint::members:
            return Response{200, members_document(backend_.members())};
        case Endpoint::leave:
            return leave();
        case Endpoint::forget:
            return forget(route);
        case Endpoint::keys:
            return keys(route);
        case Endpoint::events:
            return events(route, accept);
        case Endpoint::reload:
            return reload();
    }
    return error_response(500, "no such endpoint");
}

Answer Handler::check(const Route& route) {
    return Later{[this, check = route.names.front()](std::function<void(Response)> respond) {
        backend_.show(check, respond_with<ShowView>(std::move(respond), [](const ShowView& view) {
                          return show_document(view);
                      }));
    }};
}

Answer Handler::why(WallTime now, const Route& route) {
    WhyQuery query{.check = route.names.front(), .epoch = {}};
    for (const auto& [name, number] : {std::pair("epoch", &query.epoch), {"sub", &query.sub}}) {
        if (parameter(route, name) == nullptr) continue;
        const auto count = count_parameter(route, name, 0);
        if (!count.has_value()) return error_response(count.error());
        if (*count > UINT32_MAX) {
            return error_response(400, fmt::format("{}: there is none so high", name));
        }
        *number = static_cast<std::uint32_t>(*count);
    }
    if (query.sub.has_value() && !query.epoch.has_value()) {
        return error_response(400, "sub: of which epoch?");
    }
    return Later{[this, now, query](std::function<void(Response)> respond) {
        backend_.why(query, respond_with<WhyView>(std::move(respond), [now](const WhyView& view) {
                         return why_document(view, now);
                     }));
    }};
}

Answer Handler::reload() {
    return Later{[this](std::function<void(Response)> respond) {
        backend_.reload(respond_with<ReloadView>(
            std::move(respond), [](const ReloadView& view) { return reload_document(view); }));
    }};
}

Answer Handler::probe(const Route& route) {
    return Later{[this, check = route.names.front()](std::function<void(Response)> respond) {
        backend_.probe(check, respond_with<checks::Outcome>(
                                  std::move(respond), [check](const checks::Outcome& outcome) {
                                      return probe_document(check, outcome);
                                  }));
    }};
}

Answer Handler::ping(const Route& route) {
    auto signal = signal_of(route);
    if (!signal.has_value()) return error_response(signal.error());
    return Later{[this, check = route.names.front(),
                  signal = *std::move(signal)](std::function<void(Response)> respond) {
        backend_.ping(check, signal,
                      respond_with<checks::Heartbeat>(std::move(respond),
                                                      [check](const checks::Heartbeat& heartbeat) {
                                                          return ping_document(check, heartbeat);
                                                      }));
    }};
}

Answer Handler::outages(WallTime now, const Route& route) {
    const auto query = outages_query(now, route);
    if (!query.has_value()) return error_response(query.error());
    return Later{[this, now, query = *query](std::function<void(Response)> respond) {
        backend_.outages(
            query, respond_with<OutagesView>(std::move(respond), [now](const OutagesView& view) {
                return outages_document(view, now);
            }));
    }};
}

Answer Handler::outage(WallTime now, const Route& route) {
    // "/v1/outages/homepage/7" spares people the escape of "homepage%237".
    const std::string id =
        route.names.size() == 2 ? route.names[0] + "#" + route.names[1] : route.names[0];
    return Later{[this, now, id](std::function<void(Response)> respond) {
        backend_.outage(id, respond_with<OutageDetailView>(std::move(respond),
                                                           [now](const OutageDetailView& view) {
                                                               return outage_document(view, now);
                                                           }));
    }};
}

Answer Handler::history(WallTime now, const Route& route) {
    const auto query = history_query(now, route);
    if (!query.has_value()) return error_response(query.error());
    return Later{[this, query = *query](std::function<void(Response)> respond) {
        backend_.history(query,
                         respond_with<HistoryView>(std::move(respond), [](const HistoryView& view) {
                             return history_document(view);
                         }));
    }};
}

Answer Handler::availability(WallTime now, const Route& route) {
    const auto query = availability_query(now, route);
    if (!query.has_value()) return error_response(query.error());
    return Later{[this, query = *query](std::function<void(Response)> respond) {
        backend_.availability(query, respond_with<AvailabilitiesView>(
                                         std::move(respond), [](const AvailabilitiesView& view) {
                                             return availability_document(view);
                                         }));
    }};
}

Answer Handler::leave() {
    return Later{[this](std::function<void(Response)> respond) {
        backend_.leave(respond_with<LeaveView>(
            std::move(respond), [](const LeaveView& view) { return leave_document(view); }));
    }};
}

Answer Handler::forget(const Route& route) {
    ForgetQuery query;
    if (const std::string* agent = parameter(route, "agent")) query.agent = *agent;
    if (const std::string* zone = parameter(route, "zone")) query.zone = *zone;
    if (query.agent.empty() == query.zone.empty()) {
        return error_response(400, "name an agent, or a zone");
    }
    return Later{[this, query = std::move(query)](std::function<void(Response)> respond) {
        backend_.forget(query,
                        respond_with<ForgetView>(std::move(respond), [](const ForgetView& view) {
                            return forget_document(view);
                        }));
    }};
}

Answer Handler::keys(const Route& route) {
    KeyCommand command;
    command.operation = route.names.front();
    constexpr std::array<std::string_view, 4> operations{"list", "install", "use", "remove"};
    if (std::ranges::find(operations, command.operation) == operations.end()) {
        return error_response(404, "keys are there to list, install, use and remove");
    }
    if (const std::string* key = parameter(route, "key")) command.key = *key;
    const auto force = flag_parameter(route, "force", false);
    if (!force.has_value()) return error_response(force.error());
    command.force = *force;
    if ((command.operation == "list") != command.key.empty()) {
        return error_response(400, command.key.empty() ? "key: which one?" : "a list takes no key");
    }
    return Later{[this, command = std::move(command)](std::function<void(Response)> respond) {
        backend_.keys(command, respond_with<KeysView>(std::move(respond), [](const KeysView& view) {
                          return keys_document(view);
                      }));
    }};
}

Answer Handler::events(const Route& route, std::string_view accept) const {
    const bool asks_for_json = accept.find("application/json") != std::string_view::npos;
    const auto follow = flag_parameter(route, "follow", !asks_for_json);
    if (!follow.has_value()) return error_response(follow.error());
    // A new follower sees what comes; one that only looks sees all there is.
    const auto recent = count_parameter(route, "recent", *follow ? 0 : events_kept_max);
    if (!recent.has_value()) return error_response(recent.error());
    if (*follow) return EventStream{std::min(*recent, events_kept_max)};

    const std::vector<Event> events = backend_.events();
    std::string lines;
    for (std::size_t i = events.size() - std::min(*recent, events.size()); i < events.size(); ++i) {
        lines += event_document(events[i]);
    }
    return Response{200, std::move(lines), {}, "application/jsonl"};
}

}  // namespace picket::api
