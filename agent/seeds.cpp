#include "agent/seeds.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/log.h"
#include "agent/config.h"
#include "agent/io/clock.h"

namespace picket {

Seeds::Seeds(io::Loop& loop, io::Resolvers& resolvers, const std::vector<std::string>& names,
             Mesh mesh)
    : resolvers_(resolvers), mesh_(std::move(mesh)), timer_(loop, [this] { turn(); }) {
    for (const std::string& name : names) {
        auto parsed = parse_host_port(name, gossip_port_default);
        PICKET_ASSERT(parsed.has_value());
        seeds_.push_back({.name = *std::move(parsed)});
    }
}

void Seeds::start() {
    // An address needs no looking up, and the mesh tries it again by itself.
    std::erase_if(seeds_, [this](const Seed& seed) {
        const auto ip = parse_ip(seed.name.host);
        if (ip.has_value()) mesh_.join({*ip, seed.name.port});
        return ip.has_value();
    });
    turn();
}

std::vector<std::string> Seeds::problems() const {
    std::vector<std::string> problems;
    for (const Seed& seed : seeds_) {
        if (!seed.problem.empty()) problems.push_back("gossip.join: " + seed.problem);
    }
    return problems;
}

void Seeds::turn() {
    const Instant now = io::monotonic_now();
    for (Seed& seed : seeds_) {
        if (seed.lookup == nullptr && now >= seed.next_at) look_up(seed, now);
    }
    arm();
}

void Seeds::arm() {
    Instant wakeup = never;
    for (const Seed& seed : seeds_) {
        if (seed.lookup == nullptr) wakeup = std::min(wakeup, seed.next_at);
    }
    timer_.set(wakeup);
}

void Seeds::look_up(Seed& seed, Instant now) {
    seed.lookup = resolvers_.resolve(seed.name.host, io::LookupFamily::any, {},
                                     now + lookup_timeout, [this, &seed](auto found) {
                                         seed.lookup.reset();
                                         on_addresses(seed, std::move(found));
                                         arm();
                                     });
}

void Seeds::on_addresses(Seed& seed, Result<std::vector<IpAddress>> found) {
    std::string problem = found.has_value() ? "" : found.error().message();
    if (problem != seed.problem) {
        problem.empty() ? log_info(fmt::format("join {}: found", seed.name.host))
                        : log_warning("join: " + problem + "; tried again until it works");
        seed.problem = std::move(problem);
    }
    if (found.has_value()) {
        found->resize(std::min(found->size(), addresses_max));
        seed.addresses.clear();
        for (const IpAddress& ip : *found) seed.addresses.push_back({ip, seed.name.port});
    }
    // One of several that answers is enough; the others are members of its mesh.
    const bool there = reached(seed);
    if (!there && found.has_value()) {
        for (const SocketAddress& address : seed.addresses) mesh_.join(address);
    }
    seed.delay = there ? retry_max : std::min(seed.delay, retry_max);
    seed.next_at = io::monotonic_now() + seed.delay;
    seed.delay = there ? retry_min : 2 * seed.delay;
}

bool Seeds::reached(const Seed& seed) const {
    return std::ranges::any_of(seed.addresses, mesh_.reached);
}

}  // namespace picket
