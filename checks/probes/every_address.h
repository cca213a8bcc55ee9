// EveryAddress: asks every address behind a name, so that one dead address among
// many is found.
//
// A probe made of probes, one for each address, asked at the same time. It passes
// where all do. Where some do not, the outcome is the first failing one's, in the
// order of the addresses, and says how many failed of how many.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"
#include "checks/probes/reach.h"

namespace picket::checks {

class EveryAddress final : public Probe {
public:
    // Further addresses are not asked, and the outcome says so.
    static constexpr std::size_t addresses_max = 32;

    using Make = std::function<std::unique_ptr<Probe>(const IpAddress&)>;

    // `definition` must outlive it.
    EveryAddress(const Definition& definition, ProbeServices services, std::string host, Make make);

    void start(Instant now, Instant deadline, Done done) override;
    void cancel() override;

private:
    void ask(Instant deadline, std::vector<IpAddress> addresses);
    void on_outcome(std::size_t index, Outcome outcome);
    void finish(Outcome outcome);
    Outcome merged();

    ProbeServices services_;
    std::string host_;
    Make make_;
    AddressSearch search_;
    Instant started_{};
    Done done_;
    std::size_t found_ = 0;
    std::size_t left_ = 0;
    std::vector<std::unique_ptr<Probe>> probes_;
    std::vector<Outcome> outcomes_;
};

}  // namespace picket::checks
