// PageChecksums: a layer of SQLite's file system that notices damaged pages.
//
// The last eight bytes of every page sum up the others; they are set when a page is
// written to the database file and compared when it is read from there. A page that
// differs is an error (corrupt), wherever in it a byte has changed. A file says in its
// header that it has such pages: it reserves eight bytes (SQLite file format, 1.3.4).
// Files of the first releases do not, and are read and written as they are; whoever makes
// a new one must ask SQLite to reserve them (Database::open does).
//
// The log needs none of this: its frames have sums of SQLite's own.
//
// There are two sums, as in Fletcher's checksum (IEEE Trans. Comm. 30, 1982), modulo the
// largest prime below 2^32: of the words, and of the words times how far they are from
// the end. So where one byte has changed, which is how disks and memory mostly err, the
// sums say by how much, and their quotient where: it can be put right. The name for salvage
// does so, and lets interior pages that stay damaged pass, since what is below them may
// be sound. It is for reading what was set aside, never for an agent's own file.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace picket::storage {

constexpr int page_checksum_bytes = 8;

// Names for sqlite3_open_v2. They stand above whatever is SQLite's default at the time.
const char* checksummed_files();
const char* checksummed_files_for_salvage();

// sqlite3_file_control: sets the int it is given to whether the file's pages have sums.
constexpr int has_checksums_control = 0x70636b74;  // "pckt"; below 100 is SQLite's.

// Pure. A page is a multiple of 8 bytes, and at least 512.
std::uint64_t page_checksum(std::span<const std::uint8_t> page);
bool page_is_sound(std::span<const std::uint8_t> page);
void sign_page(std::span<std::uint8_t> page);
// Puts the one changed byte right; false where that is not what is wrong.
bool repair_page(std::span<std::uint8_t> page);

}  // namespace picket::storage
