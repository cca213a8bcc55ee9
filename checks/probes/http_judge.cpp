#include "checks/probes/http_judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/base/text.h"
#include "checks/json_value.h"
#include "checks/judgements.h"

namespace picket::checks {
namespace {

// How much of an answer that is not the expected one is kept as evidence.
constexpr std::size_t body_bytes_max = 1024;
constexpr std::size_t line_bytes_max = 160;
constexpr std::size_t headers_max = 6;

std::string date(WallTime time) {
    return format_time(time).substr(0, 10);
}

}  // namespace

HttpJudge::HttpJudge(const HttpQuery& query) : query_(query) {
    for (const auto& [name, pattern] : query_.header_matches) {
        headers_.push_back({name, Pattern(pattern), Wanted::match});
    }
    for (const auto& [name, pattern] : query_.header_not_matches) {
        headers_.push_back({name, Pattern(pattern), Wanted::no_match});
    }
    if (!query_.body_matches.empty()) {
        bodies_.push_back({Pattern(query_.body_matches), Wanted::match});
    }
    if (!query_.body_not_matches.empty()) {
        bodies_.push_back({Pattern(query_.body_not_matches), Wanted::no_match});
    }
    if (!query_.redirect_matches.empty()) redirect_.emplace(query_.redirect_matches);
}

std::vector<Judgement> HttpJudge::judge(const Fetched& fetched, Duration took,
                                        std::optional<Duration> latency, WallTime now) const {
    std::vector<Judgement> judged;
    judged.push_back(judge_status(fetched.exchange.status, query_.status));
    judge_content(fetched, judged);
    if (redirect_.has_value()) {
        judged.push_back(
            judge_text("redirect target", fetched.location, *redirect_, FailureClass::content));
    }
    if (!query_.expect_http_version.empty()) {
        judged.push_back(judge_equal("HTTP version", fetched.exchange.version,
                                     query_.expect_http_version, FailureClass::protocol));
    }
    if (query_.last_modified_age.has_value()) {
        judged.push_back(judge_age("Last-Modified", now, fetched.exchange.last_modified,
                                   *query_.last_modified_age));
    }
    judge_certificate(fetched, now, judged);
    judge_phases(fetched, judged);
    if (latency.has_value()) judged.push_back(judge_latency(took, *latency));
    return judged;
}

void HttpJudge::judge_content(const Fetched& fetched, std::vector<Judgement>& judged) const {
    const io::HttpExchange& exchange = fetched.exchange;
    for (const Header& expected : headers_) {
        judged.push_back(
            judge_header(exchange.headers, expected.name, expected.pattern, expected.wanted));
    }
    if (!query_.body_contains.empty()) {
        judged.push_back(judge_contains(exchange.body, query_.body_contains));
    }
    for (const Body& expected : bodies_) {
        judged.push_back(judge_body(exchange.body, expected.pattern, expected.wanted));
    }
    if (!query_.json_values.empty()) {
        const JsonText json(exchange.body);
        for (const auto& [pointer, condition] : query_.json_values) {
            judged.push_back(json.judge(pointer, condition));
        }
    }
    const HttpQuery untouched;
    if (query_.content_length_min != untouched.content_length_min ||
        query_.content_length_max != untouched.content_length_max) {
        // Where the body was not read to its end, what was announced is what there is.
        const std::uint64_t length = exchange.body_cut
                                         ? exchange.content_length.value_or(exchange.body.size())
                                         : exchange.body.size();
        judged.push_back(
            judge_length(length, query_.content_length_min, query_.content_length_max));
    }
}

void HttpJudge::judge_certificate(const Fetched& fetched, WallTime now,
                                  std::vector<Judgement>& judged) const {
    const io::HttpExchange& exchange = fetched.exchange;
    if (query_.certificate_days > 0) {
        judged.push_back(exchange.certificate.has_value()
                             ? judge_certificate_days(now, fetched.host,
                                                      exchange.certificate->not_after,
                                                      query_.certificate_days)
                             : judge_no_certificate(fetched.host, query_.certificate_days));
    }
    if (query_.chain_days > 0) {
        judged.push_back(
            exchange.chain_not_after.has_value()
                ? judge_chain_days(now, fetched.host, *exchange.chain_not_after, query_.chain_days)
                : judge_no_certificate(fetched.host, query_.chain_days));
    }
}

void HttpJudge::judge_phases(const Fetched& fetched, std::vector<Judgement>& judged) const {
    const std::pair<std::string_view, const std::optional<Duration>&> limits[] = {
        {"resolve", query_.resolve_latency},   {"connect", query_.connect_latency},
        {"tls", query_.tls_latency},           {"first_byte", query_.first_byte_latency},
        {"transfer", query_.transfer_latency},
    };
    for (const auto& [name, limit] : limits) {
        if (!limit.has_value()) continue;
        Duration took{0};
        for (const Phase& phase : fetched.phases) {
            if (phase.name == name) took += phase.length;
        }
        judged.push_back(judge_phase(name, took, *limit));
    }
}

std::string http_evidence(const io::HttpExchange& exchange) {
    std::string text;
    if (exchange.status > 0) text = fmt::format("HTTP/{} {}", exchange.version, exchange.status);
    const std::size_t count = std::min(exchange.headers.size(), headers_max);
    for (std::size_t i = 0; i < count; ++i) {
        const auto& [name, value] = exchange.headers[i];
        text += '\n' + printable_line(fmt::format("{}: {}", name, value), line_bytes_max);
    }
    if (!exchange.body.empty()) text += '\n' + printable_line(exchange.body, body_bytes_max);
    if (exchange.certificate.has_value()) {
        const io::Certificate& shown = *exchange.certificate;
        if (!text.empty()) text += '\n';
        text += printable_line(
            fmt::format("certificate: subject {}, issuer {}, valid from {} to {}, names {}",
                        shown.subject, shown.issuer, date(shown.not_before), date(shown.not_after),
                        fmt::join(shown.names, " ")),
            512);
    }
    return text;
}

}  // namespace picket::checks
