#include "gossip/wire/key_messages.h"

#include <msgpack.hpp>

#include "agent/base/assert.h"
#include "agent/base/digest.h"
#include "agent/base/text.h"
#include "gossip/wire/messages.h"

namespace picket::gossip::wire {
namespace {

constexpr char picket_message = 0x70;
constexpr char format_version = 1;
constexpr std::size_t header_bytes = 3;
constexpr std::size_t items_max = 16;  // Of the array; those beyond what we know are ignored.
constexpr std::size_t payload_bytes_max = 4096;

class ArrayWriter {
public:
    ArrayWriter(std::uint8_t kind, std::uint32_t items) {
        const char header[header_bytes] = {picket_message, format_version, static_cast<char>(kind)};
        buffer_.write(header, header_bytes);
        packer_.pack_array(items);
    }
    void text(std::string_view value) {
        packer_.pack_v4raw(static_cast<std::uint32_t>(value.size()));
        packer_.pack_v4raw_body(value.data(), static_cast<std::uint32_t>(value.size()));
    }
    void number(std::uint64_t value) { packer_.pack_uint64(value); }
    void ids(const std::vector<KeyId>& ids) {
        packer_.pack_array(static_cast<std::uint32_t>(ids.size()));
        for (const KeyId id : ids) packer_.pack_uint64(id);
    }
    std::string take() { return {buffer_.data(), buffer_.size()}; }

private:
    msgpack::sbuffer buffer_;
    msgpack::packer<msgpack::sbuffer> packer_{buffer_};
};

// The items of one array, read one after the other.
class ArrayReader {
public:
    explicit ArrayReader(std::string_view payload) {
        if (payload.size() > payload_bytes_max) {
            fault_ = Fault::too_large;
            return;
        }
        const std::string_view bytes = payload.substr(header_bytes);
        const msgpack::unpack_limit limits(items_max, 0, payload_bytes_max, 0, 0, 3);
        try {
            handle_ = msgpack::unpack(bytes.data(), bytes.size(), nullptr, nullptr, limits);
        } catch (const msgpack::insufficient_bytes&) {
            fault_ = Fault::truncated;
            return;
        } catch (const msgpack::unpack_error&) {
            fault_ = Fault::malformed_map;
            return;
        }
        if (handle_->type != msgpack::type::ARRAY) fault_ = Fault::wrong_kind;
    }

    std::uint64_t number() {
        const msgpack::object* item = next();
        if (item == nullptr) return 0;
        if (item->type == msgpack::type::POSITIVE_INTEGER) return item->via.u64;
        fault_ = Fault::wrong_kind;
        return 0;
    }

    std::string text(std::size_t bytes_max) {
        const msgpack::object* item = next();
        if (item == nullptr) return {};
        if (item->type != msgpack::type::STR) {
            fault_ = Fault::wrong_kind;
        } else if (item->via.str.size > bytes_max) {
            fault_ = Fault::too_long;
        } else {
            return {item->via.str.ptr, item->via.str.size};
        }
        return {};
    }

    std::vector<KeyId> ids() {
        std::vector<KeyId> ids;
        const msgpack::object* item = next();
        if (item == nullptr) return ids;
        if (item->type != msgpack::type::ARRAY) {
            fault_ = Fault::wrong_kind;
            return ids;
        }
        for (std::uint32_t i = 0; i < item->via.array.size; ++i) {
            const msgpack::object& id = item->via.array.ptr[i];
            if (id.type != msgpack::type::POSITIVE_INTEGER) {
                fault_ = Fault::wrong_kind;
                return {};
            }
            ids.push_back(id.via.u64);
        }
        if (ids.size() > keyring_keys_max) fault_ = Fault::too_long;
        return ids;
    }

    const std::optional<Fault>& fault() const { return fault_; }

private:
    const msgpack::object* next() {
        if (fault_.has_value()) return nullptr;
        if (place_ >= handle_->via.array.size) {
            fault_ = Fault::truncated;
            return nullptr;
        }
        return &handle_->via.array.ptr[place_++];
    }

    msgpack::object_handle handle_;
    std::uint32_t place_ = 0;
    std::optional<Fault> fault_;
};

bool key_size(std::size_t size) {
    return size == 16 || size == 24 || size == 32;
}

bool is_kind(std::string_view payload, std::uint8_t kind) {
    return payload.size() >= header_bytes && payload[0] == picket_message &&
           static_cast<std::uint8_t>(payload[2]) == kind;
}

}  // namespace

KeyId key_id(const Key& key) {
    return short_digest("key1", key.bytes());
}

std::string_view to_text(KeyOperation operation) {
    switch (operation) {
        case KeyOperation::list:
            return "list";
        case KeyOperation::install:
            return "install";
        case KeyOperation::use:
            return "use";
        case KeyOperation::remove:
            break;
    }
    return "remove";
}

std::string encode(const KeyRequest& request) {
    ArrayWriter array(key_request_kind, 5);
    array.number(request.id);
    array.text(request.from);
    array.number(static_cast<std::uint64_t>(request.operation));
    array.text(request.key);
    array.number(request.subject);
    return array.take();
}

std::string encode(const KeyAnswer& answer) {
    ArrayWriter array(key_answer_kind, 4);
    array.number(answer.id);
    array.text(answer.from);
    array.text(cut_text(answer.error, key_error_bytes_max));
    array.ids(answer.ring);
    return array.take();
}

Decoded<KeyRequest> decode_key_request(std::string_view payload) {
    PICKET_ASSERT(is_kind(payload, key_request_kind));
    ArrayReader array(payload);
    KeyRequest request;
    request.id = array.number();
    request.from = array.text(name_bytes_max);
    const std::uint64_t operation = array.number();
    request.key = array.text(32);
    request.subject = array.number();
    if (array.fault().has_value()) return refused(*array.fault());
    if (operation > static_cast<std::uint64_t>(KeyOperation::remove)) {
        return refused(Fault::out_of_range);
    }
    request.operation = static_cast<KeyOperation>(operation);
    const bool installs = request.operation == KeyOperation::install;
    if (installs ? !key_size(request.key.size()) : !request.key.empty()) {
        return refused(Fault::out_of_range);
    }
    if (request.from.empty()) return refused(Fault::bad_name);
    return request;
}

Decoded<KeyAnswer> decode_key_answer(std::string_view payload) {
    PICKET_ASSERT(is_kind(payload, key_answer_kind));
    ArrayReader array(payload);
    KeyAnswer answer;
    answer.id = array.number();
    answer.from = array.text(name_bytes_max);
    answer.error = array.text(key_error_bytes_max);
    answer.ring = array.ids();
    if (array.fault().has_value()) return refused(*array.fault());
    if (answer.from.empty()) return refused(Fault::bad_name);
    return answer;
}

}  // namespace picket::gossip::wire
