#include "gossip/wire/msgpack_map.h"

#include <msgpack.hpp>

#include <type_traits>

#include "agent/base/assert.h"

namespace picket::gossip::wire {
namespace {

// Follows msgpack-c's parser through one map. Level 1 is the message itself; what
// lies deeper belongs to an unknown field and is skipped.
class MapVisitor : public msgpack::null_visitor {
public:
    explicit MapVisitor(std::span<const Field> fields) : fields_(fields) {}

    Fault fault() const { return fault_; }

    bool start_map(std::uint32_t) { return (depth_ == 0 || container()) && descend(); }
    bool end_map() { return ascend(); }
    bool start_array(std::uint32_t) { return container() && descend(); }
    bool end_array() { return ascend(); }

    bool start_map_key() {
        if (depth_ == 1) in_key_ = true;
        return true;
    }
    bool end_map_key() {
        if (depth_ == 1) in_key_ = false;
        return true;
    }

    bool visit_nil() {
        if (!counted()) return false;
        return in_fields() ? !in_key_ || refuse(Fault::malformed_map) : depth_ > 0 || not_a_map();
    }
    bool visit_boolean(bool value) {
        return scalar([&](const Field& field) {
            bool* const* target = std::get_if<bool*>(&field.target);
            if (target == nullptr) return refuse(Fault::wrong_kind);
            **target = value;
            return true;
        });
    }
    bool visit_positive_integer(std::uint64_t value) {
        return scalar([&](const Field& field) { return store(field, value); });
    }
    // Also called for a value that is positive but was sent with a signed code.
    bool visit_negative_integer(std::int64_t value) {
        return scalar([&](const Field& field) {
            if (value < 0) return refuse(Fault::out_of_range);
            return store(field, static_cast<std::uint64_t>(value));
        });
    }
    bool visit_float32(float) { return other(); }
    bool visit_float64(double) { return other(); }
    bool visit_bin(const char*, std::uint32_t) { return other(); }
    bool visit_ext(const char*, std::uint32_t) { return other(); }

    bool visit_str(const char* start, std::uint32_t size) {
        const std::string_view value =
            size == 0 ? std::string_view() : std::string_view{start, size};
        if (in_fields() && in_key_) {
            find(value);
            return counted();
        }
        return scalar([&](const Field& field) {
            std::string_view* const* target = std::get_if<std::string_view*>(&field.target);
            if (target == nullptr) return refuse(Fault::wrong_kind);
            if (value.size() > field.bytes_max) return refuse(Fault::too_long);
            **target = value;
            return true;
        });
    }

    void parse_error(std::size_t, std::size_t) { fault_ = Fault::malformed_map; }

private:
    bool refuse(Fault fault) {
        fault_ = fault;
        return false;
    }
    bool not_a_map() { return refuse(Fault::malformed_map); }
    bool in_fields() const { return depth_ == 1; }
    bool counted() { return ++values_ <= map_values_max || refuse(Fault::too_complex); }

    // A map or an array where a value of the message stands: fine if unknown.
    bool container() {
        if (depth_ == 0) return not_a_map();
        if (!in_fields()) return true;
        if (in_key_) return refuse(Fault::malformed_map);
        return field_ == nullptr || refuse(Fault::wrong_kind);
    }
    bool descend() {
        return counted() && (++depth_ <= map_depth_max || refuse(Fault::too_complex));
    }
    bool ascend() {
        --depth_;
        return true;
    }

    template <typename Store>
    bool scalar(Store store) {
        if (depth_ == 0) return not_a_map();
        if (!counted()) return false;
        if (!in_fields()) return true;
        if (in_key_) return refuse(Fault::malformed_map);
        return field_ == nullptr || store(*field_);
    }
    bool other() {
        return scalar([this](const Field&) { return refuse(Fault::wrong_kind); });
    }

    bool store(const Field& field, std::uint64_t value) {
        return std::visit(
            [&](auto* target) {
                using Target = std::remove_pointer_t<decltype(target)>;
                if constexpr (std::is_same_v<Target, bool> ||
                              std::is_same_v<Target, std::string_view>) {
                    return refuse(Fault::wrong_kind);
                } else {
                    if (value > std::numeric_limits<Target>::max()) {
                        return refuse(Fault::out_of_range);
                    }
                    *target = static_cast<Target>(value);
                    return true;
                }
            },
            field.target);
    }

    // Keys come sorted from every known peer, so the next field is looked at first.
    void find(std::string_view key) {
        for (std::size_t tried = 0; tried < fields_.size(); ++tried) {
            if (next_ == fields_.size()) next_ = 0;
            const Field& candidate = fields_[next_++];
            if (candidate.key == key) {
                field_ = &candidate;
                return;
            }
        }
        field_ = nullptr;
    }

    std::span<const Field> fields_;
    const Field* field_ = nullptr;  // Where the value that follows goes; null to skip it.
    std::size_t next_ = 0;
    std::size_t depth_ = 0;
    std::size_t values_ = 0;
    bool in_key_ = false;
    Fault fault_ = Fault::truncated;
};

struct Appender {
    std::string& out;
    void write(const char* start, std::size_t size) { out.append(start, size); }
};

void pack_raw(msgpack::packer<Appender>& packer, std::string_view value) {
    PICKET_ASSERT(value.size() <= std::numeric_limits<std::uint32_t>::max());
    const auto size = static_cast<std::uint32_t>(value.size());
    packer.pack_v4raw(size);
    packer.pack_v4raw_body(value.data(), size);
}

}  // namespace

Decoded<std::size_t> read_map(std::string_view bytes, std::span<const Field> fields) {
    MapVisitor visitor(fields);
    std::size_t taken = 0;
    try {
        // True at the end of a value, also when bytes follow it.
        if (msgpack::parse(bytes.data(), bytes.size(), taken, visitor)) return taken;
    } catch (const msgpack::unpack_error&) {
        return refused(Fault::malformed_map);
    }
    return refused(visitor.fault());
}

MapWriter::MapWriter(std::string& out, std::uint32_t fields) : out_(out) {
    Appender appender{out_};
    msgpack::packer<Appender>(appender).pack_map(fields);
}

void MapWriter::text(std::string_view key, std::string_view value) {
    Appender appender{out_};
    msgpack::packer<Appender> packer(appender);
    pack_raw(packer, key);
    pack_raw(packer, value);
}

void MapWriter::bytes(std::string_view key, std::string_view value) {
    if (!value.empty()) return text(key, value);
    Appender appender{out_};
    msgpack::packer<Appender> packer(appender);
    pack_raw(packer, key);
    packer.pack_nil();
}

void MapWriter::number(std::string_view key, std::uint64_t value) {
    Appender appender{out_};
    msgpack::packer<Appender> packer(appender);
    pack_raw(packer, key);
    packer.pack_uint64(value);
}

void MapWriter::boolean(std::string_view key, bool value) {
    Appender appender{out_};
    msgpack::packer<Appender> packer(appender);
    pack_raw(packer, key);
    if (value) {
        packer.pack_true();
    } else {
        packer.pack_false();
    }
}

}  // namespace picket::gossip::wire
