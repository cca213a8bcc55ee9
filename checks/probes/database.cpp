#include "checks/probes/database.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/limits.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"
#include "agent/io/deadline.h"
#include "agent/io/poll.h"
#include "agent/io/shared_part.h"
#include "checks/database_judgement.h"
#include "checks/databases/connection.h"
#include "checks/expectation.h"
#include "checks/probes/reach.h"
#include "checks/types/database.h"

namespace picket::checks {
namespace {

// The first line says why; those after it guess at a reason, or point into the query.
std::string first_line(std::string_view text) {
    text = trim(text);
    return printable_line(trim(text.substr(0, text.find('\n'))), limits::message_bytes_max);
}

class DatabaseProbe final : public Probe {
public:
    DatabaseProbe(const Definition& definition, ProbeServices services)
        : definition_(definition),
          query_(database_query(definition.query)),
          loop_(services.loop),
          search_(definition, services.resolvers),
          timer_(services.loop, [this] { on_timer(); }) {
        if (!query_.expect.empty()) expect_.emplace(query_.expect);
    }

    void start(Instant now, Instant deadline, Done done) override;
    void cancel() override;

private:
    enum class Stage : std::uint8_t { connect, replication, query };

    void connect(const std::string& address);
    void take(DatabaseStep step);
    void go_on(bool readable, bool writable);
    void on_done();
    void ask_next();
    void on_timer();
    void begin(Stage stage);
    void end_phase();
    void fail(const DatabaseStep& step);
    void finish(Outcome outcome);
    bool wants_replication() const {
        return query_.role != DatabaseRole::any || query_.lag_above.has_value();
    }
    std::string part_name() const {
        return fmt::format("picket-{}.so", to_text(definition_.type()));
    }
    Duration since_start() const { return io::monotonic_now() - started_; }

    const Definition& definition_;
    const DatabaseQuery& query_;
    io::Loop& loop_;
    AddressSearch search_;
    io::Deadline timer_;
    std::optional<Pattern> expect_;
    OpenDatabase open_ = nullptr;  // Of the part, once it is loaded.

