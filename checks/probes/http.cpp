#include "checks/probes/http.h"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "agent/base/assert.h"
#include "agent/io/clock.h"
#include "checks/probes/every_address.h"
#include "checks/probes/fetch_probe.h"
#include "checks/probes/http_judge.h"

namespace picket::checks {
namespace {

class HttpProbe final : public FetchProbe {
public:
    HttpProbe(const Definition& definition, ProbeServices services, std::optional<IpAddress> pin)
        : FetchProbe(definition, services, pin),
          query_(definition.query.as<HttpQuery>()),
          judge_(query_) {}

private:
    const HttpQuery& call() const override { return query_; }
    Outcome judge(const Fetched& fetched, Duration took) const override;

    const HttpQuery& query_;
    HttpJudge judge_;
};

Outcome HttpProbe::judge(const Fetched& fetched, Duration took) const {
    const std::string after = fetched.redirects == 0
                                  ? ""
                                  : fmt::format(" after {} redirect{}", fetched.redirects,
                                                fetched.redirects == 1 ? "" : "s");
    const std::string message = fmt::format("{} from {} in {}{}", fetched.exchange.status,
                                            fetched.peer, spoken(took), after);
    return conclude(passed(took, message),
                    judge_.judge(fetched, took, definition().latency, io::wall_now()));
}

}  // namespace

std::unique_ptr<Probe> make_http_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<HttpQuery>();
    if (query.addresses != Addresses::all) {
        return std::make_unique<HttpProbe>(definition, services, std::nullopt);
    }
    const auto url = io::parse_http_url(query.url.value);
    PICKET_ASSERT(url.has_value());
    const auto contact = http_contact(query, *url);
    PICKET_ASSERT(contact.has_value());  // The parser takes nothing else.
    return std::make_unique<EveryAddress>(
        definition, services, contact->host, [&definition, services](const IpAddress& address) {
            return std::make_unique<HttpProbe>(definition, services, address);
        });
}

}  // namespace picket::checks
