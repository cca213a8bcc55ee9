#include "gossip/membership/tags.h"

#include <cstdint>

#include "agent/base/assert.h"

namespace picket::gossip {
namespace {

constexpr char serf_form = '\xff';
constexpr std::size_t tags_max = 15;  // What the shortest form of a map can count.

void put_text(std::string_view text, std::string& out) {
    PICKET_ASSERT(text.size() < 65'536);
    if (text.size() < 32) {
        out += static_cast<char>(0xa0 | text.size());
    } else {
        out += '\xda';
        out += static_cast<char>(text.size() >> 8);
        out += static_cast<char>(text.size() & 0xff);
    }
    out += text;
}

// Takes bytes from the front of `rest`.
std::optional<std::string_view> take(std::string_view& rest, std::size_t count) {
    if (rest.size() < count) return std::nullopt;
    const std::string_view taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
}

// A number of `count` bytes, big-endian.
std::optional<std::size_t> take_number(std::string_view& rest, std::size_t count) {
    const auto bytes = take(rest, count);
    if (!bytes.has_value()) return std::nullopt;
    std::size_t number = 0;
    for (const char byte : *bytes) number = number << 8 | static_cast<std::uint8_t>(byte);
    return number;
}

std::optional<std::string_view> take_text(std::string_view& rest) {
    const auto head = take_number(rest, 1);
    if (!head.has_value()) return std::nullopt;
    if ((*head & 0xe0) == 0xa0) return take(rest, *head & 0x1f);
    std::optional<std::size_t> size;
    if (*head == 0xd9) size = take_number(rest, 1);
    if (*head == 0xda) size = take_number(rest, 2);
    return size.has_value() ? take(rest, *size) : std::nullopt;
}

std::optional<std::size_t> take_map_size(std::string_view& rest) {
    const auto head = take_number(rest, 1);
    if (!head.has_value()) return std::nullopt;
    if ((*head & 0xf0) == 0x80) return *head & 0x0f;
    return *head == 0xde ? take_number(rest, 2) : std::nullopt;
}

constexpr char serf_leave = 0;
constexpr char serf_join = 1;

std::string intent(char type, std::size_t fields, std::uint64_t time, std::string_view node) {
    std::string payload(1, type);
    payload += static_cast<char>(0x80 | fields);
    put_text("LTime", payload);
    payload += '\xcf';
    for (int shift = 56; shift >= 0; shift -= 8) payload += static_cast<char>(time >> shift & 0xff);
    put_text("Node", payload);
    put_text(node, payload);
    return payload;
}

}  // namespace

std::string serf_join_intent(std::uint64_t time, std::string_view node) {
    return intent(serf_join, 2, time, node);
}

std::string serf_leave_intent(std::uint64_t time, std::string_view node) {
    std::string payload = intent(serf_leave, 3, time, node);
    put_text("Prune", payload);
    payload += '\xc2';  // False.
    return payload;
}

std::string encode_tags(const Tags& tags) {
    PICKET_ASSERT(tags.size() <= tags_max);
    std::string meta(1, serf_form);
    meta += static_cast<char>(0x80 | tags.size());
    for (const auto& [name, value] : tags) {
        put_text(name, meta);
        put_text(value, meta);
    }
    return meta;
}

std::optional<Tags> decode_tags(std::string_view meta) {
    if (!meta.starts_with(serf_form)) return std::nullopt;
    meta.remove_prefix(1);
    const auto size = take_map_size(meta);
    if (!size.has_value()) return std::nullopt;
    Tags tags;
    for (std::size_t i = 0; i < *size; ++i) {
        const auto name = take_text(meta);
        if (!name.has_value()) return std::nullopt;
        const auto value = take_text(meta);
        if (!value.has_value()) return std::nullopt;
        tags.insert_or_assign(std::string(*name), std::string(*value));
    }
    return tags;
}

bool is_picket(std::string_view meta) {
    // Rarely there: a look at the bytes spares most members the decoding.
    if (meta.find(picket_tag) == std::string_view::npos) return false;
    const std::optional<Tags> tags = decode_tags(meta);
    return tags.has_value() && tags->contains(picket_tag);
}

}  // namespace picket::gossip
