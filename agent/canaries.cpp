#include "agent/canaries.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "agent/io/clock.h"
#include "agent/io/read_file.h"

namespace picket {
namespace {

constexpr std::size_t resolvers_max = 2;
constexpr std::size_t routes_bytes_max = 1024UL * 1024;

template <typename Number>
std::optional<Number> read_number(std::string_view text, int base) {
    Number number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number, base);
    const bool whole = read.ec == std::errc{} && read.ptr == text.data() + text.size();
    return whole ? std::optional(number) : std::nullopt;
}

std::vector<std::string_view> words(std::string_view line) {
    constexpr std::string_view blanks = " \t";
    std::vector<std::string_view> found;
    while (true) {
        line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
        if (line.empty()) return found;
        const std::size_t end = std::min(line.find_first_of(blanks), line.size());
        found.push_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

}  // namespace

void Canary::on_finding(Instant now, bool answered) {
    if (answered) {
        exists_ = true;
        silent_since_.reset();
    } else if (!silent_since_) {
        silent_since_ = now;
    }
}

std::optional<bool> Canary::answers(Instant now) const {
    if (!exists_) return std::nullopt;
    if (!silent_since_) return true;
    return now - *silent_since_ < given_up_after ? std::optional(false) : std::nullopt;
}

// Columns: interface, destination, gateway, flags, two counts, metric, mask. Addresses are
// hex digits of the number that the four bytes are in this host's order.
std::optional<IpAddress> default_gateway(std::string_view routes) {
    constexpr unsigned up = 0x0001;
    constexpr unsigned through_gateway = 0x0002;
    constexpr unsigned reject = 0x0200;
    bool without_gateway = false;
    std::optional<IpAddress> best;
    std::uint32_t best_metric = std::numeric_limits<std::uint32_t>::max();
    while (!routes.empty()) {
        const std::size_t end = std::min(routes.find('\n'), routes.size());
        const auto columns = words(routes.substr(0, end));
        routes.remove_prefix(std::min(end + 1, routes.size()));
        if (columns.size() < 8 || columns[1] != "00000000" || columns[7] != "00000000") continue;
        const auto gateway = read_number<std::uint32_t>(columns[2], 16);
        const auto flags = read_number<unsigned>(columns[3], 16);
        const auto metric = read_number<std::uint32_t>(columns[6], 10);
        if (!gateway || !flags || !metric) continue;
        if ((*flags & (up | reject)) != up) continue;
        if ((*flags & through_gateway) == 0) {
            without_gateway = true;
            continue;
        }
        if (best && *metric >= best_metric) continue;
        IpAddress address;
        std::memcpy(address.bytes.data(), &*gateway, sizeof *gateway);
        best = address;
        best_metric = *metric;
    }
    return best || !without_gateway ? best : IpAddress{};
}

Canaries::Canaries(io::Loop& loop, io::IcmpSockets& icmp, io::Resolvers& resolvers,
                   std::function<void()> on_change)
    : loop_(loop),
      icmp_(icmp),
      resolvers_(resolvers),
      on_change_(std::move(on_change)),
      timer_(loop, [this] { on_timer(); }) {
    timer_.set(io::monotonic_now());
}

void Canaries::on_timer() {
    const Instant now = io::monotonic_now();
    if (gateway_at_ <= now) ask_gateway();
    if (resolver_at_ <= now) ask_resolver();
    timer_.set(std::min(gateway_at_, resolver_at_));
}

void Canaries::on_failure(bool by_name) {
    ask_gateway();
    if (by_name) ask_resolver();
}

void Canaries::stop() {
    timer_.clear();
    echo_.reset();
    questions_.clear();
}

void Canaries::ask_gateway() {
    if (echo_ != nullptr) return;
    set_gateway_at(io::monotonic_now());
    const auto routes = io::read_file("/proc/net/route", routes_bytes_max);
    if (!routes) return;
    const auto address = default_gateway(routes->text);
    if (!address) return on_gateway(false);
    if (*address == IpAddress{}) return;
    echo_ = std::make_unique<io::Echo>(loop_, icmp_, *address, patience,
                                       [this](io::Echo::Finding found) {
                                           echo_.reset();
                                           if (found == io::Echo::Finding::impossible) return;
                                           on_gateway(found == io::Echo::Finding::answered);
                                       });
}

void Canaries::on_gateway(bool answered) {
    const Instant now = io::monotonic_now();
    gateway_.on_finding(now, answered);
    set_gateway_at(now);
    on_change_();
}

void Canaries::set_gateway_at(Instant now) {
    const bool silent = gateway_.answers(now) == std::optional(false);
    gateway_at_ = now + (silent ? silent_interval : gateway_interval);
    timer_.set(std::min(gateway_at_, resolver_at_));
}

void Canaries::ask_resolver() {
    if (unanswered_ > 0) return;
    const Instant now = io::monotonic_now();
    resolver_at_ = now + resolver_interval;
    auto servers = resolvers_.system_servers();
    servers.resize(std::min(servers.size(), resolvers_max));
    questions_.clear();
    unanswered_ = servers.size();
    for (const SocketAddress& server : servers) {
        const io::DnsQuestion question{.name = ".", .type = "NS", .server = server};
        questions_.push_back(resolvers_.query(question, now + patience, [this](const auto& answer) {
            if (unanswered_ == 0) return;  // The other one has answered.
            --unanswered_;
            const bool answered = answer && answer->rcode == "NOERROR";
            if (!answered && unanswered_ > 0) return;
            unanswered_ = 0;
            resolver_.on_finding(io::monotonic_now(), answered);
            on_change_();
        }));
    }
}

}  // namespace picket
