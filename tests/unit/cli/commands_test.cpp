#include "agent/cli/commands.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/api/server.h"
#include "agent/api/stored_records.h"
#include "agent/cli/client.h"
#include "agent/io/clock.h"
#include "agent/io/loop.h"
#include "agent/io/timer.h"
#include "gossip/spread/record_codec.h"
#include "storage/store.h"
#include "tests/support/fake_backend.h"
#include "tests/support/temporary_directory.h"

namespace picket::cli {
namespace {

using namespace std::chrono_literals;

// An agent's API on a thread of its own, as the CLI waits for its answers.
class Agent {
public:
    explicit Agent(const std::string& socket_path) {
        std::atomic<bool> listening = false;
        thread_ = std::thread([this, &listening, socket_path] { run(socket_path, listening); });
        listening.wait(false);
    }
    ~Agent() {
        stopping_ = true;
        thread_.join();
    }
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

private:
    void run(const std::string& socket_path, std::atomic<bool>& listening) {
        io::Loop loop;
        api::FakeBackend backend;
        backend.status_view = api::sample_status();
        backend.outage_view.outage = backend.status_view.outages[0];
        backend.outage_view.opening = api::sample_opening();
        backend.why_view = api::sample_why();
        backend.history_view.check = "homepage";
        backend.recent_events.resize(3);
        backend.recent_events[2].message = "the newest";
        api::Server::Options options;
        options.socket_path = socket_path;
        const auto server = api::Server::open(loop, backend, options);
        listening = true;
        listening.notify_one();
        io::Timer turn(loop, [&] { backend.answer_pending(); });
        while (!stopping_) {
            turn.set(io::monotonic_now() + 1ms);
            loop.run_once();
        }
    }

    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

struct Shell {
    // The exit code of `picket WORDS`.
    int run(std::vector<const char*> words) {
        output.clear();
        errors.clear();
        words.insert(words.begin(), "picket");
        const auto parsed =
            parse_command_line(static_cast<int>(words.size()), words.data(), socket);
        if (const auto* ending = std::get_if<Ending>(&parsed)) {
            output = ending->output;
            errors = ending->errors;
            return ending->exit_code;
        }
        Terminal terminal;
        terminal.style.width = 80;
        terminal.now = [] { return api::sample_now; };
        terminal.database_default = database;
        terminal.print = [&](std::string_view text) {
            output += text;
            return output.find(enough) == std::string::npos;
        };
        terminal.complain = [&](std::string_view text) { errors += text; };
        terminal.sleep = [&](Duration) { ++slept; };
        terminal.read_line = [] { return std::string("a key"); };
        terminal.random_bytes = [](std::size_t count) { return std::string(count, '\1'); };
        return run_command(std::get<Invocation>(parsed), terminal);
    }
    bool printed(std::string_view text) const { return output.find(text) != std::string::npos; }

