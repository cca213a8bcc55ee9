// HttpJudge: what a query expects of an answer, held against what was fetched.
//
// Judged are, in this order, status, headers, body, JSON values, redirect target,
// HTTP version, length, age, the days left of the certificate and of its chain,
// the phases, and the latency of the whole.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/base/time.h"
#include "checks/expectation.h"
#include "checks/probes/http_fetch.h"
#include "checks/types/http.h"

namespace picket::checks {

class HttpJudge {
public:
    // `query` must outlive it. Patterns are compiled here, once.
    explicit HttpJudge(const HttpQuery& query);

    std::vector<Judgement> judge(const Fetched& fetched, Duration took,
                                 std::optional<Duration> latency, WallTime now) const;

private:
    struct Header {
        std::string name;
        Pattern pattern;
        Wanted wanted;
    };
    struct Body {
        Pattern pattern;
        Wanted wanted;
    };

    void judge_content(const Fetched& fetched, std::vector<Judgement>& judged) const;
    void judge_certificate(const Fetched& fetched, WallTime now,
                           std::vector<Judgement>& judged) const;
    void judge_phases(const Fetched& fetched, std::vector<Judgement>& judged) const;

    const HttpQuery& query_;
    std::vector<Header> headers_;
    std::vector<Body> bodies_;
    std::optional<Pattern> redirect_;
};

// What is kept of an answer, or of a handshake, that failed: status line, headers
// and the first bytes of the body, or the certificate that was shown. Printable, a
// line for each; at most 2 KiB.
std::string http_evidence(const io::HttpExchange& exchange);

}  // namespace picket::checks