    // Of the run in flight.
    Done done_;
    Instant started_{};
    Instant deadline_{};
    HostPort target_;
    std::vector<Phase> phases_;
    Stage stage_ = Stage::connect;
    Instant stage_began_{};
    DatabaseAnswer answer_;
    std::optional<Outcome> known_;  // Already, to be handed over on a later turn.
    std::unique_ptr<DatabaseConnection> connection_;
    std::unique_ptr<io::Poll> poll_;
};

void DatabaseProbe::start(Instant now, Instant deadline, Done done) {
    PICKET_ASSERT(!done_);
    done_ = std::move(done);
    started_ = now;
    deadline_ = deadline;
    phases_.clear();
    answer_ = {};
    known_.reset();
    timer_.set(deadline);
    if (open_ == nullptr) {
        const auto part =
            io::load_shared_part(part_name(), open_database_symbol, part_version_symbol);
        if (!part.has_value()) {
            known_ = errored(part.error().message());
            timer_.set(now);
            return;
        }
        open_ = reinterpret_cast<OpenDatabase>(*part);
    }
    if (query_.address.value.starts_with('/')) {
        target_ = {.host = query_.address.value, .port = 0};
        answer_.server = query_.address.shown;
        // From the next turn on: what connects at once may also fail at once.
        return timer_.set(now);
    }
    const std::uint16_t port = definition_.type() == Type::mysql ? mysql_port : postgres_port;
    target_ = parse_host_port(query_.address.value, port).value_or(HostPort{});
    search_.start(target_.host, deadline, [this](Result<std::vector<IpAddress>> found) {
        phases_.push_back({"resolve", Duration{0}, since_start()});
        if (!found.has_value()) return finish(lookup_failed(found.error(), since_start()));
        answer_.server = to_text(SocketAddress{found->front(), target_.port});
        connect(to_text(found->front()));
    });
}

void DatabaseProbe::cancel() {
    search_.cancel();
    poll_.reset();
    connection_.reset();
    timer_.clear();
    known_.reset();
    done_ = nullptr;
}

void DatabaseProbe::on_timer() {
    if (known_) return finish(*std::exchange(known_, std::nullopt));
    const bool socket_path = target_.host.starts_with('/');
    if (socket_path && !connection_ && io::monotonic_now() < deadline_) {
        timer_.set(deadline_);
        return connect(target_.host);
    }
    const std::string_view stage = stage_ == Stage::connect ? "no login" : "no answer to a query";
    finish(failed(FailureClass::timeout, deadline_ - started_,
                  fmt::format("{}: {} within {}", answer_.server, stage,
                              format_duration(deadline_ - started_))));
}

void DatabaseProbe::connect(const std::string& address) {
    connection_.reset(open_({.host = target_.host,
                             .address = address,
                             .port = target_.port,
                             .user = query_.user.value,
                             .password = query_.password.value,
                             .database = query_.database.value,
                             .tls = query_.tls,
                             .ca_file = query_.ca_file}));
    begin(Stage::connect);
    take(connection_->connect());
}

void DatabaseProbe::begin(Stage stage) {
    stage_ = stage;
    stage_began_ = io::monotonic_now();
}

void DatabaseProbe::end_phase() {
    constexpr std::array<std::string_view, 3> names{"connect", "replication", "query"};
    phases_.push_back({names[static_cast<std::size_t>(stage_)], stage_began_ - started_,
                       io::monotonic_now() - stage_began_});
}

void DatabaseProbe::take(DatabaseStep step) {
    switch (step.state) {
        case DatabaseStep::State::waiting:
            break;
        case DatabaseStep::State::done:
            end_phase();
            return on_done();
        case DatabaseStep::State::failed:
            end_phase();
            return fail(step);
    }
    // A library may go on with another socket after any step.
    poll_ = std::make_unique<io::Poll>(loop_, step.fd, [this](int events) {
        go_on((events & UV_READABLE) != 0, (events & UV_WRITABLE) != 0);
    });
    poll_->watch((step.readable ? UV_READABLE : 0) | (step.writable ? UV_WRITABLE : 0));
}

void DatabaseProbe::go_on(bool readable, bool writable) {
    // It may close its socket, and no socket may be closed while it is watched.
    poll_.reset();
    take(connection_->proceed(readable, writable));
}

void DatabaseProbe::on_done() {
    if (stage_ == Stage::replication) {
        const auto replication = read_replication(definition_.type(), connection_->result());
        if (!replication.has_value()) {
            return finish(
                failed(FailureClass::protocol, since_start(),
                       fmt::format("{}: {}", answer_.server, replication.error().message())));
        }
        answer_.replication = *replication;
    }
    if (stage_ == Stage::query) answer_.result = connection_->result();
    ask_next();
}

void DatabaseProbe::ask_next() {
    if (wants_replication() && !answer_.replication) {
        begin(Stage::replication);
        return take(connection_->ask(std::string(replication_statement(definition_.type()))));
    }
    if (!query_.query.value.empty() && !answer_.result) {
        begin(Stage::query);
        return take(connection_->ask(query_.query.value));
    }
    Outcome outcome = judge_database(query_, expect_ ? &*expect_ : nullptr, answer_);
    outcome.latency = since_start();
    std::vector<Judgement> judgements;
    if (definition_.latency) {
        judgements.push_back(judge_latency(outcome.latency, *definition_.latency));
    }
    finish(conclude(std::move(outcome), std::move(judgements)));
}

void DatabaseProbe::fail(const DatabaseStep& step) {
    const std::string message = fmt::format("{}: {}", answer_.server, first_line(step.problem));
    const auto failure_class = failure_class_of(step.fault);
    Outcome outcome =
        failure_class ? failed(*failure_class, since_start(), message) : errored(message);
    outcome.detail = printable_line(trim(step.problem), 1024);
    finish(std::move(outcome));
}

void DatabaseProbe::finish(Outcome outcome) {
    outcome.address = answer_.server;
    outcome.phases = phases_;
    // `done` may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    cancel();
    done(std::move(outcome));
}

}  // namespace

std::unique_ptr<Probe> make_database_probe(const Definition& definition, ProbeServices services) {
    return std::make_unique<DatabaseProbe>(definition, services);
}

}  // namespace picket::checks
