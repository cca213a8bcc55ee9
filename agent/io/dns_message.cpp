#include "agent/io/dns_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

namespace picket::io {
namespace {

constexpr std::size_t name_bytes_max = 255;  // RFC 1035 §2.3.4, as on the wire.
// More jumps than a name has labels lead nowhere new.
constexpr unsigned name_jumps_max = 127;
constexpr std::uint16_t class_in = 1;

struct TypeName {
    std::uint16_t number;
    std::string_view name;
};

constexpr std::array<TypeName, 24> type_names{{
    {1, "A"},       {2, "NS"},     {5, "CNAME"}, {6, "SOA"},    {12, "PTR"},   {13, "HINFO"},
    {15, "MX"},     {16, "TXT"},   {17, "RP"},   {28, "AAAA"},  {29, "LOC"},   {33, "SRV"},
    {35, "NAPTR"},  {39, "DNAME"}, {43, "DS"},   {44, "SSHFP"}, {46, "RRSIG"}, {47, "NSEC"},
    {48, "DNSKEY"}, {52, "TLSA"},  {64, "SVCB"}, {65, "HTTPS"}, {255, "ANY"},  {257, "CAA"},
}};

constexpr std::array<std::string_view, 11> rcode_names{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                                       "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                                       "NXRRSET", "NOTAUTH", "NOTZONE"};

bool same_letters(std::string_view a, std::string_view b) {
    return std::ranges::equal(
        a, b, [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

// Reads forwards through a message, never past `end_`. What does not fit is an
// Error that the caller passes on.
class Reader {
public:
    explicit Reader(std::span<const std::uint8_t> message)
        : message_(message), end_(message.size()) {}

    std::size_t left() const { return end_ - at_; }

    // A reader of the next `bytes` bytes that can still follow pointers to all
    // that stands before them. Requires bytes <= left().
    Reader part(std::size_t bytes) {
        Reader result = *this;
        result.end_ = at_ + bytes;
        at_ += bytes;
        return result;
    }

    Result<std::uint8_t> u8() {
        if (left() < 1) return cut_short();
        return message_[at_++];
    }
    Result<std::uint16_t> u16() {
        if (left() < 2) return cut_short();
        const auto value = static_cast<std::uint16_t>(message_[at_] << 8 | message_[at_ + 1]);
        at_ += 2;
        return value;
    }
    Result<std::uint32_t> u32() {
        const std::uint32_t high = PICKET_TRY(u16());
        const std::uint32_t low = PICKET_TRY(u16());
        return high << 16 | low;
    }
    Result<std::span<const std::uint8_t>> bytes(std::size_t count) {
        if (left() < count) return cut_short();
        const auto result = message_.subspan(at_, count);
        at_ += count;
        return result;
    }
    Result<std::string> name();

private:
    static tl::unexpected<Error> cut_short() {
        return failure(Code::corrupt, "the message is cut short");
    }

    std::span<const std::uint8_t> message_;
    std::size_t at_ = 0;
    std::size_t end_;
};

// RFC 1035 §5.1: what a master file would have to write.
void append_escaped(std::string& text, std::uint8_t byte, std::string_view special) {
    if (byte < 0x20 || byte > 0x7e) {
        text += fmt::format("\\{:03d}", byte);
        return;
    }
    const char character = static_cast<char>(byte);
    if (special.find(character) != std::string_view::npos) text += '\\';
    text += character;
}

// RFC 1035 §4.1.4. Each jump must land before the last one did, which is all that
// a loop of pointers cannot do.
Result<std::string> Reader::name() {
    std::string text;
    std::size_t wire_bytes = 1;
    std::size_t position = at_;
    std::size_t limit = end_;    // Where the stretch that is being read must end.
    std::size_t backstop = at_;  // The next jump must land before this.
    unsigned jumps = 0;
    while (true) {
        if (position >= limit) return cut_short();
        const std::uint8_t length = message_[position++];
        if ((length & 0xc0) == 0xc0) {
            if (position >= limit) return cut_short();
            const std::size_t target =
                static_cast<std::size_t>(length & 0x3f) << 8 | message_[position++];
            if (jumps++ == 0) at_ = position;
            if (jumps > name_jumps_max) return failure(Code::corrupt, "a name has no end");
            if (target >= backstop) return failure(Code::corrupt, "a name points forwards");
            limit = backstop;
            backstop = target;
            position = target;
            continue;
        }
        if ((length & 0xc0) != 0) return failure(Code::corrupt, "a label of an unknown kind");
        if (length == 0) break;
        wire_bytes += length + 1u;
        if (wire_bytes > name_bytes_max) return failure(Code::corrupt, "a name is too long");
        if (limit - position < length) return cut_short();
        if (!text.empty()) text += '.';
        for (std::size_t i = 0; i < length; ++i) {
            append_escaped(text, message_[position + i], ".\\\"();@$ ");
        }
        position += length;
    }
    if (jumps == 0) at_ = position;
    return text.empty() ? "." : text;
}

std::string quoted(std::span<const std::uint8_t> bytes) {
    std::string text = "\"";
    for (const std::uint8_t byte : bytes) append_escaped(text, byte, "\"\\");
    return text += '"';
}

// RFC 3597 §5.
std::string generic_form(std::span<const std::uint8_t> bytes) {
    std::string text = fmt::format("\\# {}", bytes.size());
    if (!bytes.empty()) text += ' ';
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

Result<std::string> address_text(Reader& reader, IpAddress::Family family) {
    IpAddress ip;
    ip.family = family;
    const std::size_t size = family == IpAddress::Family::v4 ? 4 : 16;
    const auto bytes = PICKET_TRY(reader.bytes(size));
    std::ranges::copy(bytes, ip.bytes.begin());
    return to_text(ip);
}

Result<std::string> soa_text(Reader& reader) {
    std::string text = PICKET_TRY(reader.name());
    const std::string mailbox = PICKET_TRY(reader.name());
    text += ' ';
    text += mailbox;
    // Serial, refresh, retry, expire, minimum.
    for (int i = 0; i < 5; ++i) {
        const std::uint32_t number = PICKET_TRY(reader.u32());
        text += fmt::format(" {}", number);
    }
    return text;
}

Result<std::string> txt_text(Reader& reader) {
    std::string text;
    do {
        const std::uint8_t length = PICKET_TRY(reader.u8());
        const auto bytes = PICKET_TRY(reader.bytes(length));
        if (!text.empty()) text += ' ';
        text += quoted(bytes);
    } while (reader.left() > 0);
    return text;
}

Result<std::string> srv_text(Reader& reader) {
    const std::uint16_t priority = PICKET_TRY(reader.u16());
    const std::uint16_t weight = PICKET_TRY(reader.u16());
    const std::uint16_t port = PICKET_TRY(reader.u16());
    const std::string target = PICKET_TRY(reader.name());
    return fmt::format("{} {} {} {}", priority, weight, port, target);
}

// RFC 8659 §4.1.
Result<std::string> caa_text(Reader& reader) {
    const std::uint8_t flags = PICKET_TRY(reader.u8());
    const std::uint8_t length = PICKET_TRY(reader.u8());
    const auto tag = PICKET_TRY(reader.bytes(length));
    const auto value = PICKET_TRY(reader.bytes(reader.left()));
    std::string text = fmt::format("{} ", flags);
    for (const std::uint8_t byte : tag) append_escaped(text, byte, "\"\\ ");
    return text + ' ' + quoted(value);
}

// The record's data, which is all that `reader` has left.
Result<std::string> record_text(std::uint16_t type, Reader& reader) {
    switch (type) {
        case 1:
            return address_text(reader, IpAddress::Family::v4);
        case 28:
            return address_text(reader, IpAddress::Family::v6);
        case 2:
        case 5:
        case 12:
            return reader.name();
        case 6:
            return soa_text(reader);
        case 15: {
            const std::uint16_t preference = PICKET_TRY(reader.u16());
            const std::string exchange = PICKET_TRY(reader.name());
            return fmt::format("{} {}", preference, exchange);
        }
        case 16:
            return txt_text(reader);
        case 33:
            return srv_text(reader);
        case 257:
            return caa_text(reader);
        default: {
            const auto bytes = PICKET_TRY(reader.bytes(reader.left()));
            return generic_form(bytes);
        }
    }
}

Result<DnsRecord> parse_record(Reader& reader) {
    PICKET_TRY(reader.name());
    const std::uint16_t type = PICKET_TRY(reader.u16());
    const std::uint16_t record_class = PICKET_TRY(reader.u16());
    const std::uint32_t ttl = PICKET_TRY(reader.u32());
    const std::uint16_t size = PICKET_TRY(reader.u16());
    if (reader.left() < size) return failure(Code::corrupt, "the message is cut short");
    Reader part = reader.part(size);
    const std::uint16_t shown_type = record_class == class_in ? type : std::uint16_t{0};
    std::string text = PICKET_TRY(record_text(shown_type, part));
    if (part.left() > 0) return failure(Code::corrupt, "a record is longer than its content");
    // RFC 2181 §8: a TTL with the top bit set is none at all.
    return DnsRecord{dns_type_name(type), std::move(text), ttl > 0x7fffffff ? 0 : ttl};
}

}  // namespace

Result<DnsAnswer> parse_dns_answer(std::span<const std::uint8_t> message) {
    Reader reader(message);
    PICKET_TRY(reader.u16());  // The id: whoever asked has compared it.
    const unsigned flags = PICKET_TRY(reader.u16());
    const std::uint16_t questions = PICKET_TRY(reader.u16());
    const std::uint16_t answers = PICKET_TRY(reader.u16());
    PICKET_TRY(reader.u32());  // Counts of the sections that nobody reads.
    if ((flags & 0x8000) == 0) return failure(Code::corrupt, "a question, not an answer");

    DnsAnswer result;
    result.rcode = dns_rcode_name(flags & 0xf);
    result.authoritative = (flags & 0x0400) != 0;
    result.truncated = (flags & 0x0200) != 0;
    for (unsigned i = 0; i < questions; ++i) {
        PICKET_TRY(reader.name());
        PICKET_TRY(reader.u32());
    }
    for (unsigned i = 0; i < answers; ++i) {
        auto record = parse_record(reader);
        if (!record.has_value()) {
            if (result.truncated) break;
            return tl::make_unexpected(std::move(record).error());
        }
        result.answers.push_back(*std::move(record));
    }
    return result;
}

std::optional<std::uint16_t> dns_type_from(std::string_view name) {
    for (const TypeName& known : type_names) {
        if (same_letters(name, known.name)) return known.number;
    }
    if (name.size() < 5 || !same_letters(name.substr(0, 4), "TYPE")) return std::nullopt;
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), number);
    if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return number;
}

std::string dns_type_name(std::uint16_t type) {
    for (const TypeName& known : type_names) {
        if (known.number == type) return std::string(known.name);
    }
    return fmt::format("TYPE{}", type);
}

std::string dns_rcode_name(unsigned rcode) {
    if (rcode < rcode_names.size()) return std::string(rcode_names[rcode]);
    return fmt::format("RCODE{}", rcode);
}

std::string dns_plain_text(std::string_view presentation) {
    std::string text;
    bool inside = false;
    for (std::size_t i = 0; i < presentation.size(); ++i) {
        const char character = presentation[i];
        if (character == '"') {
            inside = !inside;
        } else if (character == '\\' && i + 1 < presentation.size()) {
            unsigned code = 0;
            const char* first = presentation.data() + i + 1;
            const char* last = first + std::min<std::size_t>(3, presentation.size() - i - 1);
            const auto [end, error] = std::from_chars(first, last, code);
            const bool decimal = error == std::errc{} && end == first + 3 && code < 256;
            text += decimal ? static_cast<char>(code) : *first;
            i += decimal ? 3 : 1;
        } else if (inside) {
            text += character;
        }
    }
    return text;
}

}  // namespace picket::io
