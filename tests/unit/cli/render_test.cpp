#include "agent/cli/render.h"

#include <doctest/doctest.h>

#include <string>

#include "agent/api/documents.h"
#include "agent/cli/documents.h"
#include "tests/support/fake_backend.h"

namespace picket::cli {
namespace {

using namespace std::chrono_literals;
using api::sample_now;

const Style narrow{.colour = false, .unicode = true, .width = 80};
const Style ascii{.colour = false, .unicode = false, .width = 80};

// As the CLI sees it: written by the agent, read back.
api::StatusView read_back(const api::StatusView& view) {
    return read_status(api::status_document(view, sample_now)).value();
}

TEST_CASE("status shows what is wrong first and fits the line") {
    CHECK(render_status(narrow, sample_now, read_back(api::sample_status())) ==
          R"(web-03 (eu-1a) · 4 checks: 1 up, 1 down, 1 unknown, 1 pending · fit · up 3d 3h

Open outages
  homepage#7  12s  total  connect 127.0.0.1:8080: connection refused

Problems
  checks.d/web.toml:3:1: intervall: unknown key, did you mean interval

NAME      TYPE     STATE    SINCE   LATENCY  LAST HOUR   MESSAGE
homepage  http     down     12s      0.4 ms  ▂▂▂▂▂▂▂▂▂×  connect 127.0.0.1:8080…
resolver  dns      unknown  1h 30m        -  ··········  checks.d/dns.toml:4:1:…
mailq     command  pending  -             -  ··········
edge-lb   tcp      up       3d 3h     12 ms  ···▂▃▅▆██▄  connected in 12 ms
)");
}

TEST_CASE("status in ASCII has nothing but ASCII") {
    const std::string text = render_status(ascii, sample_now, read_back(api::sample_status()));
    for (const char c : text) CHECK(static_cast<unsigned char>(c) < 0x80);
    CHECK(text.find("homepage  http     down     12s      0.4 ms  _________x  connect") !=
          std::string::npos);
}

TEST_CASE("status without checks is its summary") {
    api::StatusView view;
    view.agent.name = "web-03";
    view.agent.fit = false;
    view.agent.unfit_reason = "the disk is full";
    view.mesh.alive = 4;
    view.mesh.failed = 1;
    view.mesh.reference = 5;
    view.mesh.zones = 2;
    view.mesh.quorum = false;
    CHECK(render_status(narrow, sample_now, read_back(view)) ==
          "web-03 · 0 checks · unfit: the disk is full · up 0s · mesh 4 alive, 1 failed ·\n"
          "no quorum\n");
}

TEST_CASE("an answer with control characters shows none") {
    api::StatusView view = api::sample_status();
    view.checks[1].last->outcome.message = "\x1b]0;owned\x07\x1b[2J";
    view.agent.problems = {"a\nb\x1b[1m"};
    view.agent.name = "x\x1b[0m";
    const std::string text = render_status(narrow, sample_now, read_back(view));
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
    CHECK(text.find("?]0;owned??[2J") != std::string::npos);
}

TEST_CASE("show has the last outcome in full, the definition and the timeline") {
    api::ShowView view;
    view.check = api::sample_status().checks[1];
    view.definition = {{"interval", "10s"}, {"url", "http://127.0.0.1:8080/"}};
    view.latency_p50_ms = 1.2;
    view.latency_p95_ms = 3.4;
    view.latency_p99_ms = 12.1;
    view.timeline = {{sample_now - 13'310ms, "web-03", "first failure"},
                     {sample_now - 12s, "web-03", "down"}};
    view.check.last->outcome.address = "127.0.0.1:8080";
    view.check.last->outcome.expectations = {{"status 2xx", "503", false},
                                             {"body_matches \"Welcome\"", "matched", true}};
    view.check.last->outcome.detail = "line one\nline two\x1b[31m";
    const ShowReport report = read_show(api::show_document(view)).value();
    CHECK(render_show(narrow, sample_now, report.show) == R"(homepage (http) · down for 12s, total

  connect 127.0.0.1:8080: connection refused

  last       failed (refused) 2s ago in 0.4 ms, asked 127.0.0.1:8080
  last hour  ▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂▂×××
  latency    p50 1.2 ms, p95 3.4 ms, p99 12 ms in the last hour
  votes      0 ok, 1 fail, 0 abstain; panel web-03

Definition
  interval  10s
  url       http://127.0.0.1:8080/

Expected
  ✗  status 2xx              503
  ✓  body_matches "Welcome"  matched

Detail
  line one
  line two?[31m

Timeline
  2026-11-23 02:59:46  web-03  first failure
  2026-11-23 02:59:48  web-03  down
)");
}

TEST_CASE("outages are a table, one outage is its story") {
    const api::OutagesView all{false, api::sample_status().outages};
    CHECK(render_outages(narrow, sample_now,
                         read_outages(api::outages_document(all, sample_now)).value()) ==
          "ID          STATE  OPENED (UTC)         LENGTH  SCOPE  MESSAGE\n"
          "homepage#7  open   2026-11-23 02:59:48  12s     total  connect 127.0.0.1:8080:…\n");
    CHECK(render_outages(narrow, sample_now, {}) == "no outages\n");
}

api::OutageDetailView closed_outage() {
    api::OutageDetailView one;
    one.outage = api::sample_mesh_status().outages[0];
    one.outage.state = "closed";
    one.outage.closed_at = sample_now + 48s;
    one.opening = api::sample_opening();
    return one;
}

TEST_CASE("one outage is its story, in milliseconds from the first failure") {
    CHECK(render_outage(narrow, sample_now,
                        read_outage(api::outage_document(closed_outage(), sample_now)).value()) ==
          R"(homepage#7 · closed after 1m, partial

  3 of 5 witnesses failed it, 3 needed, in zones a, b; 1 passed it in zone c;
  roll call 12 of 12 answered, 7 needed.

  first failure  2026-11-23 02:59:46.813 UTC
  confirmed      2026-11-23 02:59:48.123 UTC, 1.310 s later
  closed         2026-11-23 03:00:48.123 UTC
  fails in       zones a, b
  written by     a1
  roll call      12 of 12 known agents answered, 7 needed

What failed
  a1, b1, b2: connect 10.0.0.5:443: connection refused

Votes that counted
  WITNESS  ZONE  VOTE  CLASS       AGE
  a1       a     fail  refused   1.3 s
  b1       b     fail  refused   1.1 s
  b2       b     fail  refused   1.0 s
  c1       c     ok    -        890 ms

Did not count
  a2: abstains: cut off: 4 of 12 answered

Timeline
     0 ms  a1  first failure
     1 ms  a1  asks the panel to look
     1 ms  a1  begins a roll call
    43 ms  a1  roll call passed
   212 ms  b1  begins to ask
  1003 ms  a1  votes fail
  1310 ms  a1  writes the verdict
)");
}

TEST_CASE("an outage without evidence says so") {
    api::OutageDetailView one = closed_outage();
    one.opening.reset();
    CHECK(render_outage(narrow, sample_now,
                        read_outage(api::outage_document(one, sample_now)).value())
              .ends_with("\n  Its evidence is not known here; it is kept for 30 days.\n"));
}

TEST_CASE("the draft of a post-mortem is a Markdown that no message can break") {
    api::OutageDetailView one = closed_outage();
    one.opening->votes[0].message = "a|b\n<script>";
    const std::string text = render_outage_markdown(sample_now, one);
    CHECK(text.starts_with("# homepage\\#7: homepage down\n"));
    CHECK(text.find("| a1 | a | fail | refused | a\\|b?\\<script\\> |\n") != std::string::npos);
    CHECK(text.find("| 02:59:48.123 | a1 | writes the verdict |\n") != std::string::npos);
    CHECK(text.find("## Cause") != std::string::npos);
    // Over more than one day each time has its date.
    one.outage.closed_at = one.outage.opened_at + 24h;
    CHECK(render_outage_markdown(sample_now, one)
              .find("| 2026-11-23 02:59:48.123 | a1 | writes the verdict |\n") !=
          std::string::npos);
}

TEST_CASE("a clock that was set back makes nothing of an outage shorter than nothing") {
    api::OutageDetailView one = closed_outage();
    one.outage.closed_at = one.outage.opened_at - 1h;
    one.outage.first_failure_at = one.outage.opened_at + 1s;
    const std::string document = api::outage_document(one, sample_now);
    CHECK(document.find(R"("duration_seconds":0,)") != std::string::npos);
    CHECK(document.find(R"("confirmed_after_seconds":0,)") != std::string::npos);
}

TEST_CASE("why gives the rule, what would change it, the evidence and who says what now") {
    const std::string text = render_why(
        narrow, sample_now, read_why(api::why_document(api::sample_why(), sample_now)).value());
    CHECK(text.starts_with(R"(homepage#7 · down for 12s, partial

  3 of 5 witnesses failed it, 3 needed, in zones a, b; 1 passed it in zone c;
  roll call 12 of 12 answered, 7 needed.
  It closes when 3 of 5 witnesses pass it twice in a row, not before 02:59:58
  UTC.

  first failure  2026-11-23 02:59:46.813 UTC
)"));
    CHECK(text.ends_with(R"(
Witnesses now
  WITNESS  ZONE  VOTE     AGO  CLASS    MESSAGE
  a1       a     fail     4s   refused  connect 10.0.0.5:443: connection refused
  b1       b     fail     4s   refused  connect 10.0.0.5:443: connection refused
  c1       c     ok       4s   -        200 OK
  a2       a     abstain  4s   -        unfit: its gateway does not answer
  b2       b     fail     4s   refused  connect 10.0.0.5:443: connection refused

Zones
  SEEN FROM  OK  FAIL  ABSTAIN  SILENT
  a           -     1        1       -
  b           -     2        -       -
  c           1     -        -       1

Abstain now
  a2: cut off: 4 of 12 answered
)"));
}

TEST_CASE("why of an unknown check says why, in ASCII too") {
    api::WhyView view = api::sample_why();
    view.check.state = "unknown";
    view.check.unknown_reason = "no quorum";
    view.check.last_verdict = "down";
    view.notice = "NO QUORUM: 6 of 12 known agents answer, 7 needed";
    const std::string text =
        render_why(ascii, sample_now, read_why(api::why_document(view, sample_now)).value());
    CHECK(
        text.starts_with("homepage#7 - unknown, last down for 12s, partial\n\n"
                         "  mesh: NO QUORUM: 6 of 12 known agents answer, 7 needed\n\n"
                         "  No quorum: this agent is not with the majority of the mesh, so it "
                         "decides\n  nothing. What was held last is down: 3 of 5 witnesses"));
    for (const char c : text) CHECK(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("the status of a mesh has votes instead of types, zones and what differs") {
    CHECK(render_status(narrow, sample_now, read_back(api::sample_mesh_status())) ==
          R"(a1 (a) · 4 checks: 1 up, 1 degraded, 1 down, 1 unknown · fit · up 3d 3h · mesh
12 alive

Open outages
  homepage#7  12s  partial  connect 127.0.0.1:8080: connection refused

Definitions that differ
  edge-lb: 9f0a1122 (in force) on a1, b1, c1; 9f0a1122 with quorum = 1 (counted
  on the terms in force) on b2; 0c5e1122 (not counted) on c2

NAME      STATE     SINCE   VOTES     LATENCY  LAST HOUR   MESSAGE
homepage  down      12s     3/5 fail   0.4 ms  ▂▂▂▂▂▂▂▂▂×  connect 127.0.0.1:80…
mailq     degraded  5m      4/5 ok          -  ··········  fails in c
resolver  unknown   1h 30m  0/5 ok          -  ··········  too few fit witnesse…
edge-lb   up        3d 3h   5/5 ok      12 ms  ···▂▃▅▆██▄  connected in 12 ms
)");
}

TEST_CASE("a lost quorum and a mesh of one zone are told before all else") {
    api::StatusView view = api::sample_mesh_status();
    view.mesh.quorum = false;
    view.mesh.zones = 1;
    view.mesh.notice =
        "NO QUORUM: 6 of 12 known agents answer, 7 needed; no outage opens or closes since 03:12. "
        "Missing: c1..c6 (zone c). If they are gone for good: picket forget --zone c";
    const std::string text = render_status(ascii, sample_now, read_back(view));
    CHECK(text.find(
              "\n\n"
              "mesh: NO QUORUM: 6 of 12 known agents answer, 7 needed; no outage opens or\n"
              "closes since 03:12. Missing: c1..c6 (zone c). If they are gone for good: picket\n"
              "forget --zone c\n\nmesh: all 12 agents are in one zone") != std::string::npos);
    CHECK(text.find("NO QUORUM") < text.find("Open outages"));
}

TEST_CASE("show has the panel with each vote, and the zones") {
    api::ShowView view;
    view.check = api::sample_mesh_status().checks[1];
    view.witnesses = api::sample_witnesses();
    const std::string text =
        render_show(narrow, sample_now, read_show(api::show_document(view)).value().show);
    CHECK(text.find("  votes      1 ok, 3 fail, 1 abstain; panel a1, b1, c1, a2, b2; 3 must agree\n"
                    "  fails in   zones a, b; passes in c\n") != std::string::npos);
    CHECK(text.find("\nPanel\n  WITNESS  ZONE  VOTE     AGO") != std::string::npos);
    CHECK(text.find("\nZones\n  SEEN FROM  OK  FAIL") != std::string::npos);
}

api::HistoryView history() {
    api::HistoryView view{"homepage", sample_now - 1h, sample_now, false, {}};
    for (int i = 0; i < 6; ++i) {
        api::HistoryPoint point;
        point.at = view.from + 10min * i;
        point.latency = Duration{1000 + 500 * i};
        point.message = "200 OK";
        if (i == 3 || i == 4) {
            point.finding = checks::Finding::failed;
            point.failure_class = checks::FailureClass::refused;
            point.message = "=connect, \"refused\"";
        }
        view.points.push_back(point);
    }
    return view;
}

TEST_CASE("a history is told in stretches of the same") {
    const api::HistoryView view = read_history(api::history_document(history())).value();
    CHECK(render_history(narrow, view) ==
          R"(homepage · 2026-11-23 02:00:00 to 2026-11-23 03:00:00 UTC

  outcomes  4 passed, 2 failed, 0 errored
  latency   p50 1.5 ms, p95 3.5 ms, p99 3.5 ms
            ▃·········▄·········▅·········×·········×·········█·········

FROM (UTC)  FOR  TIMES  FINDING           LATENCY          MESSAGE
02:00:00    20m      3  passed            1.0 ms – 2.0 ms  200 OK
02:30:00    10m      2  failed (refused)  2.5 ms – 3.0 ms  =connect, "refused"
02:50:00    0s       1  passed            3.5 ms           200 OK
)");
    CHECK(render_history(narrow, api::HistoryView{"x", sample_now - 1h, sample_now, false, {}}) ==
          "x · 2026-11-23 02:00:00 to 2026-11-23 03:00:00 UTC\n\n  nothing was recorded\n");
}

TEST_CASE("what nobody observed is a stretch of its own, and outages are named") {
    api::HistoryView view = history();
    view.points.erase(view.points.begin() + 3, view.points.end());
    view.points.push_back({.at = sample_now - 30min,
                           .message = "maintenance",
                           .not_observed_until = sample_now - 5min});
    for (std::uint32_t epoch = 1; epoch <= 9; epoch += 2) {
        view.outages.push_back({.id = "homepage#" + std::to_string(epoch),
                                .scope = "total",
                                .opened_at = sample_now - 20min,
                                .closed_at = sample_now - 19min});
    }
    view.outages.back().closed_at.reset();
    CHECK(render_history(narrow, read_history(api::history_document(view)).value()) ==
          R"(homepage · 2026-11-23 02:00:00 to 2026-11-23 03:00:00 UTC

  outcomes      3 passed, 0 failed, 0 errored
  not observed  25m
  outages       homepage#9 open, homepage#7 for 1m, homepage#5 for 1m, and 2 before
  latency       p50 1.5 ms, p95 2.0 ms, p99 2.0 ms
                ▄·········▆·········█·······································

FROM (UTC)  FOR  TIMES  FINDING       LATENCY          MESSAGE
02:00:00    20m      3  passed        1.0 ms – 2.0 ms  200 OK
02:30:00    25m      -  not observed  -                maintenance
)");
}

api::HistoryView slots() {
    api::HistoryView view{"homepage", sample_now - 3h, sample_now, false, {}};
    view.resolution = 1h;
    view.slots = {{.at = sample_now - 3h,
                   .passed = 358,
                   .failed = 2,
                   .latency = api::LatencyView{20ms, 19ms, 33ms, 1'200ms}},
                  {.at = sample_now - 2h, .not_observed = 1h},
                  {.at = sample_now - 1h, .errored = 180, .not_observed = 30min}};
    return view;
}

TEST_CASE("a long history is told in slots, and as comma-separated values") {
    const api::HistoryView view = read_history(api::history_document(slots())).value();
    CHECK(render_history(narrow, view) ==
          R"(homepage · 2026-11-23 00:00:00 to 2026-11-23 03:00:00 UTC

  outcomes      358 passed, 2 failed, 180 errored
  not observed  1h 30m

1h FROM (UTC)     PASSED  FAILED  ERRORED  NOT OBSERVED    P50    P95    P99
2026-11-23 00:00     358       2        -             -  19 ms  33 ms  1.2 s
2026-11-23 01:00       -       -        -            1h      -      -      -
2026-11-23 02:00       -       -      180           30m      -      -      -
)");
    CHECK(render_history_csv(view) ==
          "at,passed,failed,errored,not_observed_seconds,mean_ms,p50_ms,p95_ms,p99_ms\n"
          "2026-11-23T00:00:00.123Z,358,2,0,0.000,20.000,19.000,33.000,1200.000\n"
          "2026-11-23T01:00:00.123Z,0,0,0,3600.000,,,,\n"
          "2026-11-23T02:00:00.123Z,0,0,180,1800.000,,,,\n");
}

api::AvailabilityView available(const char* name) {
    api::AvailabilityView view;
    view.check = name;
    view.from = sample_now - 720h;
    view.to = sample_now;
    view.down = 20min + 3s;
    view.not_observed = 24h;
    view.up = 720h - view.down - view.not_observed;
    view.outages = 3;
    view.passed = 250'401;
    view.failed = 128;
    view.latency = api::LatencyView{20ms, 19ms, 33ms, 40ms};
    view.budget = api::BudgetView{99.9, 43min + 12s, view.down};
    view.burn = {{.window = 5min}, {.window = 1h, .rate = 14.4}};
    return view;
}

TEST_CASE("availability keeps apart what was not observed, and never rounds up to all") {
    api::AvailabilitiesView view{{available("homepage"), available("edge-lb")}};
    view.checks[1].down = 100us;
    view.checks[1].up = 696h - 100us;
    view.checks[1].budget->spent = 0s;
    api::AvailabilityView unseen;
    unseen.check = "mailq";
    unseen.not_observed = 720h;
    view.checks.push_back(unseen);
    view = read_availability(api::availability_document(view)).value();
    CHECK(render_availability(narrow, view) ==
          R"(2026-10-24 03:00:00 to 2026-11-23 03:00:00 UTC

CHECK     AVAILABLE  DOWN  NOT OBSERVED  OUTAGES    P95   LEFT  BURN 1H
homepage   99.951 %   20m            1d        3  33 ms   53 %     14.4
edge-lb       100 %     -            1d        3  33 ms  100 %     14.4
mailq             -     -           30d        0      -      -        -
)");
    view.checks.resize(1);
    CHECK(render_availability(narrow, view) ==
          R"(homepage · 2026-10-24 03:00:00 to 2026-11-23 03:00:00 UTC

  available     99.951 %
  up            28d
  down          20m
  not observed  1d
  outages       3
  outcomes      250401 passed, 128 failed, 0 errored
  latency       p50 19 ms, p95 33 ms, p99 40 ms
  objective     99.9 %, which allows 43m of downtime
  budget left   53 %
  burn rate     - over 5m, 14.4 over 1h
)");
    CHECK(render_availability(narrow, {}) == "no check is known\n");
}

TEST_CASE("a replay stands beside what was decided") {
    api::ReplayView view;
    view.check = "homepage";
    view.from = sample_now - 24h;
    view.to = sample_now;
    view.outcomes = 8'640;
    view.judged_otherwise = 41;
    view.attempts_assumed = 4;
    view.not_observed = 1h;
    view.decided_outages = 1;
    view.replayed_outages = 2;
    view.decided_down = 1min;
    view.replayed_down = 2min;
    const api::DecidedSpan decided{.from = sample_now - 3h, .to = sample_now - 179min};
    const api::DecidedSpan slow{.from = sample_now - 1h, .message = "answered after 912 ms"};
    view.rows = {{.decided = decided, .replayed = decided}, {.replayed = slow}};
    api::ReplayView other;
    other.check = "edge-lb";
    other.from = view.from;
    other.to = view.to;
    other.stored = false;
    CHECK(render_replay(narrow, {view, other}) ==
          R"(homepage · 2026-11-22 03:00:00 to 2026-11-23 03:00:00 UTC

            OUTAGES  DOWN
  decided         1    1m
  replayed        2    2m

  8640 outcomes, 41 of them judged otherwise; 4 attempts assumed where nobody
  asked again; not observed for 1h

  DECIDED (UTC)               REPLAYED (UTC)              MESSAGE
  2026-11-23 00:00:00 for 1m  2026-11-23 00:00:00 for 1m
  -                           2026-11-23 02:00:00, open   answered after 912 ms

edge-lb · 2026-11-22 03:00:00 to 2026-11-23 03:00:00 UTC

  nothing is stored of it
)");
}

TEST_CASE("a history as comma-separated values is safe to open") {
    api::HistoryView view = history();
    view.points.erase(view.points.begin(), view.points.begin() + 2);
    view.points.resize(2);
    CHECK(render_history_csv(view) ==
          "at,finding,class,latency_ms,message,until\n"
          "2026-11-23T02:20:00.123Z,passed,,2.000,200 OK,\n"
          "2026-11-23T02:30:00.123Z,failed,refused,2.500,\"'=connect, \"\"refused\"\"\",\n");
}

checks::Outcome traced() {
    checks::Outcome outcome = checks::passed(41'200us, "200 OK, 5 kB");
    outcome.address = "192.0.2.1:443";
    outcome.phases = {{"resolve", 0us, 1'200us},
                      {"connect", 1'200us, 8'100us},
                      {"tls", 9'300us, 14'000us},
                      {"first_byte", 23'300us, 17'000us},
                      {"transfer", 40'300us, 900us}};
    outcome.expectations = {{"status 2xx", "200", true}, {"latency 800ms", "41 ms", true}};
    outcome.metrics = {{"certificate_days", 61.5, "d"}};
    return outcome;
}

TEST_CASE("a traced probe shows where its time went") {
    const ProbeReport report = read_probe(api::probe_document("homepage", traced())).value();
    CHECK(render_probe(narrow, report.check, report.outcome, Trace::yes) ==
          R"(✓ homepage · passed in 41 ms, asked 192.0.2.1:443
  200 OK, 5 kB

Phases
  resolve     1.2 ms  █
  connect     8.1 ms   ██████████
  tls          14 ms             ████████████████
  first_byte   17 ms                             ████████████████████
  transfer    0.9 ms                                                 █

Expected
  ✓  status 2xx     200
  ✓  latency 800ms  41 ms

Measured
  certificate_days  61.5 d
)");
}

TEST_CASE("a probe that failed says so in ASCII too") {
    checks::Outcome outcome =
        checks::failed(checks::FailureClass::status, 1ms, "GET http://x/: status 503, want 2xx");
    outcome.expectations = {{"status 2xx", "503", false}};
    outcome.phases = {{"first_byte", 5ms, 5ms}};  // Beyond the whole: still one bar.
    CHECK(render_probe(ascii, "homepage", outcome, Trace::no) ==
          "x homepage - failed (status) in 1.0 ms\n"
          "  GET http://x/: status 503, want 2xx\n"
          "\n"
          "Expected\n"
          "  x  status 2xx  503\n");
    CHECK(render_probe(ascii, "homepage", outcome, Trace::yes).find("#") != std::string::npos);
}

TEST_CASE("members, reloads and events are a line each") {
    const std::vector<api::MemberView> members{{.name = "web-03",
                                                .address = "",
                                                .zone = "eu-1a",
                                                .state = "alive",
                                                .since = sample_now - 5min,
                                                .incarnation = 3,
                                                .version = "0.1.0",
                                                .checks = 12},
                                               {.name = "am-1",
                                                .address = "10.0.0.9:9094",
                                                .zone = "",
                                                .state = "failed",
                                                .picket = false,
                                                .version = "",
                                                .fit = false}};
    CHECK(
        render_members(narrow, sample_now, read_members(api::members_document(members)).value()) ==
        "NAME    ADDRESS        ZONE   STATE   SINCE  INCARNATION  VERSION     FIT  CHECKS\n"
        "web-03  -              eu-1a  alive   5m               3  0.1.0       yes      12\n"
        "am-1    10.0.0.9:9094  -      failed  -                0  not picket  no        -\n");
    api::KeysView keys;
    keys.operation = "install";
    keys.asked = 3;
    keys.confirmed = 2;
    keys.keys = {{"00000000000000aa", 2, 2}, {"00000000000000bb", 2, 0}};
    keys.unconfirmed = {{"a3", "no answer within 8s"}};
    keys.foreign = {"serf-1"};
    CHECK(render_keys(narrow, read_keys(api::keys_document(keys)).value()) ==
          "2 agents of 3 confirmed\n\nNot confirmed\n  a3: no answer within 8s\n\n"
          "Not picket, and not asked\n  serf-1\n\n"
          "KEY               INSTALLED ON  PRIMARY ON\n"
          "00000000000000aa             2           2\n"
          "00000000000000bb             2           0\n");
    const api::ReloadView reload{1, 2, 3, 4, {"a.toml:1:1: x: unknown key"}};
    CHECK(render_reload(narrow, read_reload(api::reload_document(reload)).value()) ==
          "1 added, 2 changed, 3 removed, 4 unchanged\n\nProblems\n  a.toml:1:1: x: unknown key\n");
    api::Event event;
    event.at = sample_now;
    event.type = api::EventType::verdict;
    event.check = "homepage";
    event.from = "up";
    event.to = "down";
    event.message = "connection refused";
    CHECK(render_event(narrow, read_event(api::event_document(event)).value()) ==
          "2026-11-23 03:00:00  verdict     homepage  up → down  connection refused\n");
}

TEST_CASE("documents of another version are read as far as they are understood") {
    const auto view = read_status(
        R"({"agent":{"name":7,"problems":[1,"x"],"uptime_seconds":1e300},"checks":[{"since":"x"},
            5,{"name":"a","state":"odd","ok":-1,"last":{"finding":"new","latency_ms":"x"}}],
            "new":{}})");
    REQUIRE(view.has_value());
    CHECK(view->agent.name.empty());
    CHECK(view->agent.uptime == 0s);
    REQUIRE(view->checks.size() == 2);  // What is no object is no check.
    CHECK(view->checks[1].name == "a");
    CHECK(view->checks[1].last->outcome.finding == checks::Finding::errored);
    CHECK_FALSE(render_status(narrow, sample_now, *view).empty());
    for (const char* bad : {"", "[]", "{", "null", "{\"a\":\"\xff\"}"}) {
        const auto nothing = read_status(bad);
        REQUIRE_FALSE(nothing.has_value());
        CHECK(nothing.error().code() == Code::corrupt);
    }
    CHECK(read_error(api::error_document("not_found", "no such check")) == "no such check");
    CHECK(read_error("<html>").empty());
}

}  // namespace
}  // namespace picket::cli
