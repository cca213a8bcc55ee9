// FetchProbe: a probe that asks by one HTTP exchange, redirects included. What is
// asked, and what an answer means, is its kind's business.

#pragma once

#include <optional>

#include "checks/probes/http_fetch.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"

namespace picket::checks {

class FetchProbe : public Probe {
public:
    // As HttpFetch.
    FetchProbe(const Definition& definition, ProbeServices services, std::optional<IpAddress> pin);

    void start(Instant now, Instant deadline, Done done) final;
    void cancel() final;

protected:
    const Definition& definition() const { return definition_; }

private:
    // The same each time.
    virtual const HttpQuery& call() const = 0;
    // Of an answer; a fetch that failed has its outcome already.
    virtual Outcome judge(const Fetched& fetched, Duration took) const = 0;

    void finish(Fetched fetched);

    const Definition& definition_;
    HttpFetch fetch_;
    Instant started_{};
    Done done_;
};

}  // namespace picket::checks
