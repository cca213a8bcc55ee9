#include "checks/probes/http.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "checks/probes/every_address.h"
#include "checks/probes/http_fetch.h"
#include "checks/probes/http_judge.h"

namespace picket::checks {
namespace {

class HttpProbe final : public Probe {
public:
    HttpProbe(const Definition& definition, ProbeServices services, std::optional<IpAddress> pin)
        : definition_(definition),
          query_(definition.query.as<HttpQuery>()),
          judge_(query_),
          fetch_(definition, services, pin) {}

    void start(Instant now, Instant deadline, Done done) override {
        PICKET_ASSERT(!done_);
        done_ = std::move(done);
        started_ = now;
        fetch_.start(query_, {now, deadline}, nullptr,
                     [this](Fetched fetched) { finish(std::move(fetched)); });
    }

    void cancel() override {
        fetch_.cancel();
        done_ = nullptr;
    }

private:
    Outcome outcome_of(const Fetched& fetched) const;
    void finish(Fetched fetched);

    const Definition& definition_;
    const HttpQuery& query_;
    HttpJudge judge_;
    HttpFetch fetch_;
    Instant started_{};
    Done done_;
};

Outcome HttpProbe::outcome_of(const Fetched& fetched) const {
    if (fetched.failure.has_value()) return *fetched.failure;
    const Duration took = io::monotonic_now() - started_;
    const std::string after = fetched.redirects == 0
                                  ? ""
                                  : fmt::format(" after {} redirect{}", fetched.redirects,
                                                fetched.redirects == 1 ? "" : "s");
    const std::string message = fmt::format("{} from {} in {}{}", fetched.exchange.status,
                                            fetched.peer, spoken(took), after);
    return conclude(passed(took, message),
                    judge_.judge(fetched, took, definition_.latency, io::wall_now()));
}

void HttpProbe::finish(Fetched fetched) {
    Outcome outcome = outcome_of(fetched);
    if (outcome.finding != Finding::passed) outcome.detail = http_evidence(fetched.exchange);
    outcome.address = std::move(fetched.peer);
    outcome.phases = std::move(fetched.phases);
    // It may destroy this probe or start it again.
    const Done done = std::exchange(done_, nullptr);
    done(std::move(outcome));
}

}  // namespace

std::unique_ptr<Probe> make_http_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<HttpQuery>();
    if (query.addresses != Addresses::all) {
        return std::make_unique<HttpProbe>(definition, services, std::nullopt);
    }
    const auto contact = http_contact(query);
    PICKET_ASSERT(contact.has_value());  // The parser takes nothing else.
    return std::make_unique<EveryAddress>(
        definition, services, contact->host, [&definition, services](const IpAddress& address) {
            return std::make_unique<HttpProbe>(definition, services, address);
        });
}

}  // namespace picket::checks
