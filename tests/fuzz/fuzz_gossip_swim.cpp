// The membership as a machine: any sequence of messages, push/pulls, ticks and
// commands leaves it whole.
//
// Each step is one byte that chooses it, and the bytes that it draws. Names,
// addresses and numbers come from small sets, so that steps meet each other; the
// numbers of what the machine itself asked are among them. When the bytes end, or
// three minutes are over, so is the story.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/assert.h"
#include "gossip/membership/swim.h"
#include "gossip/membership/tags.h"

using namespace picket;
using namespace picket::gossip;
using std::chrono::milliseconds;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t steps_max = 120;
constexpr Duration story_max = std::chrono::minutes(3);  // Long enough to be forgotten.
constexpr std::size_t packet_budget = 400;
constexpr std::size_t members_max = 6;
constexpr std::size_t broadcasts_max = 5;

class Bytes {
public:
    Bytes(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
    bool empty() const { return left_ == 0; }
    std::uint8_t next() {
        if (left_ == 0) return 0;
        --left_;
        return *data_++;
    }
    std::uint32_t word() {
        const std::uint32_t high = next();
        return high << 24 | std::uint32_t{next()} << 16 | std::uint32_t{next()} << 8 | next();
    }
    template <typename T, std::size_t size>
    const T& of(const std::array<T, size>& choices) {
        return choices[next() % size];
    }

private:
    const std::uint8_t* data_;
    std::size_t left_;
};

const std::array<std::string, 9> names{"self", "b", "c", "d", "e", "f", "g", "h", "nobody"};

class Story {
public:
    explicit Story(Bytes bytes) : bytes_(bytes), swim_(options(), texts_, bytes_.next(), now_) {}

    void play() {
        check();
        const Instant end = now_ + story_max;
        for (std::size_t step = 0; step < steps_max && !bytes_.empty() && now_ < end; ++step) {
            take_step();
            check();
        }
    }

private:
    static Swim::Options options() {
        Swim::Options options{.name = "self", .address = place(0)};
        options.versions = {1, 5, 2, 2, 5, 5};
        options.packet_budget_bytes = packet_budget;
        options.members_max = members_max;
        options.broadcasts_max = broadcasts_max;
        return options;
    }
    static SocketAddress place(std::uint8_t number) {
        return {{IpAddress::Family::v4, {10, 0, 0, static_cast<std::uint8_t>(number + 1)}}, 7946};
    }

    SocketAddress address() {
        const std::uint8_t number = bytes_.next();
        if (number == 255) return {{IpAddress::Family::v4, {0, 0, 0, 0}}, bytes_.next()};
        return place(number % 9);
    }
    // Where a question says that it comes from: here, or nowhere.
    wire::Source source() {
        const SocketAddress at = address();
        return bytes_.next() % 2 == 0 ? wire::Source{} : wire::Source{"b", at.ip, at.port};
    }
    std::uint32_t incarnation() {
        const std::uint8_t choice = bytes_.next();
        if (choice < 128) return choice % 16;
        return choice < 192 ? swim_.incarnation() + choice % 4 : bytes_.word();
    }
    std::uint32_t sequence() {
        if (asked_.empty()) return bytes_.next();
        return asked_[bytes_.next() % asked_.size()];
    }
    wire::Versions versions() {
        return bytes_.next() % 8 == 0 ? wire::Versions{} : wire::Versions{1, 5, 2, 2, 5, 5};
    }
    std::string_view meta() {
        static const std::array<std::string, 3> metas{"", encode_tags({{"picket", "1"}}), "role"};
        return bytes_.of(metas);
    }

    void take_step() {
        switch (bytes_.next() % 12) {
            case 0:
            case 1:
                return advance(milliseconds(10) * bytes_.next());
            case 2:
                return advance(std::chrono::seconds(1) * (bytes_.next() % 64));
            case 3:  // Stopped for a while: only then comes the tick.
                now_ += milliseconds(100) * bytes_.next();
                return swim_.on_tick(now_);
            case 4:
                return push_pull();
            case 5:
                return end_stream();
            case 6:
                return command();
            default:
                return message();
        }
    }

    void advance(Duration duration) {
        const Instant end = now_ + duration;
        // Whatever there is to do, it is not done without end.
        std::size_t ticks_left = 200 + static_cast<std::size_t>(duration / milliseconds(5));
        while (swim_.next_wakeup() <= end) {
            PICKET_ASSERT(ticks_left-- > 0);
            now_ = std::max(now_, swim_.next_wakeup());
            swim_.on_tick(now_);
            drain();
        }
        now_ = end;
    }

    void message() {
        const SocketAddress from = place(bytes_.next() % 9);
        const std::string_view node = bytes_.of(names);
        const SocketAddress at = address();
        switch (bytes_.next() % 7) {
            case 0:
                return swim_.on_message(now_, from, wire::Ping{bytes_.next(), node, source()});
            case 1:
                return swim_.on_message(
                    now_, from,
                    wire::IndirectPing{bytes_.next(), node, at.ip, at.port, true, source()});
            case 2:
                return swim_.on_message(now_, from, wire::Ack{sequence(), {}});
            case 3:
                return swim_.on_message(now_, from, wire::Nack{sequence()});
            case 4:
                return swim_.on_message(now_, from,
                                        wire::Suspect{incarnation(), node, bytes_.of(names)});
            case 5:
                return swim_.on_message(
                    now_, from,
                    wire::Alive{incarnation(), node, at.ip, at.port, meta(), versions()});
            default:
                return swim_.on_message(now_, from,
                                        wire::Dead{incarnation(), node, bytes_.of(names)});
        }
    }

