// The two directions of picket's messages, with one face, so that the fields of a
// message are listed once and cannot be written in another order than they are read.
//
//     template <typename Archive, Is<PresenceRecord> R>
//     void fields(Archive& archive, R& record) {
//         archive.id(record.agent);
//         ...
//
// They stand in namespace picket::gossip, where they are found by their argument.
// A FieldWriter requires what is within the limits; a FieldReader refuses what is not.

#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "agent/base/assert.h"
#include "agent/base/time.h"
#include "gossip/spread/record.h"
#include "gossip/wire/msgpack_array.h"

namespace picket::gossip {

// A message of one kind, to be read or to be written.
template <typename T, typename Message>
concept Is = std::same_as<std::remove_const_t<T>, Message>;

// Ages up to 49 days and times up to the year 10889; more is out of range.
constexpr std::uint64_t age_milliseconds_max = 0xffff'ffff;
constexpr std::uint64_t time_milliseconds_max = (std::uint64_t{1} << 48) - 1;
constexpr std::uint32_t time_hours_max = time_milliseconds_max / 3'600'000;

class FieldWriter {
public:
    static constexpr bool reads = false;

    explicit FieldWriter(std::string& out) : array_(out) {}

    template <typename Id>
    void id(Id value) {
        array_.number(static_cast<std::uint64_t>(value));
    }
    template <std::unsigned_integral Number>
    void number(Number value, Number max = std::numeric_limits<Number>::max()) {
        PICKET_ASSERT(value <= max);
        array_.number(value);
    }
    template <typename Choice>
    void choice(Choice value, Choice last) {
        PICKET_ASSERT(value <= last);
        array_.number(static_cast<std::uint64_t>(value));
    }
    void flag(bool value) { array_.boolean(value); }
    void text(std::string_view value, std::size_t bytes_max) {
        PICKET_ASSERT(value.size() <= bytes_max);
        array_.text(value);
    }
    void hash(const BlobHash& value) {
        array_.text({reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()});
    }
    // A negative age, or one over the limit, can only be our own arithmetic: clamped.
    void age(Duration value) {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(value).count();
        array_.number(std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(0, ms)),
                               age_milliseconds_max));
    }
    void time(WallTime value) {
        const std::int64_t ms = std::max<std::int64_t>(0, to_milliseconds(value));
        array_.number(std::min(static_cast<std::uint64_t>(ms), time_milliseconds_max));
    }
    void hours(std::uint32_t since_1970) { array_.number(std::min(since_1970, time_hours_max)); }
    template <typename Item, typename Each>
    void list(const std::vector<Item>& items, std::size_t items_max, Each each) {
        PICKET_ASSERT(items.size() <= items_max);
        array_.begin();
        for (const Item& item : items) each(*this, item);
        array_.end();
    }
    void begin() { array_.begin(); }
    void end() { array_.end(); }
    // Only a reader has doubts.
    void expect(bool) {}

private:
    wire::ArrayWriter array_;
};

class FieldReader {
public:
    static constexpr bool reads = true;

    explicit FieldReader(std::string_view bytes) : array_(bytes) {}

    template <typename Id>
    void id(Id& value) {
        value = Id{array_.number()};
    }
    template <std::unsigned_integral Number>
    void number(Number& value, Number max = std::numeric_limits<Number>::max()) {
        value = static_cast<Number>(array_.number(max));
    }
    template <typename Choice>
    void choice(Choice& value, Choice last) {
        value = static_cast<Choice>(array_.number(static_cast<std::uint64_t>(last)));
    }
    void flag(bool& value) { value = array_.boolean(); }
    void text(std::string& value, std::size_t bytes_max) { value = array_.text(bytes_max); }
    void hash(BlobHash& value) {
        const std::string_view bytes = array_.text(value.bytes.size());
        expect(bytes.size() == value.bytes.size());
        std::copy(bytes.begin(), bytes.end(), value.bytes.begin());
    }
    void age(Duration& value) {
        value = std::chrono::milliseconds(array_.number(age_milliseconds_max));
    }
    void time(WallTime& value) {
        value = from_milliseconds(static_cast<std::int64_t>(array_.number(time_milliseconds_max)));
    }
    void hours(std::uint32_t& since_1970) { number(since_1970, time_hours_max); }
    template <typename Item, typename Each>
    void list(std::vector<Item>& items, std::size_t items_max, Each each) {
        items.resize(array_.begin(items_max));
        for (Item& item : items) {
            if (!array_.sound()) break;
            each(*this, item);
        }
        array_.end();
    }
    void begin() { array_.begin(); }
    void end() { array_.end(); }
    // What no sane sender says is out of range.
    void expect(bool sane) {
        if (!sane) array_.refuse(wire::Fault::out_of_range);
    }

    bool sound() const { return array_.sound(); }
    std::optional<wire::Fault> fault() const { return array_.fault(); }

private:
    wire::ArrayReader array_;
};

template <typename Archive, typename List>
void labels(Archive& archive, List& list) {
    archive.list(list, labels_max, [](Archive& inner, auto& label) {
        inner.begin();
        inner.text(label.first, label_bytes_max);
        inner.text(label.second, label_bytes_max);
        inner.end();
    });
}

// A message from its array: requires a function fields() for it.
template <typename Message>
wire::Decoded<Message> read_fields(std::string_view body) {
    Message message;
    FieldReader reader(body);
    reader.begin();
    fields(reader, message);
    reader.end();
    if (const auto fault = reader.fault()) return wire::refused(*fault);
    return message;
}

template <typename Message>
void write_fields(const Message& message, std::string& out) {
    FieldWriter writer(out);
    writer.begin();
    fields(writer, message);
    writer.end();
}

}  // namespace picket::gossip
