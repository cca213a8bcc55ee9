#include "agent/io/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "agent/base/assert.h"
#include "agent/base/errno_text.h"
#include "agent/io/clock.h"
#include "agent/io/deadline.h"
#include "agent/io/dns_channel.h"
#include "agent/io/dns_message.h"
#include "agent/io/sockaddr.h"
#include "agent/io/timer.h"

namespace picket::io {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t dns_port = 53;
// How long a channel takes new lookups, and how often to look for those to close.
constexpr Duration channel_age_max = 30s;
constexpr Duration sweep_interval = 5s;
// Questions with nearly the same time to answer share a channel.
constexpr Duration first_wait_step = 100ms;
// As c-ares prints names in presentation form: 255 bytes, each at most "\123".
constexpr std::size_t name_text_bytes_max = 1020;

std::string list_text(const std::vector<SocketAddress>& servers) {
    std::string text;
    for (const SocketAddress& server : servers) {
        if (!text.empty()) text += ", ";
        text += to_text(server);
    }
    return text;
}

std::string_view family_text(LookupFamily family) {
    if (family == LookupFamily::any) return "";
    return family == LookupFamily::v4 ? "IPv4 " : "IPv6 ";
}

bool fits(const IpAddress& ip, LookupFamily family) {
    if (family == LookupFamily::any) return true;
    return (family == LookupFamily::v4) == (ip.family == IpAddress::Family::v4);
}

std::vector<IpAddress> addresses_of(const ares_addrinfo& found, LookupFamily family) {
    std::vector<IpAddress> result;
    for (const auto* node = found.nodes; node != nullptr; node = node->ai_next) {
        const auto address = from_kernel(node->ai_addr, node->ai_addrlen);
        if (!address.has_value() || !fits(address->ip, family)) continue;
        if (std::ranges::find(result, address->ip) == result.end()) result.push_back(address->ip);
    }
    return result;
}

std::string no_answer_within(Duration waited) {
    return fmt::format("no answer within {:.3g} s", to_seconds(waited));
}

// ADDRESS or ADDRESS:PORT.
Result<SocketAddress> parse_server(std::string_view text) {
    const HostPort server = PICKET_TRY(parse_host_port(text, dns_port));
    const IpAddress ip = PICKET_TRY(parse_ip(server.host));
    return SocketAddress{ip, server.port};
}

// What went wrong, of a lookup that c-ares gave up.
Error lookup_error(int status, int socket_error, LookupFamily family, Duration waited) {
    switch (status) {
        case ARES_ENOTFOUND:
            return {Code::not_found, "NXDOMAIN"};
        case ARES_ENODATA:
            return {Code::not_found, fmt::format("the name has no {}address", family_text(family))};
        case ARES_ETIMEOUT:
            return {Code::timed_out, no_answer_within(waited)};
        case ARES_ECONNREFUSED:
            if (socket_error != 0) return {Code::io, errno_text(socket_error)};
            return {Code::io, "no server would answer (SERVFAIL or REFUSED)"};
        case ARES_ESERVFAIL:
            return {Code::io, "SERVFAIL"};
        case ARES_EREFUSED:
            return {Code::io, "REFUSED"};
        case ARES_EBADNAME:
            return {Code::invalid, "not a name"};
        case ARES_EDESTRUCTION:
            return {Code::io, "the agent is stopping"};
        default:
            return {Code::io, ares_strerror(status)};
    }
}

// The side of a lookup that c-ares' callback may still find, by its number.
class PendingLookup : public Lookup {};

using PendingLookups = std::unordered_map<std::uint64_t, PendingLookup*>;

}  // namespace

struct Resolvers::State {
    State(Loop& owner, std::vector<SocketAddress> servers)
        : loop(owner), system_servers(std::move(servers)), sweep(owner, [this] { close_old(); }) {}

    Result<DnsChannel*> channel_for(const DnsChannel::Manner& manner);
    void close_old();

    // Lookups that still wait for c-ares. A dropped one leaves; its callback then
    // finds nobody.
    PendingLookups pending;
    std::uint64_t last_number = 0;
    Loop& loop;
    const std::vector<SocketAddress> system_servers;  // Empty: resolv.conf's.
    std::vector<std::unique_ptr<DnsChannel>> channels;
    Timer sweep;
};

namespace {

// A lookup of either kind, from the question to the moment its `done` returns.
// Answers are handed over on a later turn of the loop, so never from within
// c-ares, and whoever receives them may destroy anything.
template <typename Answer, typename Failure>
class Waiting final : public PendingLookup {
public:
    using Outcome = tl::expected<Answer, Failure>;
    using Done = std::function<void(Outcome)>;