    void push_pull() {
        wire::PushPull state;
        const std::size_t nodes = bytes_.next() % 6;
        for (std::size_t i = 0; i < nodes; ++i) {
            const SocketAddress at = address();
            state.nodes.push_back({bytes_.of(names), at.ip, at.port, meta(), incarnation(),
                                   static_cast<wire::NodeCondition>(bytes_.next() % 4),
                                   versions()});
        }
        const bool ours = !streams_.empty() && bytes_.next() % 2 == 0;
        swim_.on_push_pull(now_, state, ours ? std::optional(take_stream()) : std::nullopt);
    }

    std::uint64_t take_stream() {
        const std::size_t place = bytes_.next() % streams_.size();
        const std::uint64_t stream = streams_[place];
        streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(place));
        return stream;
    }

    void end_stream() {
        if (streams_.empty()) return;
        const std::uint64_t stream = take_stream();
        if (bytes_.next() % 2 == 0) return swim_.on_stream_failed(now_, stream);
        swim_.on_tcp_answer(now_, stream, sequence());
    }

    void command() {
        switch (bytes_.next() % 7) {
            case 0:
                return swim_.join(now_, address());
            case 1:
                return swim_.leave(now_);
            case 2:
                return swim_.rejoin(now_);
            case 3:
                return swim_.set_meta(now_, meta());
            case 4:
                swim_.forget(bytes_.of(names));
                incarnations_.clear();
                return;
            case 5:
                return swim_.send_ping(now_, place(bytes_.next() % 9), bytes_.of(names),
                                       swim_.next_sequence());
            default: {
                std::string user(2 + bytes_.next() % 150, 'u');
                user[0] = '\x08';
                const auto audience =
                    bytes_.next() % 2 == 0 ? Audience::picket : Audience::everybody;
                const auto rank = static_cast<Rank>(bytes_.next() % rank_count);
                return swim_.broadcast(now_, rank, bytes_.next() % 4, std::move(user), audience);
            }
        }
    }

    // What goes out is well formed, fits, and goes where a packet can go.
    void drain() {
        while (const auto packet = swim_.poll_packet()) {
            PICKET_ASSERT(usable(packet->to));
            PICKET_ASSERT(!packet->messages.empty());
            std::size_t bytes = 0;
            for (const std::string& encoded : packet->messages) {
                bytes += encoded.size() + BroadcastQueue::overhead_bytes;
                const auto decoded = wire::decode(encoded);
                PICKET_ASSERT(decoded.has_value());
                if (const auto* ping = std::get_if<wire::Ping>(&*decoded)) ask(ping->sequence);
                if (const auto* ping = std::get_if<wire::IndirectPing>(&*decoded)) {
                    ask(ping->sequence);
                }
            }
            PICKET_ASSERT(bytes <= packet_budget);
        }
        while (const auto stream = swim_.poll_stream()) {
            PICKET_ASSERT(stream->timeout > Duration::zero());
            streams_.push_back(stream->id);
            if (stream->kind == StreamRequest::Kind::ping) ask(stream->sequence);
        }
        PICKET_ASSERT(streams_.size() <= Swim::streams_max);
        while (const auto event = swim_.poll_event()) PICKET_ASSERT(!event->member.name.empty());
    }

    void ask(std::uint32_t sequence) {
        if (asked_.size() == 8) asked_.erase(asked_.begin());
        asked_.push_back(sequence);
    }

    void check() {
        drain();
        const MemberTable& table = swim_.table();
        PICKET_ASSERT(swim_.self().liveness ==
                      (swim_.leaving() ? Liveness::left : Liveness::alive));
        PICKET_ASSERT(swim_.incarnation() >= incarnation_);
        incarnation_ = swim_.incarnation();
        PICKET_ASSERT(table.size() <= members_max);
        PICKET_ASSERT(swim_.broadcasts().size() <= broadcasts_max);
        // No story has so many steps that it could fill the ranks.
        PICKET_ASSERT(swim_.application_broadcasts().size() <= steps_max);
        std::array<std::size_t, liveness_count> counts{};
        for (const MemberView& view : table.views()) {
            ++counts[static_cast<std::size_t>(view.liveness)];
            Incarnation& seen = incarnations_[std::string(texts_.text(view.name))];
            PICKET_ASSERT(view.incarnation >= seen);
            PICKET_ASSERT(view.incarnation <= Swim::incarnation_max);
            seen = view.incarnation;
        }
        for (std::size_t i = 0; i < liveness_count; ++i) {
            PICKET_ASSERT(table.count(static_cast<Liveness>(i)) == counts[i]);
        }
        PICKET_ASSERT(swim_.push_pull_state(false).nodes.size() == table.size());
    }

    Bytes bytes_;
    Instant now_{std::chrono::hours(1)};
    TextPool texts_;
    Swim swim_;
    std::vector<std::uint32_t> asked_;
    std::vector<std::uint64_t> streams_;
    Incarnation incarnation_ = 0;
    std::map<std::string, Incarnation> incarnations_;  // Of each member, at the highest.
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Story(Bytes(data, size)).play();
    return 0;
}