    testing::TemporaryDirectory directory;
    std::string socket = directory.path("picket.sock");
    std::string database = directory.path("picket.db");  // Not there, unless a test makes it.
    std::string output;
    std::string errors;
    std::string enough = "never printed";  // Once this is printed, nobody reads any more.
    int slept = 0;
};

TEST_CASE("each command shows its document") {
    Shell shell;
    const Agent agent(shell.socket);
    CHECK(shell.run({"status"}) == 0);
    CHECK(shell.printed("web-03 (eu-1a) · 4 checks"));
    CHECK(shell.run({"show", "homepage"}) == 0);
    CHECK(shell.printed("homepage (http) · down for"));
    CHECK(shell.run({"outages", "--open"}) == 0);
    CHECK(shell.printed("homepage#7"));
    CHECK(shell.run({"outage", "homepage#7"}) == 0);
    CHECK(shell.printed("still open"));
    CHECK(shell.run({"outage", "homepage#7", "--markdown"}) == 0);
    CHECK(shell.printed("# homepage\\#7: homepage down\n"));
    CHECK(shell.run({"why", "homepage"}) == 0);
    CHECK(shell.printed("3 of 5 witnesses failed it"));
    CHECK(shell.run({"history", "homepage", "--since", "2h"}) == 0);
    CHECK(shell.printed("nothing was recorded"));
    CHECK(shell.run({"history", "homepage", "--csv"}) == 0);
    CHECK(shell.output == "at,finding,class,latency_ms,message,until\n");
    CHECK(shell.run({"availability", "--slo", "99.9"}) == 0);
    CHECK(shell.printed("no check is known"));
    CHECK(shell.run({"members"}) == 0);
    CHECK(shell.run({"probe", "homepage", "--trace"}) == 0);
    CHECK(shell.printed("✓ homepage · passed"));
    CHECK(shell.run({"leave"}) == 0);
    CHECK(shell.output == "web-03 has left the mesh\n");
    CHECK(shell.run({"forget", "--zone", "eu-1a"}) == 0);
    CHECK(shell.output == "am-1 is forgotten\n");
    CHECK(shell.run({"key", "list"}) == 0);
    CHECK(shell.printed("INSTALLED ON"));
    CHECK(shell.run({"reload"}) == 0);
    CHECK(shell.output == "1 added, 2 changed, 3 removed, 4 unchanged\n");
    CHECK(shell.run({"events"}) == 0);
    CHECK(shell.printed("the newest"));
    CHECK(shell.errors.empty());
}

TEST_CASE("a new key needs no agent, and forgetting needs somebody to forget") {
    Shell shell;
    CHECK(shell.run({"key", "generate"}) == 0);
    CHECK(shell.output == "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
    CHECK(shell.run({"forget"}) == 2);
    CHECK(shell.run({"forget", "a", "--zone", "b"}) == 2);
    CHECK(shell.run({"key"}) == 2);
    CHECK(shell.run({"key", "use"}) == 2);
}

TEST_CASE("ping says nothing where it was heard, and what is wrong where not") {
    Shell shell;
    const Agent agent(shell.socket);
    for (const std::vector<const char*>& words :
         {std::vector<const char*>{"ping", "homepage"},
          {"ping", "homepage", "--start"},
          {"ping", "homepage", "--exit-code", "3", "--message", "no space left"}}) {
        CHECK(shell.run(words) == 0);
        CHECK(shell.output.empty());
        CHECK(shell.errors.empty());
    }
    CHECK(shell.run({"ping", "homepage", "--fail", "--json"}) == 0);
    CHECK(shell.printed("\"failing\":true"));
    CHECK(shell.run({"ping", "nope"}) == 1);
    CHECK(shell.errors == "picket: there is no check 'nope'\n");
}

TEST_CASE("--json passes the document through, wherever it stands") {
    Shell shell;
    const Agent agent(shell.socket);
    CHECK(shell.run({"--json", "show", "homepage"}) == 0);
    const std::string before = shell.output;
    CHECK(shell.run({"show", "homepage", "--json"}) == 0);
    CHECK(shell.output == before);
    CHECK(before.starts_with(R"({"name":"homepage","type":"http")"));
    CHECK(before.ends_with("]}\n"));
    CHECK(shell.run({"events", "--json"}) == 0);
    CHECK(shell.printed(R"("message":"the newest"})"));
}

TEST_CASE("why takes an epoch beside the name, with and without its sign, or within it") {
    const auto epoch_of = [](std::vector<const char*> given) {
        given.insert(given.begin(), {"picket", "why"});
        const auto parsed = parse_command_line(static_cast<int>(given.size()), given.data(), "s");
        const auto* invocation = std::get_if<Invocation>(&parsed);
        if (invocation == nullptr) return std::string("usage");
        return invocation->subject + " " +
               (invocation->epoch ? std::to_string(*invocation->epoch) : "held") +
               (invocation->sub ? "." + std::to_string(*invocation->sub) : "");
    };
    CHECK(epoch_of({"homepage"}) == "homepage held");
    CHECK(epoch_of({"homepage#7"}) == "homepage 7");
    CHECK(epoch_of({"homepage", "#7"}) == "homepage 7");
    CHECK(epoch_of({"homepage", "7"}) == "homepage 7");
    CHECK(epoch_of({"root@web-03#12"}) == "root@web-03 12");
    CHECK(epoch_of({"homepage#7.2"}) == "homepage 7.2");
    CHECK(epoch_of({"homepage", "7.0"}) == "homepage 7.0");
    CHECK(epoch_of({"homepage#7."}) == "usage");
    CHECK(epoch_of({"homepage#.2"}) == "usage");
    CHECK(epoch_of({"homepage#7", "7"}) == "usage");
    CHECK(epoch_of({"homepage#"}) == "usage");
    CHECK(epoch_of({"homepage", "seven"}) == "usage");
    CHECK(epoch_of({"homepage", "99999999999"}) == "usage");
}

TEST_CASE("why asks for the epoch that it is given") {
    Shell shell;
    const Agent agent(shell.socket);
    CHECK(shell.run({"why", "homepage#7", "--json"}) == 0);
    CHECK(shell.output.starts_with(R"({"id":"homepage#7","check":"homepage","state":"open")"));
    CHECK(shell.run({"why", "nope"}) == 1);
    CHECK(shell.errors == "picket: there is no check 'nope'\n");
}

TEST_CASE("status can say by its exit code how things stand") {
    Shell shell;
    const Agent agent(shell.socket);
    CHECK(shell.run({"status", "--exit-code"}) == 2);
    CHECK(shell.run({"status", "--exit-code", "--json"}) == 2);
    CHECK(shell.printed("{\"agent\""));
}

TEST_CASE("followed events end when nobody reads any more") {
    Shell shell;
    const Agent agent(shell.socket);
    shell.enough = "the newest";
    CHECK(shell.run({"events", "--follow", "--json"}) == 0);
    CHECK(shell.printed("the newest"));
}

TEST_CASE("a watch looks again until nobody reads any more") {
    Shell shell;
    const Agent agent(shell.socket);
    shell.enough = "web-03";
    CHECK(shell.run({"status", "--watch", "5"}) == 0);
    CHECK(shell.slept == 0);
}

TEST_CASE("a refusal is told, and exits with 1") {
    Shell shell;
    const Agent agent(shell.socket);
    CHECK(shell.run({"show", "nope"}) == 1);
    CHECK(shell.errors == "picket: there is no check 'nope'\n");
    CHECK(shell.output.empty());
    CHECK(shell.run({"outage", "x#1", "--json"}) == 1);
    CHECK(shell.errors == "picket: there is no outage 'x#1'\n");
}

TEST_CASE("no agent is told with the socket, and exits with 3") {
    Shell shell;
    CHECK(shell.run({"status"}) == 3);
    CHECK(shell.errors ==
          "picket: no agent answers on " + shell.socket + ": is picketd running?\n");
    CHECK(shell.run({"events", "--follow"}) == 3);
}

// What an agent that has gone left behind: an outage and two outcomes.
void write_database(const std::string& directory) {
    const WallTime began = api::sample_now - 10min;
    auto opened = storage::Store::open(directory, began);
    REQUIRE(opened.has_value());
    storage::Batch batch;
    storage::HistoryRow row;
    row.check = "root@web-03";
    row.outcome.at = began;
    row.outcome.latency = 2ms;
    row.outcome.message = "12 GiB free";
    batch.outcomes.push_back(row);
    row.outcome.at = began + 1min;
    batch.outcomes.push_back(row);
    storage::Outage outage;
    outage.check = "homepage";
    outage.epoch = 7;
    outage.scope = "total";
    outage.opened = began;
    outage.first_failure = began - 1s;
    outage.failure_class = checks::FailureClass::refused;
    outage.message = "connection refused";
    batch.facts.emplace_back(outage);
    storage::Transition down;
    down.check = "homepage";
    down.at = began;
    down.epoch = 7;
    down.state = "down";
    down.outage_scope = "total";
    down.since = began;
    batch.facts.emplace_back(down);
    REQUIRE(opened->store.write(batch, began).has_value());
}

TEST_CASE("where no agent answers, history and outages come from the database, which is said") {
    Shell shell;
    write_database(shell.directory.path());
    CHECK(shell.run({"history", "root"}) == 0);
    CHECK(shell.printed("2 passed, 0 failed, 0 errored"));
    CHECK(shell.printed("12 GiB free"));
    CHECK(shell.errors == "picket: no agent answers on " + shell.socket +
                              ": is picketd running?\npicket: read " + shell.database +
                              " instead\n");
    CHECK(shell.run({"outages"}) == 0);
    CHECK(shell.printed("homepage#7  open   2026-11-23 02:50:00  10m     total"));
    CHECK(shell.run({"history", "nope", "--since", "1m"}) == 3);
    CHECK(shell.errors.find("no check is named 'nope'") != std::string::npos);
}

TEST_CASE("availability, plots and exports come from the database as well") {
    Shell shell;
    write_database(shell.directory.path());
    CHECK(shell.run({"availability", "--window", "1h"}) == 0);
    CHECK(shell.printed("NOT OBSERVED"));
    CHECK(shell.printed("homepage"));
    CHECK(shell.run({"availability", "root", "--json", "--db", shell.database.c_str()}) == 0);
    CHECK(shell.printed(R"({"checks":[{"check":"root@web-03")"));
    CHECK(shell.run({"history", "root", "--plot"}) == 0);
    CHECK(shell.printed("found"));
    CHECK(shell.run({"export", "root"}) == 0);
    CHECK(shell.printed(R"({"type":"outcome","check":"root@web-03")"));
    const std::string file = shell.directory.path("all.sqlite");
    CHECK(shell.run({"export", "-o", file.c_str()}) == 0);
    CHECK(shell.output.empty());
    CHECK(shell.errors.find("picket: read " + shell.database + " instead\n") != std::string::npos);
    CHECK(
        shell.errors.ends_with("picket: 2 checks, 2 outcomes, 1 hour, 1 outage in " + file + "\n"));
    CHECK(shell.run({"export", "nope"}) == 1);
    CHECK(shell.run({"export", "--format", "xml"}) == 2);
    CHECK(shell.run({"availability", "--slo", "100"}) == 2);
    CHECK(shell.run({"history", "root", "--csv", "--plot"}) == 2);
    CHECK(shell.run({"history", "root", "--since", "1h", "--until", "2h", "--db",
                     shell.database.c_str()}) == 1);
}

TEST_CASE("where no agent answers, an outage and its reason come from the database") {
    Shell shell;
    write_database(shell.directory.path());
    CHECK(shell.run({"outage", "homepage#7"}) == 0);
    CHECK(shell.printed("homepage#7 · down for 10m, total, 1/1, uncorroborated"));
    CHECK(shell.printed("Its only witness failed it: 1/1, uncorroborated."));
    CHECK(shell.printed("connection refused"));
    CHECK(shell.run({"outages", "--json"}) == 0);
    CHECK(shell.printed(R"("backing":"panel_of_one")"));
    CHECK(shell.run({"outage", "homepage#9"}) == 3);
    CHECK(shell.errors.find("homepage#9: no such outage") != std::string::npos);
    CHECK(shell.run({"outage", "homepage"}) == 3);
    CHECK(shell.run({"why", "homepage", "7", "--db", shell.database.c_str()}) == 0);
    CHECK(shell.printed("homepage#7 · down for 10m, total, 1/1, uncorroborated"));
    CHECK(shell.printed("No agent answers here: this is what its database last held."));
    CHECK(shell.run({"why", "homepage#9", "--db", shell.database.c_str()}) == 1);
    CHECK(shell.errors == "picket: homepage#9 has not come yet: homepage#7 is held\n");
}

TEST_CASE("an outage that the mesh confirmed is never passed off as one agent's own") {
    Shell shell;
    write_database(shell.directory.path());
    {
        auto opened = storage::Store::open(shell.directory.path(), api::sample_now);
        REQUIRE(opened.has_value());
        storage::Batch batch;
        batch.facts.emplace_back(
            storage::MeshRecord{.kind = "verdict", .key = "k", .bytes = "v", .forget_at = {}});
        REQUIRE(opened->store.write(batch, api::sample_now).has_value());
    }
    CHECK(shell.run({"outage", "homepage#7", "--db", shell.database.c_str()}) == 0);
    CHECK_FALSE(shell.printed("uncorroborated"));
    CHECK(shell.printed("Its evidence is not known here"));
    CHECK(shell.run({"outages", "--json", "--db", shell.database.c_str()}) == 0);
    CHECK(shell.printed(R"("backing":null)"));
}

// What the mesh wrote of homepage#7.
void write_evidence(const std::string& directory) {
    using gossip::TimelineEvent;
    const gossip::CheckKey key = gossip::check_key("homepage");
    gossip::VerdictRecord verdict;
    verdict.check = key;
    verdict.epoch = 7;
    verdict.scope = gossip::OutageScope::partial;
    verdict.zones_failing = {"a"};
    verdict.zones_passing = {"b"};
    verdict.opened_at = verdict.first_failure_at = api::sample_now - 10min;
    gossip::EvidenceRecord evidence;
    evidence.check = key;
    evidence.epoch = 7;
    evidence.panel = 3;
    evidence.quorum = 2;
    evidence.begins_at = api::sample_now - 10min;
    evidence.witnesses = {{"a1", "a"}, {"a2", "a"}, {"b1", "b"}};
    evidence.votes = {{0, gossip::Vote::fail, 1, "refused", 1s},
                      {1, gossip::Vote::fail, 1, "refused", 1s},
                      {2, gossip::Vote::ok, 0, "200 OK", 1s}};
    evidence.roll_call = {3, 3, 2};
    evidence.timeline = {{0ms, 0, TimelineEvent::first_failure},
                         {1'310ms, 0, TimelineEvent::proposed}};
    verdict.sub = 1;
    gossip::EvidenceRecord rescoped = evidence;
    rescoped.sub = 1;
    rescoped.rule = gossip::Rule::rescope;
    auto opened = storage::Store::open(directory, api::sample_now);
    REQUIRE(opened.has_value());
    storage::Batch batch;
    batch.facts.emplace_back(api::check_key_fact("homepage", key));
    for (const gossip::Record& record :
         {gossip::Record(verdict), gossip::Record(evidence), gossip::Record(rescoped)}) {
        batch.facts.emplace_back(
            storage::MeshRecord{.kind = std::string(to_text(gossip::kind_of(record))),
                                .key = api::storage_key(gossip::key_of(record)),
                                .bytes = gossip::encode(record),
                                .forget_at = {}});
    }
    REQUIRE(opened->store.write(batch, api::sample_now).has_value());
}

TEST_CASE("what the mesh confirmed is told with its evidence, also from the file alone") {
    Shell shell;
    write_database(shell.directory.path());
    write_evidence(shell.directory.path());
    CHECK(shell.run({"why", "homepage", "--db", shell.database.c_str()}) == 0);
    CHECK(shell.printed("2 of 3 witnesses failed it"));
    CHECK(shell.printed("b1"));
    CHECK(shell.printed("roll call"));
    CHECK_FALSE(shell.printed("uncorroborated"));
    CHECK(shell.printed("where it fails has changed"));
    CHECK(shell.printed("#7.0, "));
    CHECK(shell.run({"why", "homepage#7.0", "--db", shell.database.c_str()}) == 0);
    CHECK(shell.run({"why", "homepage#7.2", "--db", shell.database.c_str()}) == 1);
    CHECK(shell.errors == "picket: homepage#7.2 has not come yet: homepage#7.1 is held\n");
    CHECK(shell.run({"outage", "homepage#7", "--db", shell.database.c_str()}) == 0);
    CHECK(shell.printed("a1"));
    CHECK_FALSE(shell.printed("not known here"));
    CHECK(shell.printed("fails in"));
    CHECK(shell.run({"outages", "--json", "--db", shell.database.c_str()}) == 0);
    CHECK(shell.printed(R"("backing":"quorum","zones_failing":["a"])"));
}

TEST_CASE("--db reads that file and asks nobody") {
    Shell shell;
    write_database(shell.directory.path());
    const std::string database = std::exchange(shell.database, "/nonexistent");
    CHECK(shell.run({"outages", "--open", "--json", "--db", database.c_str()}) == 0);
    CHECK(shell.output.starts_with(R"({"truncated":false,"outages":[{"id":"homepage#7")"));
    CHECK(shell.errors.empty());
    CHECK(shell.run({"history", "nope", "--db", database.c_str()}) == 1);
    CHECK(shell.errors == "picket: no check is named 'nope'\n");
    CHECK(shell.run({"history", "root", "--db", "/nonexistent"}) == 1);
    CHECK(shell.run({"history", "root"}) == 3);
}

TEST_CASE("what cannot be understood is told, and exits with 2") {
    Shell shell;
    CHECK(shell.run({}) == 2);
    CHECK(shell.run({"statsu"}) == 2);
    CHECK(shell.errors == "picket: 'statsu' is no command, did you mean status?\n");
    CHECK(shell.run({"show"}) == 2);
    CHECK(shell.run({"status", "--bogus"}) == 2);
    CHECK(shell.run({"status", "--watch", "0"}) == 2);
    CHECK(shell.run({"history", "homepage", "--since", "yesterday"}) == 2);
    CHECK(shell.errors.find("neither a time such as") != std::string::npos);
    CHECK(shell.run({"--help"}) == 0);
    CHECK(shell.printed("Every check: its state"));
    CHECK(shell.run({"--version"}) == 0);
    CHECK(shell.output == "picket 0.1.0\n");
    CHECK(shell.run({"probe", "--help"}) == 0);
    CHECK(shell.printed("Example: picket probe homepage --trace"));
}

TEST_CASE("files are picketd's to read, as the caller") {
    const auto words = [](std::vector<const char*> given) {
        given.insert(given.begin(), "picket");
        const auto parsed = parse_command_line(static_cast<int>(given.size()), given.data(), "s");
        return picketd_arguments(std::get<Invocation>(parsed));
    };
    using Words = std::vector<std::string>;
    CHECK(words({"probe", "web.toml", "homepage", "--trace"}) ==
          Words{"probe", "web.toml", "homepage", "--trace"});
    CHECK(words({"probe", "./web"}) == Words{"probe", "./web"});
    CHECK(words({"probe", "homepage"}).empty());
    CHECK(words({"validate", "--config", "p.toml", "a", "b"}) ==
          Words{"validate", "--config", "p.toml", "a", "b"});
    CHECK(words({"replay", "web.toml", "homepage", "--since", "30d", "--db", "p.db", "--json"}) ==
          Words{"replay", "web.toml", "homepage", "--since", "30d", "--db", "p.db", "--json"});
    CHECK(words({"status"}).empty());
}

// What a client makes of bytes that no agent would send.
Result<Reply> reply_to(std::string_view bytes) {
    const testing::TemporaryDirectory directory;
    const std::string path = directory.path("s");
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(listener, 1) == 0);
    std::thread server([&] {
        const int connection = accept(listener, nullptr, nullptr);
        std::array<char, 4096> request{};
        if (recv(connection, request.data(), request.size(), 0) > 0) {
            send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        }
        close(connection);
    });
    auto reply = Client(path, 10s).request("GET", "/v1/status");
    server.join();
    close(listener);
    return reply;
}

TEST_CASE("the client reads bodies by length, in chunks, and to the end") {
    CHECK(reply_to("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").value().body == "hi");
    CHECK(reply_to("HTTP/1.1 404 No\r\ntransfer-encoding: Chunked\r\n\r\n"
                   "3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n")
              .value()
              .body == "abc0123456789");
    CHECK(reply_to("HTTP/1.1 200 OK\r\n\r\nall").value().body == "all");
    CHECK(reply_to("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").value().status == 503);
}

TEST_CASE("the client takes nonsense for what it is") {
    for (const std::string_view nonsense :
         {"", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 2", "HTTP/1.1 abc OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi",
          "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nhi",
          "HTTP/1.1 200 OK\r\nContent-Length: 70000000\r\n\r\nhi",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"}) {
        CAPTURE(nonsense);
        const auto reply = reply_to(nonsense);
        REQUIRE_FALSE(reply.has_value());
        CHECK(reply.error().code() == Code::corrupt);
    }
    CHECK_FALSE(reply_to("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')).has_value());
}

}  // namespace
}  // namespace picket::cli