    Waiting(Loop& loop, Instant now, Instant deadline, Done done)
        : done_(std::move(done)),
          started_(now),
          deadline_(deadline),
          timer_(loop, [this] { on_timer(); }) {
        timer_.set(deadline);
    }
    ~Waiting() override { leave(); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

    void enter(PendingLookups& registry, std::uint64_t number) {
        registry.emplace(number, this);
        registry_ = &registry;
        number_ = number;
    }

    // Names the question in every Error from here on.
    void name_question(std::string question) { question_ = std::move(question); }

    void settle(Answer answer) { settle_with(std::move(answer)); }
    void fail(Error error, int error_number = 0) {
        error = std::move(error).within(question_);
        if constexpr (std::is_same_v<Failure, Error>) {
            settle_with(tl::make_unexpected(std::move(error)));
        } else {
            settle_with(tl::make_unexpected(Failure{std::move(error), error_number}));
        }
    }

    // c-ares gave up.
    void give_up(int status, int error_number, LookupFamily family = LookupFamily::any) {
        const Duration waited = monotonic_now() - started_;
        fail(lookup_error(status, error_number, family, waited),
             status == ARES_ECONNREFUSED ? error_number : 0);
    }

private:
    void leave() {
        if (registry_ != nullptr) registry_->erase(number_);
        registry_ = nullptr;
    }

    void settle_with(Outcome outcome) {
        leave();
        outcome_ = std::move(outcome);
        timer_.set(Instant{});  // On the next turn.
    }

    void on_timer() {
        leave();
        if (!outcome_.has_value()) {
            fail({Code::timed_out, no_answer_within(deadline_ - started_)});
            timer_.clear();
        }
        // Whatever `done` destroys, these two are ours alone.
        const Done done = std::move(done_);
        Outcome outcome = *std::move(outcome_);
        done(std::move(outcome));
    }

    Done done_;
    const Instant started_;
    const Instant deadline_;
    std::string question_;
    std::optional<Outcome> outcome_;
    PendingLookups* registry_ = nullptr;
    std::uint64_t number_ = 0;
    Deadline timer_;
};

using Addresses = std::vector<IpAddress>;
using AddressLookup = Waiting<Addresses, Error>;
using QuestionLookup = Waiting<DnsAnswer, QueryFailure>;

template <typename Kind>
Kind* find_waiting(const PendingLookups& registry, std::uint64_t number) {
    const auto place = registry.find(number);
    return place == registry.end() ? nullptr : static_cast<Kind*>(place->second);
}

// What a DNS library may be given as a name. It judges the rest itself.
bool may_be_name(std::string_view text) {
    return !text.empty() && text.size() <= name_text_bytes_max &&
           text.find('\0') == std::string_view::npos;
}

}  // namespace

Resolvers::Resolvers(Loop& loop, std::vector<SocketAddress> system_servers)
    : state_(std::make_unique<State>(loop, std::move(system_servers))) {
    PICKET_ASSERT(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
}

Resolvers::~Resolvers() {
    state_->channels.clear();  // Settles what is pending.
    PICKET_ASSERT(state_->pending.empty());
    state_.reset();
    ares_library_cleanup();
}

Result<DnsChannel*> Resolvers::State::channel_for(const DnsChannel::Manner& manner) {
    const Instant now = monotonic_now();
    std::size_t in_flight = 0;
    DnsChannel* fitting = nullptr;
    for (const auto& channel : channels) {
        in_flight += channel->in_flight();
        const bool young = now - channel->opened() < channel_age_max;
        if (young && channel->manner() == manner) fitting = channel.get();
    }
    if (in_flight >= lookups_in_flight_max) {
        return failure(Code::exhausted, fmt::format("{} lookups are in flight", in_flight));
    }
    if (fitting != nullptr) return fitting;
    if (channels.size() >= channels_max) {
        const auto idle = std::ranges::find(channels, 0u, &DnsChannel::in_flight);
        if (idle == channels.end()) {
            return failure(Code::exhausted,
                           fmt::format("{} sets of servers are being asked", channels_max));
        }
        channels.erase(idle);
    }
    channels.push_back(PICKET_TRY(DnsChannel::open(loop, manner, now)));
    sweep.set(now + sweep_interval);
    return channels.back().get();
}

void Resolvers::State::close_old() {
    const Instant now = monotonic_now();
    std::erase_if(channels, [now](const auto& channel) {
        return channel->in_flight() == 0 && now - channel->opened() >= channel_age_max;
    });
    if (!channels.empty()) sweep.set(now + sweep_interval);
}

std::unique_ptr<Lookup> Resolvers::resolve(std::string_view host, LookupFamily family,
                                           std::string_view server, Instant deadline,
                                           OnAddresses done) {
    auto lookup =
        std::make_unique<AddressLookup>(state_->loop, monotonic_now(), deadline, std::move(done));
    lookup->name_question(fmt::format("look up {}", host));
    if (const auto ip = parse_ip(host); ip.has_value()) {
        if (fits(*ip, family)) {
            lookup->settle({*ip});
        } else {
            lookup->fail({Code::not_found, fmt::format("not an {}address", family_text(family))});
        }
        return lookup;
    }
    DnsChannel::Manner manner{.servers = state_->system_servers, .hosts_file = server.empty()};
    if (!server.empty()) {
        auto address = parse_server(server);
        if (!address.has_value()) {
            lookup->fail(std::move(address).error().within("resolver"));
            return lookup;
        }
        manner.servers = {*address};
    }
    if (!may_be_name(host)) {
        lookup->fail({Code::invalid, "not a name"});
        return lookup;
    }
    auto channel = state_->channel_for(manner);
    if (!channel.has_value()) {
        lookup->fail(std::move(channel).error());
        return lookup;
    }
    lookup->name_question(fmt::format("look up {} at {}", host, list_text((*channel)->servers())));
    const std::uint64_t number = ++state_->last_number;
    lookup->enter(state_->pending, number);
    constexpr int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
    (*channel)->ask_addresses(std::string(host), families[static_cast<std::size_t>(family)],
                              [state = state_.get(), channel = *channel, number, family](
                                  int status, const ares_addrinfo* found) {
                                  auto* waiting =
                                      find_waiting<AddressLookup>(state->pending, number);
                                  if (waiting == nullptr) return;
                                  Addresses addresses;
                                  if (status == ARES_SUCCESS)
                                      addresses = addresses_of(*found, family);
                                  if (!addresses.empty())
                                      return waiting->settle(std::move(addresses));
                                  waiting->give_up(status == ARES_SUCCESS ? ARES_ENODATA : status,
                                                   channel->last_error(), family);
                              });
    return lookup;
}

std::unique_ptr<Lookup> Resolvers::query(const DnsQuestion& question, Instant deadline,
                                         OnAnswer done) {
    const Instant now = monotonic_now();
    auto lookup = std::make_unique<QuestionLookup>(state_->loop, now, deadline, std::move(done));
    lookup->name_question(fmt::format("look up {} {} at {}{}", question.name, question.type,
                                      to_text(question.server), question.tcp ? " over TCP" : ""));
    const auto type = dns_type_from(question.type);
    if (!type.has_value()) {
        lookup->fail({Code::invalid, "not a record type"});
        return lookup;
    }
    if (!may_be_name(question.name)) {
        lookup->fail({Code::invalid, "not a name"});
        return lookup;
    }
    // The second try waits twice as long as the first: together until the deadline.
    const Duration third = std::max((deadline - now) / 3, first_wait_step);
    const Duration first_wait = (third + first_wait_step - 1us) / first_wait_step * first_wait_step;
    auto channel = state_->channel_for({.purpose = DnsChannel::Purpose::question,
                                        .servers = {question.server},
                                        .hosts_file = false,
                                        .tcp = question.tcp,
                                        .recursion = question.recursion,
                                        .first_wait = first_wait,
                                        .tries = 2,
                                        .source = question.source});
    if (!channel.has_value()) {
        lookup->fail(std::move(channel).error());
        return lookup;
    }
    const std::uint64_t number = ++state_->last_number;
    lookup->enter(state_->pending, number);
    (*channel)->ask_question(
        question.name, *type,
        [state = state_.get(), channel = *channel, number, server = question.server](
            int status, std::span<const std::uint8_t> message) {
            auto* waiting = find_waiting<QuestionLookup>(state->pending, number);
            if (waiting == nullptr) return;
            // c-ares turns an rcode and an empty answer into a status of its own,
            // but hands over the message that said so.
            if (message.empty()) return waiting->give_up(status, channel->last_error());
            auto answer = parse_dns_answer(message);
            if (!answer.has_value()) return waiting->fail(std::move(answer).error());
            answer->server = server;
            waiting->settle(*std::move(answer));
        });
    return lookup;
}

std::vector<SocketAddress> Resolvers::system_servers() const {
    const auto channel = state_->channel_for({.servers = state_->system_servers});
    return channel.has_value() ? (*channel)->servers() : std::vector<SocketAddress>{};
}

}  // namespace picket::io
