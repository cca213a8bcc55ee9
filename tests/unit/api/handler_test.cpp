#include "agent/api/handler.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>

#include "agent/base/percent.h"
#include "tests/support/fake_backend.h"

namespace picket::api {
namespace {

using namespace std::chrono_literals;

struct World {
    World() { backend.status_view = sample_status(); }

    // The answer, also where it takes time.
    Response ask(std::string_view method, std::string_view path, std::string_view query = "",
                 Caller caller = {.uid = 0, .gid = 0, .privileged = true}) {
        Answer answer = handler.handle(
            sample_now, Request{.method = method, .path = path, .query = query, .caller = caller});
        if (auto* response = std::get_if<Response>(&answer)) return std::move(*response);
        auto* later = std::get_if<Later>(&answer);
        REQUIRE(later != nullptr);
        int answers = 0;
        Response response;
        later->start([&](Response given) {
            ++answers;
            response = std::move(given);
        });
        CHECK(answers == 0);
        backend.answer_pending();
        CHECK(answers == 1);
        return response;
    }

    FakeBackend backend;
    Handler handler{backend};
};

bool has(const Response& response, std::string_view text) {
    return response.body.find(text) != std::string::npos;
}

TEST_CASE("the status is one document with the promised fields") {
    World world;
    const Response response = world.ask("GET", "/v1/status");
    CHECK(response.status == 200);
    CHECK(response.content_type == "application/json");
    CHECK(has(
        response,
        R"({"agent":{"name":"web-03","zone":"eu-1a","version":"0.1.0","fit":true,)"
        R"("unfit_reason":null,"uptime_seconds":270000,"database":"",)"
        R"("problems":["checks.d/web.toml:3:1: intervall: unknown key, did you mean interval"],"counters":{}},)"
        R"("mesh":{"alive":1,"suspect":0,"failed":0,"left":0,"reference":1,"zones":1,)"
        R"("quorum":true,"notice":null,"missing":[]},)"));
    CHECK(has(
        response,
        R"({"name":"homepage","type":"http","scope":"mesh","state":"down",)"
        R"("unknown_reason":null,"last_verdict":null,"outage_scope":"total","epoch":7,)"
        R"("since":"2026-11-23T02:59:48.123Z","panel":["web-03"],"quorum":1,)"
        R"("backing":"quorum","ok":0,"fail":1,"abstain":0,"abstaining":[],)"
        R"("zones_failing":["eu-1a"],"zones_passing":[],"drift":[],)"
        R"("last":{"at":"2026-11-23T02:59:58.123Z","finding":"failed","class":"refused",)"
        R"("latency_ms":0.4,"message":"connect 127.0.0.1:8080: connection refused",)"
        R"("address":null},"carried":true,"problem":null,"sparkline":"111111111111111111111111111!!!"})"));
    CHECK(has(response,
              R"("outages":[{"id":"homepage#7","check":"homepage","state":"open",)"
              R"("scope":"total","opened_at":"2026-11-23T02:59:48.123Z","closed_at":null,)"
              R"("duration_seconds":12,"first_failure_at":"2026-11-23T02:59:46.813Z",)"
              R"("confirmed_after_seconds":1.31,"class":"refused",)"
              R"("message":"connect 127.0.0.1:8080: connection refused","backing":"quorum",)"
              R"("zones_failing":[]}]})"));
    CHECK(response.body.back() == '\n');
}

TEST_CASE("what was never judged has neither since nor last") {
    World world;
    const Response response = world.ask("GET", "/v1/checks/mailq");
    CHECK(has(response, R"("since":null,)"));
    CHECK(has(response, R"("last":null,)"));
}

TEST_CASE("every route answers") {
    World world;
    world.backend.history_view.check = "homepage";
    world.backend.outage_view.outage = world.backend.status_view.outages[0];
    world.backend.why_view.check = world.backend.status_view.checks[1];
    world.backend.why_view.outage = world.backend.status_view.outages[0];
    world.backend.member_views = {MemberView{
        .name = "web-03", .address = {}, .zone = "eu-1a", .state = "alive", .version = "0.1.0"}};
    CHECK(has(world.ask("GET", "/v1/checks"), R"({"checks":[{"name":"edge-lb")"));
    CHECK(has(world.ask("GET", "/v1/checks/homepage"), R"("definition":{},"witnesses":[],)"));
    CHECK(has(world.ask("GET", "/v1/outages"), R"({"truncated":false,"outages":[{)"));
    CHECK(has(world.ask("GET", "/v1/outages/homepage%237"), R"({"id":"homepage#7")"));
    CHECK(has(world.ask("GET", "/v1/outages/homepage/7"), R"({"id":"homepage#7")"));
    CHECK(has(world.ask("GET", "/v1/history/homepage"), R"({"check":"homepage","from":)"));
    CHECK(has(world.ask("GET", "/v1/availability"), R"({"checks":[]})"));
    CHECK(has(world.ask("GET", "/v1/agent"), R"({"name":"web-03","zone":"eu-1a")"));
    CHECK(has(world.ask("GET", "/v1/checks/homepage/why"), R"({"id":"homepage#7")"));
    CHECK(has(world.ask("GET", "/v1/members"), R"({"members":[{"name":"web-03","address":null)"));
    CHECK(has(world.ask("GET", "/v1/events", "follow=0"), ""));
    CHECK(has(world.ask("POST", "/v1/checks/homepage/probe"), R"("finding":"passed")"));
    CHECK(has(world.ask("POST", "/v1/leave"), R"({"left":"web-03"})"));
    CHECK(has(world.ask("POST", "/v1/forget", "zone=eu-1a"), R"({"forgotten":["am-1"]})"));
    CHECK(world.backend.forget_query.zone == "eu-1a");
    CHECK(has(world.ask("POST", "/v1/keys/use", "key=a%2Bb&force=1"), R"({"operation":)"));
    CHECK(world.backend.key_command.operation == "use");
    CHECK(world.backend.key_command.key == "a+b");
    CHECK(world.backend.key_command.force);
    CHECK(has(world.ask("POST", "/v1/reload"), R"({"added":1,"changed":2,"removed":3,)"));
}

TEST_CASE("a ping is a signal, an exit code or a plain success") {
    World world;
    const auto ping = [&](std::string_view query) {
        return world.ask("POST", "/v1/checks/homepage/ping", query);
    };
    CHECK(ping("").body ==
          "{\"check\":\"homepage\",\"started_at\":null,"
          "\"success_at\":\"2026-11-23T03:00:00.123Z\","
          "\"ended_at\":\"2026-11-23T03:00:00.123Z\","
          "\"failing\":false,\"exit_code\":0,\"message\":\"\"}\n");
    CHECK(
        has(ping("signal=start"), R"("started_at":"2026-11-23T03:00:00.123Z","success_at":null)"));
    CHECK(has(ping("signal=fail&message=no%20space"), R"("failing":true,"exit_code":0,)"));
    CHECK(has(ping("exit_code=2"), R"("failing":true,"exit_code":2,)"));
    CHECK(has(ping("exit_code=0"), R"("failing":false,"exit_code":0,)"));
    REQUIRE(world.backend.signals.size() == 5);
    CHECK(world.backend.signals[2].message == "no space");
    const std::vector<std::pair<std::string_view, std::string_view>> mistakes{
        {"signal=done", "signal: 'done' is not start, success or fail"},
        {"signal=fail&exit_code=1", "signal and exit_code exclude each other"},
        {"exit_code=256", "exit_code: at most 255"},
        {"exit_code=x", "exit_code: 'x' is not a number"}};
    for (const auto& [query, message] : mistakes) {
        CAPTURE(query);
        const Response response = ping(query);
        CHECK(response.status == 400);
        CHECK(response.body.find(message) != std::string::npos);
    }
    CHECK(world.ask("POST", "/v1/checks/nope/ping").status == 404);
    CHECK(world.backend.signals.size() == 5);
}

TEST_CASE("a path is split before it is decoded") {
    World world;
    world.backend.status_view.checks[0].name = "a/b c#d";
    CHECK(world.ask("GET", "/v1/checks/a%2fb%20c%23d").status == 200);
    CHECK(world.ask("GET", "/v1/checks/a/b%20c%23d").status == 404);
}

TEST_CASE("each mistake has its status code") {
    World world;
    const std::string long_name(2000, 'x');
    struct Mistake {
        std::string_view method, path, query;
        unsigned status;
        std::string_view message;
    };
    for (const Mistake& mistake : {
             Mistake{"GET", "/", "", 404, "there is nothing at /"},
             Mistake{"GET", "/v1/status/", "", 404, "there is nothing at /v1/status/"},
             Mistake{"GET", "/v1/checks/", "", 404, "there is nothing at /v1/checks/"},
             Mistake{"GET", "/v1/checks/nope", "", 404, "there is no check 'nope'"},
             Mistake{"POST", "/v1/checks/nope/probe", "", 404, "there is no check 'nope'"},
             Mistake{"GET", "/v1/outages/x%231", "", 404, "there is no outage 'x#1'"},
             Mistake{"GET", "*", "", 400, "'*' is not a path"},
             Mistake{"GET", "", "", 400, "'' is not a path"},
             Mistake{"GET", "/v1/checks/a%zz", "", 400, "'%zz' is not an escape such as %2F"},
             Mistake{"GET", "/v1/checks/a%0", "", 400, "'%0' is not an escape such as %2F"},
             Mistake{"GET", "/v1/checks/a%00", "", 400, "'%00' is not an escape such as %2F"},
             Mistake{"GET", "/v1/checks/%ff", "", 400, "the address is not UTF-8"},
             Mistake{"GET", "/v1/status", "x=1", 400, "/v1/status takes no parameter 'x'"},
             Mistake{"GET", "/v1/outages", "open=1&open=1", 400, "parameter 'open' is given twice"},
             Mistake{"GET", "/v1/outages", "open=yes", 400, "open: 'yes' is neither 0 nor 1"},
             Mistake{"GET", "/v1/history/homepage", "since=tomorrow", 400,
                     "since: 'tomorrow' is neither a time such as 2026-11-23T03:00:00Z nor a "
                     "duration such as 2h"},
             Mistake{"GET", "/v1/history/homepage", "since=1h&until=2h", 400,
                     "since (2026-11-23T02:00:00.123Z) must be before until "
                     "(2026-11-23T01:00:00.123Z)"},
             Mistake{"GET", "/v1/history/homepage", "slots=0", 400, "slots: 1 to 2000"},
             Mistake{"GET", "/v1/history/homepage", "slots=2001", 400, "slots: 1 to 2000"},
             Mistake{"GET", "/v1/availability", "slo=100", 400,
                     "slo: '100' is no percentage between 0 and 100"},
             Mistake{"GET", "/v1/availability", "slo=99.9x", 400,
                     "slo: '99.9x' is no percentage between 0 and 100"},
             Mistake{"GET", "/v1/events", "recent=-1", 400, "recent: '-1' is not a number"},
             Mistake{"POST", "/v1/forget", "", 400, "name an agent, or a zone"},
             Mistake{"POST", "/v1/forget", "agent=a&zone=b", 400, "name an agent, or a zone"},
             Mistake{"POST", "/v1/keys/rotate", "", 404,
                     "keys are there to list, install, use and remove"},
             Mistake{"POST", "/v1/keys/use", "", 400, "key: which one?"},
             Mistake{"POST", "/v1/keys/list", "key=x", 400, "a list takes no key"},
             Mistake{"GET", "/v1/status", long_name, 414, "the query is longer than 1024 bytes"},
             Mistake{"GET", long_name, "", 414, "the path is longer than 1024 bytes"},
         }) {
        CAPTURE(mistake.path);
        CAPTURE(mistake.query);
        const Response response = world.ask(mistake.method, mistake.path, mistake.query);
        CHECK(response.status == mistake.status);
        CHECK_MESSAGE(
            has(response, std::string("\"message\":\"") + std::string(mistake.message) + "\"}}\n"),
            response.body);
    }
}

TEST_CASE("a wrong method is told the right one") {
    World world;
    const Response response = world.ask("DELETE", "/v1/checks/homepage/probe");
    CHECK(response.status == 405);
    CHECK(response.allow == "POST");
    CHECK(has(response, "/v1/checks/homepage/probe takes POST, not DELETE"));
    CHECK(world.ask("POST", "/v1/status").allow == "GET");
}

TEST_CASE("a body that is too long is refused") {
    World world;
    const std::string body(body_bytes_max + 1, 'x');
    const Answer answer = world.handler.handle(
        sample_now, Request{.method = "POST", .path = "/v1/reload", .query = {}, .body = body});
    REQUIRE(std::holds_alternative<Response>(answer));
    CHECK(std::get<Response>(answer).status == 413);
}

TEST_CASE("only the privileged may make the agent act, anybody may look") {
    World world;
    const Caller stranger{.uid = 1234, .gid = 1234, .privileged = false};
    for (const char* path :
         {"/v1/reload", "/v1/checks/homepage/probe", "/v1/checks/homepage/ping"}) {
        const Response response = world.ask("POST", path, "", stranger);
        CHECK(response.status == 403);
        CHECK(has(response,
                  R"({"error":{"code":"forbidden","message":"this asks for root, the agent's )"
                  R"(own user or group picket; you are uid 1234"}})"));
    }
    CHECK(world.backend.reloads == 0);
    CHECK(world.backend.pending.empty());
    CHECK(world.ask("GET", "/v1/status", "", stranger).status == 200);
}

TEST_CASE("an error of the backend keeps its meaning") {
    World world;
    const auto status_for = [&](Code code) {
        world.backend.probe_outcome = failure(code, "why");
        return world.ask("POST", "/v1/checks/homepage/probe").status;
    };
    CHECK(status_for(Code::invalid) == 400);
    CHECK(status_for(Code::not_found) == 404);
    CHECK(status_for(Code::exhausted) == 503);
    CHECK(status_for(Code::timed_out) == 503);
    CHECK(status_for(Code::io) == 500);
    CHECK(status_for(Code::corrupt) == 500);
}

TEST_CASE("what is not observed is a finding of its own, and a duration in a slot") {
    World world;
    HistoryView& view = world.backend.history_view;
    view = {"web", sample_now - 1h, sample_now, false, {}};
    view.points.push_back({.at = sample_now - 1h,
                           .message = "maintenance",
                           .not_observed_until = sample_now - 30min});
    view.outages.push_back({.id = "web#1", .scope = "total", .opened_at = sample_now - 5min});
    Response response = world.ask("GET", "/v1/history/web");
    CHECK(has(response, R"("points":[{"at":"2026-11-23T02:00:00.123Z","finding":"not_observed",)"
                        R"("until":"2026-11-23T02:30:00.123Z","message":"maintenance"}])"));
    CHECK(has(response, R"("outages":[{"id":"web#1","scope":"total",)"
                        R"("opened_at":"2026-11-23T02:55:00.123Z","closed_at":null}])"));
    view.points.clear();
    view.resolution = 30min;
    view.slots = {
        {.at = sample_now - 1h, .not_observed = 30min},
        {.at = sample_now - 30min, .passed = 180, .latency = LatencyView{20ms, 19ms, 33ms, 40ms}}};
    response = world.ask("GET", "/v1/history/web", "slots=2&raw=0");
    CHECK(world.backend.history_query.slots_max == 2);
    CHECK(has(response, R"("resolution_seconds":1800,)"));
    CHECK(has(response, R"("errored":0,"not_observed_seconds":1800,"latency_ms":null})"));
    CHECK(has(response, R"("latency_ms":{"mean":20,"p50":19,"p95":33,"p99":40}})"));
}

TEST_CASE("availability names its checks and its objective, of thirty days unless told") {
    World world;
    AvailabilityView view;
    view.check = "web";
    view.up = 99h;
    view.down = 1h;
    view.burn = {{.window = 1h, .rate = 2.5}, {.window = 6h}};
    view.budget = BudgetView{99.9, 2h, 1h};
    world.backend.availability_view.checks = {view};
    const Response response =
        world.ask("GET", "/v1/availability", "checks=web,root%40db,&slo=99.9");
    CHECK(world.backend.availability_query.checks == std::vector<std::string>{"web", "root@db"});
    CHECK(world.backend.availability_query.slo == 99.9);
    CHECK(world.backend.availability_query.from == sample_now - 720h);
    CHECK(world.backend.availability_query.now == sample_now);
    CHECK(has(response, R"("availability":0.99,"up_seconds":356400,)"));
    CHECK(has(response, R"("slo":99.9,"budget":{"allowed_seconds":7200,"spent_seconds":3600,)"
                        R"("remaining":0.5},"burn":[{"window_seconds":3600,"rate":2.5},)"
                        R"({"window_seconds":21600,"rate":null}])"));
}

TEST_CASE("times are absolute or ago") {
    World world;
    world.ask("GET", "/v1/history/homepage");
    CHECK(world.backend.history_query.from == sample_now - 1h);
    CHECK(world.backend.history_query.to == sample_now);
    world.ask("GET", "/v1/history/homepage", "since=2h&until=30m");
    CHECK(world.backend.history_query.from == sample_now - 2h);
    CHECK(world.backend.history_query.to == sample_now - 30min);
    world.ask("GET", "/v1/history/homepage", "since=2026-11-23T01:00:00%2B01:00");
    CHECK(format_time(world.backend.history_query.from) == "2026-11-23T00:00:00.000Z");
    world.ask("GET", "/v1/outages", "open=1&since=1d");
    CHECK(world.backend.outages_query.open_only);
    CHECK(world.backend.outages_query.since == sample_now - 24h);
}

TEST_CASE("events are followed, or listed as lines") {
    World world;
    Event event;
    event.at = sample_now;
    event.type = EventType::reload;
    event.message = "one";
    world.backend.recent_events = {event, event};
    world.backend.recent_events[1].message = "two";
    const auto ask = [&](std::string_view query, std::string_view accept) {
        return world.handler.handle(
            sample_now,
            Request{.method = "GET", .path = "/v1/events", .query = query, .accept = accept});
    };
    CHECK(std::get<EventStream>(ask("", "")).recent == 0);
    CHECK(std::get<EventStream>(ask("recent=7", "text/event-stream")).recent == 7);
    CHECK(std::get<EventStream>(ask("recent=9999999", "")).recent == events_kept_max);
    CHECK(std::get<Response>(ask("follow=0", "")).body ==
          "{\"at\":\"2026-11-23T03:00:00.123Z\",\"type\":\"reload\",\"from\":null,\"to\":null,"
          "\"message\":\"one\"}\n"
          "{\"at\":\"2026-11-23T03:00:00.123Z\",\"type\":\"reload\",\"from\":null,\"to\":null,"
          "\"message\":\"two\"}\n");
    CHECK(has(std::get<Response>(ask("recent=1", "application/json")), "two"));
    CHECK_FALSE(has(std::get<Response>(ask("recent=1", "application/json")), "one"));
}

TEST_CASE("whatever a message holds, the document is valid") {
    World world;
    world.backend.probe_outcome = checks::failed(checks::FailureClass::content, 1ms, "x");
    world.backend.probe_outcome->message = "a\"b\\c\n\t\x01\x7f\xff é \xe2\x82";
    world.backend.probe_outcome->metrics = {{"nan", std::nan(""), "s"}, {"load", 0.25, ""}};
    const Response response = world.ask("POST", "/v1/checks/homepage/probe");
    CHECK(has(
        response,
        "\"message\":\"a\\\"b\\\\c\\n\\t\\u0001\\u007f\xef\xbf\xbd é \xef\xbf\xbd\xef\xbf\xbd\""));
    CHECK(has(response, R"("metrics":[{"label":"nan","value":null,"unit":"s"},)"
                        R"({"label":"load","value":0.25,"unit":""}])"));
}

TEST_CASE("percent-encoding and decoding undo each other") {
    std::string all;
    for (int c = 1; c < 128; ++c) all.push_back(static_cast<char>(c));
    all += "é…";
    CHECK(percent_decode(percent_encode(all)) == all);
    CHECK(percent_encode("homepage#7 a/b+c") == "homepage%237%20a%2Fb%2Bc");
    CHECK(percent_decode("a+b") == "a+b");
}

}  // namespace
}  // namespace picket::api
