#include "gossip/spread/declaration.h"

#include <algorithm>
#include <functional>

#include "agent/base/assert.h"
#include "agent/base/text.h"
#include "gossip/spread/exchange.h"
#include "gossip/spread/fields.h"

namespace picket::gossip {

using wire::Fault;

template <typename Archive, Is<Declaration> R>
void fields(Archive& archive, R& declaration) {
    archive.text(declaration.name, check_name_bytes_max);
    // The liveness of a host is nobody's to define.
    archive.expect(!declaration.name.empty() && !declaration.name.starts_with("host/"));
    archive.text(declaration.type, label_bytes_max);
    archive.id(declaration.check);
    archive.expect(declaration.check == check_key(declaration.name));
    archive.id(declaration.fingerprint);
    archive.number(declaration.witnesses);
    archive.number(declaration.quorum);
    archive.text(declaration.from, selector_bytes_max);
    archive.number(declaration.interval_ms);
    archive.number(declaration.timeout_ms);
    archive.expect(declaration.interval_ms > 0 && declaration.timeout_ms > 0);
    labels(archive, declaration.labels);
}

template <typename Archive, Is<FileBlob> R>
void fields(Archive& archive, R& blob) {
    archive.number(blob.revision);
    archive.list(blob.declarations, declarations_max, [](Archive& inner, auto& declaration) {
        inner.begin();
        fields(inner, declaration);
        inner.end();
    });
}

template <typename Archive, Is<CatalogBlob> R>
void fields(Archive& archive, R& blob) {
    archive.list(blob.files, catalog_files_max,
                 [](Archive& inner, auto& hash) { inner.hash(hash); });
    archive.expect(std::ranges::adjacent_find(blob.files, std::greater_equal<>{}) ==
                   blob.files.end());
}

namespace {

template <typename Blob>
std::string encode_blob(const Blob& blob, BlobKind kind) {
    std::string bytes{picket_message, static_cast<char>(format_version), static_cast<char>(kind)};
    write_fields(blob, bytes);
    PICKET_ASSERT(bytes.size() <= blob_bytes_max);
    return bytes;
}

template <typename Blob>
wire::Decoded<Blob> decode_blob(std::string_view bytes, BlobKind kind) {
    const auto found = message_kind(bytes);
    if (!found.has_value()) return wire::refused(found.error());
    if (BlobKind{*found} != kind) return wire::refused(Fault::unknown_type);
    if (bytes.size() > blob_bytes_max) return wire::refused(Fault::too_large);
    return read_fields<Blob>(bytes.substr(envelope_bytes));
}

// Of the envelope, the revision and the heads of the arrays.
constexpr std::size_t file_blob_frame_bytes = 32;

std::size_t encoded_bytes(const Declaration& declaration) {
    std::string bytes;
    write_fields(declaration, bytes);
    return bytes.size();
}

}  // namespace

std::vector<FileBlob> parted(FileBlob file) {
    std::vector<FileBlob> parts;
    std::size_t bytes = blob_bytes_max;
    for (Declaration& declaration : file.declarations) {
        const std::size_t more = encoded_bytes(declaration);
        if (bytes + more > blob_bytes_max || parts.back().declarations.size() >= declarations_max) {
            parts.push_back({file.revision, {}});
            bytes = file_blob_frame_bytes;
        }
        bytes += more;
        parts.back().declarations.push_back(std::move(declaration));
    }
    return parts;
}

std::string encode(const FileBlob& blob) {
    return encode_blob(blob, BlobKind::file);
}

std::string encode(const CatalogBlob& blob) {
    return encode_blob(blob, BlobKind::catalog);
}

wire::Decoded<FileBlob> decode_file_blob(std::string_view bytes) {
    return decode_blob<FileBlob>(bytes, BlobKind::file);
}

wire::Decoded<CatalogBlob> decode_catalog_blob(std::string_view bytes) {
    return decode_blob<CatalogBlob>(bytes, BlobKind::catalog);
}

bool selects(std::string_view selector, const Labels& labels) {
    while (!selector.empty()) {
        const std::size_t comma = selector.find(',');
        const std::string_view term = trim(selector.substr(0, comma));
        selector.remove_prefix(comma == selector.npos ? selector.size() : comma + 1);
        const std::size_t equals = term.find('=');
        if (equals == term.npos) return false;
        std::string_view name = term.substr(0, equals);
        const bool differs = name.ends_with('!');
        if (differs) name.remove_suffix(1);
        const auto label = std::ranges::find(labels, trim(name), &Labels::value_type::first);
        const bool equal = label != labels.end() && label->second == trim(term.substr(equals + 1));
        if (equal == differs) return false;
    }
    return true;
}

}  // namespace picket::gossip
