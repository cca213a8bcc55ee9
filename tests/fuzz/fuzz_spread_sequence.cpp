// An agent's Spread, told one thing after another: messages of any bytes from members
// and strangers, members that come and go, disks that lag, time. It may believe what it
// likes; it may not fall over, show what is not on disk, or let a verdict go back.
//
// The input is a row of steps: a byte that says which, one more, a length, and bytes.

#include <map>
#include <string_view>

#include "gossip/spread/spread.h"
#include "tests/fuzz/spread_fuzz.h"

using namespace picket;
using namespace picket::gossip;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr WallTime wall_start{std::chrono::hours(24 * 365 * 50)};

Member member(unsigned number, Liveness liveness) {
    Member member;
    member.name = "a" + std::to_string(number % 6);
    member.address.ip.bytes = {10, 0, 0, static_cast<std::uint8_t>(number % 6)};
    member.address.port = 7946;
    member.liveness = liveness;
    member.picket = number % 6 != 5;
    return member;
}

class World {
public:
    World() : spread_({.name = "a0", .joins = true}, 1, now_) {}

    void step(std::uint8_t what, std::uint8_t who, std::string_view bytes) {
        now_ += std::chrono::milliseconds(what);
        const WallTime wall = wall_start + now_.time_since_epoch();
        switch (what % 5) {
            case 0:
            case 1:
                spread_.on_user(now_, wall, std::string(1, picket_message) + std::string(bytes),
                                member(who, Liveness::alive).address);
                break;
            case 2:
                spread_.on_member(now_, wall,
                                  member(who, who % 3 == 0 ? Liveness::failed : Liveness::alive));
                break;
            case 3:
                if (written_ < ordered_) spread_.on_persisted(now_, wall, ++written_);
                break;
            default:
                now_ += std::chrono::seconds(who % 16);
                spread_.on_tick(now_, wall);
                break;
        }
        check();
    }

private:
    void check() {
        while (const auto order = spread_.poll_persist()) ordered_ = order->ticket;
        while (spread_.poll_letter().has_value()) {
        }
        while (spread_.poll_broadcast().has_value()) {
        }
        while (spread_.poll_event().has_value()) {
        }
        spread_.registry().each<VerdictRecord>([&](const VerdictRecord& verdict) {
            const VerdictVersion version = version_of(verdict);
            PICKET_ASSERT(version >= seen_[verdict.check]);
            seen_[verdict.check] = version;
        });
    }

    Instant now_{std::chrono::hours(1)};
    Spread spread_;
    std::uint64_t ordered_ = 0;
    std::uint64_t written_ = 0;
    std::map<CheckKey, VerdictVersion> seen_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    World world;
    while (size >= 3) {
        const std::size_t bytes = std::min<std::size_t>(data[2], size - 3);
        world.step(data[0], data[1], {reinterpret_cast<const char*>(data) + 3, bytes});
        data += 3 + bytes;
        size -= 3 + bytes;
    }
    return 0;
}
