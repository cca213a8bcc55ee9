// Canaries: what tells an agent whose own network is broken from a target that is.
//
// An agent that accuses a target must be able to reach anything at all. Two things near by
// are asked, and Agreement told whether they answer (gossip/agreement/fitness.h):
//
// * the gateway: the IPv4 default route's, by pings. A default route that has gone is a gateway
//   that is silent: a link that is down takes its routes with it;
// * the resolver: the first two of the system's name servers, for the root's name servers.
//   It matters only where a name was not found.
//
// Both are asked at the start, now and then, and at once when an attempt of ours has failed;
// the answer is there before that attempt's vote is. A gateway that has fallen silent is asked
// again soon: while it is silent this agent accuses nobody. A canary that has never answered is
// none: there may be no gateway, it may not answer pings, we may not send any. Nor is one that has
// been silent for so long that it is more likely to have been told to be.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/time.h"
#include "agent/io/echo.h"
#include "agent/io/loop.h"
#include "agent/io/resolver.h"
#include "agent/io/timer.h"

namespace picket {

// What is known of one of them. Pure.
class Canary {
public:
    static constexpr Duration given_up_after = std::chrono::minutes(10);

    void on_finding(Instant now, bool answered);
    // Absent: there is no such canary.
    std::optional<bool> answers(Instant now) const;

private:
    bool exists_ = false;
    std::optional<Instant> silent_since_;
};

// The gateway of the default route of least metric in the text of /proc/net/route. 0.0.0.0 where
// all default routes are a tunnel's, which has none; nothing where there is no default route.
std::optional<IpAddress> default_gateway(std::string_view routes);

class Canaries {
public:
    static constexpr Duration gateway_interval = std::chrono::minutes(1);
    static constexpr Duration resolver_interval = std::chrono::minutes(5);
    // Of a gateway that has fallen silent, until it is given up.
    static constexpr Duration silent_interval = std::chrono::seconds(2);
    // Less than the time between the two attempts of a vote.
    static constexpr Duration patience = std::chrono::milliseconds(750);

    // `on_change` is called from the loop when one of the answers may have changed.
    Canaries(io::Loop& loop, io::IcmpSockets& icmp, io::Resolvers& resolvers,
             std::function<void()> on_change);
    Canaries(const Canaries&) = delete;
    Canaries& operator=(const Canaries&) = delete;

    // An attempt of ours has failed; `by_name`: for want of a name's address. What is
    // being asked already is not asked twice.
    void on_failure(bool by_name);
    void stop();

    std::optional<bool> gateway(Instant now) const { return gateway_.answers(now); }
    std::optional<bool> resolver(Instant now) const { return resolver_.answers(now); }

private:
    void on_timer();
    void ask_gateway();
    void on_gateway(bool answered);
    void set_gateway_at(Instant now);
    void ask_resolver();

    io::Loop& loop_;
    io::IcmpSockets& icmp_;
    io::Resolvers& resolvers_;
    std::function<void()> on_change_;
    Canary gateway_;
    Canary resolver_;
    std::unique_ptr<io::Echo> echo_;                      // While the gateway is being asked.
    std::vector<std::unique_ptr<io::Lookup>> questions_;  // While the resolver is.
    std::size_t unanswered_ = 0;                          // Of them.
    Instant gateway_at_{};
    Instant resolver_at_{};
    io::Timer timer_;
};

}  // namespace picket
