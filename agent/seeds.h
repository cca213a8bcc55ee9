// Seeds: the names of `join`, turned into addresses again and again.
//
// A seed whose agent is not known to live is looked up anew on each try: at once, then
// after retry_min, twice as long each time up to retry_max, for ever. The mesh itself
// tries an address that it was given again; here only what a name stands for matters,
// so one that was reached is looked up at retry_max, in case its agent moved.
//
// What goes wrong is logged when it begins, when its reason changes, and when it is over.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/time.h"
#include "agent/io/loop.h"
#include "agent/io/resolver.h"
#include "agent/io/timer.h"

namespace picket {

class Seeds {
public:
    static constexpr Duration lookup_timeout = std::chrono::seconds(5);
    static constexpr Duration retry_min = std::chrono::seconds(1);
    static constexpr Duration retry_max = std::chrono::seconds(60);
    // More of one name are left out: the mesh needs one that answers.
    static constexpr std::size_t addresses_max = 8;

    struct Mesh {
        std::function<void(const SocketAddress&)> join;
        std::function<bool(const SocketAddress&)> reached;
    };

    // `names` are HOST or HOST:PORT, as the configuration has checked them. `resolvers`
    // must outlive it.
    Seeds(io::Loop& loop, io::Resolvers& resolvers, const std::vector<std::string>& names,
          Mesh mesh);

    void start();

    // Why a seed cannot be looked up: one line each, for `status`.
    std::vector<std::string> problems() const;

private:
    struct Seed {
        HostPort name;
        std::vector<SocketAddress> addresses{};  // What it stood for when last looked up.
        std::string problem{};                   // Why there was no answer.
        Instant next_at{};
        Duration delay = retry_min;
        std::unique_ptr<io::Lookup> lookup{};
    };

    void turn();
    void arm();
    void look_up(Seed& seed, Instant now);
    void on_addresses(Seed& seed, Result<std::vector<IpAddress>> found);
    bool reached(const Seed& seed) const;

    io::Resolvers& resolvers_;
    Mesh mesh_;
    std::vector<Seed> seeds_;
    io::Timer timer_;
};

}  // namespace picket
