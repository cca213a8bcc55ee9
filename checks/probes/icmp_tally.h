// What became of a run's echo requests, and what that is worth. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/time.h"
#include "checks/definition.h"
#include "checks/outcome.h"

namespace picket::checks {

class IcmpTally {
public:
    void on_sent(Instant at);
    // A sequence that was never sent, or is answered or lost already, changes nothing.
    void on_reply(std::uint16_t sequence, Instant at);
    void on_lost(std::uint16_t sequence, std::string reason);

    std::size_t sent() const { return requests_.size(); }
    std::size_t answered() const;
    // Whether nothing that was sent is waited for any more.
    bool settled() const;
    // Why a request is known to be lost; empty where the network kept silent.
    const std::string& reason() const { return reason_; }

    // `asked` is the address as a person knows it, `waited` how long the run lasted.
    Outcome judge(const Definition& definition, std::string_view asked, Duration waited) const;

private:
    struct Request {
        Instant sent;
        std::optional<Duration> round_trip{};
        bool lost = false;
    };

    std::vector<Request> requests_;
    std::string reason_;
};

}  // namespace picket::checks
