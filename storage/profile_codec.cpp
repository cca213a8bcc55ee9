#include "storage/profile_codec.h"

#include <algorithm>

namespace picket::storage {

namespace {

constexpr unsigned class_bits = 0x0f;
constexpr unsigned figures_bit = 0x40;
constexpr auto class_max = static_cast<std::uint8_t>(checks::FailureClass::local);

}  // namespace

void put_profile(std::string& bytes, const Profile& profile) {
    const auto failure_class = static_cast<unsigned>(profile.failure_class);
    const unsigned figures = profile.figure_count > 0 ? figures_bit : 0;
    bytes.push_back(
        static_cast<char>(static_cast<unsigned>(profile.state) | failure_class << 2u | figures));
    put_varint(bytes, profile.message_id);
    put_varint(bytes, profile.interval_ms);
    if (figures != 0) put_varint(bytes, profile.figure_count);
}

Profile take_profile(ByteReader& reader) {
    Profile profile;
    const unsigned first = reader.byte();
    profile.state = static_cast<PointState>(first & 3u);
    // A class of a later release is some class; what it was is in the message.
    profile.failure_class =
        static_cast<checks::FailureClass>(std::min<unsigned>(first >> 2u & class_bits, class_max));
    profile.message_id = static_cast<std::uint32_t>(reader.varint(0xffffffff));
    profile.interval_ms = static_cast<std::uint32_t>(reader.varint(0xffffffff));
    if ((first & figures_bit) != 0) {
        profile.figure_count = static_cast<std::uint8_t>(reader.varint(figures_max));
    }
    return profile;
}

std::size_t ProfileTable::index_of(const Profile& profile) {
    // From the back: what came last is likely to come again.
    const auto found = std::find(profiles_.rbegin(), profiles_.rend(), profile);
    if (found != profiles_.rend()) {
        return static_cast<std::size_t>(profiles_.rend() - found) - 1;
    }
    profiles_.push_back(profile);
    return profiles_.size() - 1;
}

void ProfileTable::put(std::string& bytes) const {
    put_varint(bytes, profiles_.size());
    for (const Profile& profile : profiles_) put_profile(bytes, profile);
}

std::optional<std::vector<Profile>> take_profile_table(ByteReader& reader, std::size_t count_max) {
    const std::uint64_t count = reader.varint(count_max);
    std::vector<Profile> profiles;
    for (std::uint64_t each = 0; each < count && reader.ok(); ++each) {
        profiles.push_back(take_profile(reader));
    }
    if (!reader.ok() || profiles.empty()) return std::nullopt;
    return profiles;
}

}  // namespace picket::storage
