// What an agent tells others of the checks that it carries.
//
// A Declaration describes a check; it is not one. It names no target, no command and
// no credential, and there is no way from it to a definition: an agent runs only what
// stands in its own files. What it learns here is counted, shown, and used to choose
// who witnesses a check.
//
// A FileBlob is the mesh-scope entries of one drop-in file; a CatalogBlob names the
// files of one agent. Both are named by the hash of their bytes and never change, so
// ten thousand hosts with the same files are one catalog.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/spread/record.h"
#include "gossip/wire/fault.h"

namespace picket::gossip {

constexpr std::size_t declarations_max = 4096;  // In one file.
constexpr std::size_t catalog_files_max = 1024;
constexpr std::size_t check_name_bytes_max = 64;
constexpr std::size_t selector_bytes_max = 512;

struct Declaration {
    std::string name{};
    std::string type{};  // "http"
    CheckKey check{};    // Of `name`.
    Fingerprint fingerprint{};
    std::uint8_t witnesses = 5;  // k; witnesses_all for every carrier.
    std::uint8_t quorum = 0;     // 0: the majority.
    std::string from{};          // Label selector of eligible agents; empty: all.
    std::uint32_t interval_ms = 0;
    std::uint32_t timeout_ms = 0;
    Labels labels{};

    static constexpr std::uint8_t witnesses_all = 255;
    bool operator==(const Declaration&) const = default;
};

// Whether an agent with these labels is meant by a declaration's `from`,
// "role=edge,tier!=test": all of its terms must hold. Empty: everybody.
bool selects(std::string_view selector, const Labels& labels);

struct FileBlob {
    // Of two the higher is newer. 0 as long as nothing in it is in a tie with another definition,
    // so that hosts with the same files share one blob.
    std::uint64_t revision = 0;
    std::vector<Declaration> declarations{};

    bool operator==(const FileBlob&) const = default;
};

struct CatalogBlob {
    std::vector<BlobHash> files{};  // Sorted, without repeats.

    bool operator==(const CatalogBlob&) const = default;
};

// As they are stored, sent and hashed: the envelope of record_codec.h, with these kinds.
enum class BlobKind : std::uint8_t { file = 0x30, catalog = 0x31 };

// What does not go into one blob, by the number or the bytes of its declarations, in as many as
// it takes; the same file is parted alike everywhere. Requires declarations within the limits.
std::vector<FileBlob> parted(FileBlob file);

// Requires what is within the limits above.
std::string encode(const FileBlob& blob);
std::string encode(const CatalogBlob& blob);
wire::Decoded<FileBlob> decode_file_blob(std::string_view bytes);
wire::Decoded<CatalogBlob> decode_catalog_blob(std::string_view bytes);

}  // namespace picket::gossip
