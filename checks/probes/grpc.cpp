#include "checks/probes/grpc.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "agent/io/clock.h"
#include "checks/expectation.h"
#include "checks/judgements.h"
#include "checks/probes/every_address.h"
#include "checks/probes/fetch_probe.h"

namespace picket::checks {
namespace {

// The call as the HTTP request that it is.
HttpQuery call_of(const GrpcQuery& query) {
    HttpQuery call;
    const std::string url = fmt::format("{}://{}/grpc.health.v1.Health/Check",
                                        query.tls ? "https" : "http", query.address.value);
    call.url = {url, url};
    call.method = "POST";
    call.headers = query.metadata;
    for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
             {"Content-Type", "application/grpc"}, {"TE", "trailers"}}) {
        call.headers.emplace_back(name, Text{value, value});
    }
    call.body.value = grpc_health_request(query.service);
    call.http_version = query.tls ? HttpVersion::v2 : HttpVersion::v2_direct;
    call.follow_redirects = false;
    call.addresses = query.addresses;
    call.tls = query.tls_options;
    call.certificate_days = query.certificate_days;
    call.body_size_max = 64U * 1024;
    return call;
}

// The trailer or header of that name; empty where there is none.
std::string_view field(const io::HttpExchange& exchange, std::string_view name) {
    for (const auto& [found, value] : exchange.headers) {
        if (same_field_name(found, name)) return value;
    }
    return {};
}

class GrpcProbe final : public FetchProbe {
public:
    GrpcProbe(const Definition& definition, ProbeServices services, std::optional<IpAddress> pin)
        : FetchProbe(definition, services, pin),
          query_(definition.query.as<GrpcQuery>()),
          call_(call_of(query_)) {}

private:
    const HttpQuery& call() const override { return call_; }
    Outcome judge(const Fetched& fetched, Duration took) const override;
    Outcome judge_serving(const Fetched& fetched, ServingStatus status, Duration took) const;

    const GrpcQuery& query_;
    HttpQuery call_;
};

Outcome GrpcProbe::judge(const Fetched& fetched, Duration took) const {
    const io::HttpExchange& answer = fetched.exchange;
    const std::string_view code = field(answer, "grpc-status");
    if (answer.version != "2") {
        return failed(
            FailureClass::protocol, took,
            fmt::format("{} answers in HTTP/{}, not HTTP/2", fetched.peer, answer.version));
    }
    if (answer.status != 200 || code.empty()) {
        return failed(FailureClass::protocol, took,
                      fmt::format("{} answers with HTTP status {}{}: not gRPC", fetched.peer,
                                  answer.status, code.empty() ? " and no grpc-status" : ""));
    }
    if (code != "0") {
        const std::string words = decode_grpc_message(field(answer, "grpc-message"));
        return failed(FailureClass::status, took,
                      fmt::format("gRPC status {}{}{}, expected OK", grpc_code_text(code),
                                  words.empty() ? "" : ": ", words));
    }
    const auto status = parse_grpc_health_response(answer.body);
    if (!status.has_value()) {
        return failed(FailureClass::protocol, took,
                      fmt::format("{} answers with {}", fetched.peer, status.error().message()));
    }
    return judge_serving(fetched, *status, took);
}

Outcome GrpcProbe::judge_serving(const Fetched& fetched, ServingStatus status,
                                 Duration took) const {
    std::vector<Judgement> judged;
    judged.push_back(judge_equal("serving status", to_text(status), to_text(query_.status),
                                 FailureClass::content));
    if (query_.certificate_days > 0) {
        const auto& shown = fetched.exchange.certificate;
        judged.push_back(shown.has_value()
                             ? judge_certificate_days(io::wall_now(), fetched.host,
                                                      shown->not_after, query_.certificate_days)
                             : judge_no_certificate(fetched.host, query_.certificate_days));
    }
    if (definition().latency.has_value())
        judged.push_back(judge_latency(took, *definition().latency));
    return conclude(
        passed(took, fmt::format("{} from {} in {}", to_text(status), fetched.peer, spoken(took))),
        std::move(judged));
}

}  // namespace

std::unique_ptr<Probe> make_grpc_probe(const Definition& definition, ProbeServices services) {
    const auto& query = definition.query.as<GrpcQuery>();
    if (query.addresses != Addresses::all) {
        return std::make_unique<GrpcProbe>(definition, services, std::nullopt);
    }
    const auto target = parse_host_port(query.address.value);
    PICKET_ASSERT(target.has_value());  // The parser takes nothing else.
    return std::make_unique<EveryAddress>(
        definition, services, target->host, [&definition, services](const IpAddress& address) {
            return std::make_unique<GrpcProbe>(definition, services, address);
        });
}

}  // namespace picket::checks
