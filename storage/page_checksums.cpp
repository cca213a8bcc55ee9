#include "storage/page_checksums.h"

#include <sqlite3.h>

#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

#include "agent/base/assert.h"

namespace picket::storage {

namespace {

constexpr std::size_t page_bytes_min = 512;
constexpr std::size_t page_bytes_max = 65'536;
constexpr std::size_t header_bytes = 100;

// ---- Sums

constexpr std::uint64_t prime = 4'294'967'291;

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
    return a * b % prime;
}

// What times `value` is 1; by Fermat's little theorem.
std::uint64_t inverse(std::uint64_t value) {
    std::uint64_t result = 1;
    for (std::uint64_t exponent = prime - 2; exponent > 0; exponent >>= 1u) {
        if ((exponent & 1u) != 0) result = product(result, value);
        value = product(value, value);
    }
    return result;
}

std::uint32_t word_at(std::span<const std::uint8_t> bytes, std::size_t at) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    // Sums are of little-endian words, whatever the machine.
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap32(word);
    return word;
}

std::uint64_t stored_sum(std::span<const std::uint8_t> page) {
    const std::size_t end = page.size() - page_checksum_bytes;
    return (std::uint64_t{word_at(page, end + 4)} << 32u) | word_at(page, end);
}

bool is_page(std::size_t bytes, std::int64_t offset) {
    return bytes >= page_bytes_min && bytes <= page_bytes_max && std::has_single_bit(bytes) &&
           offset % static_cast<std::int64_t>(bytes) == 0;
}

// ---- What a header says of its file

constexpr std::string_view magic("SQLite format 3", 16);
constexpr std::size_t reserved_at = 20;

bool header_has_checksums(std::span<const std::uint8_t> header) {
    return std::memcmp(header.data(), magic.data(), magic.size()) == 0 &&
           header[reserved_at] == page_checksum_bytes;
}

// The bytes of a header that are the same in every file of picket's.
void put_constants(std::span<std::uint8_t> page) {
    std::memcpy(page.data(), magic.data(), magic.size());
    // Page size 4,096; with a log; eight bytes reserved; fractions that are fixed.
    constexpr std::array<std::uint8_t, 8> sizes{0x10, 0x00, 2, 2, page_checksum_bytes, 64, 32, 32};
    std::memcpy(page.data() + magic.size(), sizes.data(), sizes.size());
}

// Pages of tables and indexes that lead to others (SQLite file format, 1.6).
bool is_interior(std::span<const std::uint8_t> page, std::int64_t offset) {
    const std::uint8_t type = page[offset == 0 ? header_bytes : 0];
    return type == 0x02 || type == 0x05;
}

// ---- Files

enum class Pages : std::uint8_t { unknown, plain, checksummed };

struct File {
    sqlite3_file base;
    sqlite3_file* real;
    bool database;  // Not a log, nor anything else.
    bool salvage;
    Pages pages;

    std::span<const std::uint8_t> span(const void* bytes, int count) const {
        return {static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(count)};
    }
};

File& own(sqlite3_file* file) {
    return *reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
    return own(file).real;
}

int read_real(File& file, void* bytes, int count, sqlite3_int64 offset) {
    return file.real->pMethods->xRead(file.real, bytes, count, offset);
}

void learn_pages(File& file, std::span<const std::uint8_t> header) {
    if (header[0] == 0) return;  // Not written yet.
    file.pages = header_has_checksums(header) ? Pages::checksummed : Pages::plain;
}

bool has_checksums(File& file) {
    if (file.salvage) return true;
    if (file.pages == Pages::unknown) {
        std::array<std::uint8_t, header_bytes> header{};
        const int code = read_real(file, header.data(), header_bytes, 0);
        if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ) return false;
        learn_pages(file, header);
        // A file that is being made gets them, also where its first page comes last.
        if (file.pages == Pages::unknown) return true;
    }
    return file.pages == Pages::checksummed;
}

// As good as it can be made; false where it must not be used.
bool mend(std::span<std::uint8_t> page, std::int64_t offset) {
    if (page_is_sound(page) || repair_page(page)) return true;
    if (offset == 0) {
        put_constants(page);
        if (page_is_sound(page) || repair_page(page)) return true;
    }
    return is_interior(page, offset);
}

constexpr std::size_t salvaged_page_bytes = 4'096;

// The header alone: of the first page, mended.
int read_header_to_salvage(File& file, void* bytes, int count, sqlite3_int64 offset) {
    std::array<std::uint8_t, salvaged_page_bytes> page{};
    const int code = read_real(file, page.data(), static_cast<int>(page.size()), 0);
    if (code != SQLITE_OK) return read_real(file, bytes, count, offset);
    mend(page, 0);
    std::memcpy(bytes, page.data() + offset, static_cast<std::size_t>(count));
    return SQLITE_OK;
}

int read(sqlite3_file* handle, void* bytes, int count, sqlite3_int64 offset) {
    File& file = own(handle);
    if (!file.database) return read_real(file, bytes, count, offset);
    const auto size = static_cast<std::size_t>(count);
    if (file.salvage && offset + count <= static_cast<std::int64_t>(header_bytes)) {
        return read_header_to_salvage(file, bytes, count, offset);
    }
    const int code = read_real(file, bytes, count, offset);
    if (code != SQLITE_OK) return code;
    const std::span page(static_cast<std::uint8_t*>(bytes), size);
    if (offset == 0 && size >= header_bytes) learn_pages(file, page);
    if (!is_page(size, offset) || !has_checksums(file)) return code;
    const bool usable = file.salvage ? mend(page, offset) : page_is_sound(page);
    return usable ? SQLITE_OK : SQLITE_IOERR_DATA;
}

int write(sqlite3_file* handle, const void* bytes, int count, sqlite3_int64 offset) {
    File& file = own(handle);
    const auto size = static_cast<std::size_t>(count);
    const auto write_real = [&](const void* what) {
        return file.real->pMethods->xWrite(file.real, what, count, offset);
    };
    if (!file.database || !is_page(size, offset)) return write_real(bytes);
    if (offset == 0) learn_pages(file, file.span(bytes, count));
    if (!has_checksums(file)) return write_real(bytes);
    // SQLite's own copy stays as it is.
    std::array<std::uint8_t, page_bytes_max> page;
    std::memcpy(page.data(), bytes, size);
    sign_page(std::span(page).first(size));
    return write_real(page.data());
}

int close(sqlite3_file* handle) {
    File& file = own(handle);
    const int code = file.real->pMethods->xClose(file.real);
    sqlite3_free(file.real);
    file.real = nullptr;
    return code;
}

int control(sqlite3_file* handle, int what, void* argument) {
    File& file = own(handle);
    if (what == has_checksums_control) {
        *static_cast<int*>(argument) = has_checksums(file) ? 1 : 0;
        return SQLITE_OK;
    }
    return file.real->pMethods->xFileControl(file.real, what, argument);
}

// No memory map: a page in it could not be compared.
int fetch(sqlite3_file* /*file*/, sqlite3_int64 /*offset*/, int /*count*/, void** page) {
    *page = nullptr;
    return SQLITE_OK;
}

const sqlite3_io_methods methods{
    .iVersion = 3,
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = [](sqlite3_file* f,
                    sqlite3_int64 size) { return real(f)->pMethods->xTruncate(real(f), size); },
    .xSync = [](sqlite3_file* f, int flags) { return real(f)->pMethods->xSync(real(f), flags); },
    .xFileSize = [](sqlite3_file* f,
                    sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
    .xLock = [](sqlite3_file* f, int lock) { return real(f)->pMethods->xLock(real(f), lock); },
    .xUnlock = [](sqlite3_file* f, int lock) { return real(f)->pMethods->xUnlock(real(f), lock); },
    .xCheckReservedLock =
        [](sqlite3_file* f, int* held) {
            return real(f)->pMethods->xCheckReservedLock(real(f), held);
        },
    .xFileControl = control,
    .xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    .xDeviceCharacteristics =
        [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
    .xShmMap =
        [](sqlite3_file* f, int page, int size, int extend, volatile void** memory) {
            return real(f)->pMethods->xShmMap(real(f), page, size, extend, memory);
        },
    .xShmLock =
        [](sqlite3_file* f, int offset, int count, int flags) {
            return real(f)->pMethods->xShmLock(real(f), offset, count, flags);
        },
    .xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    .xShmUnmap = [](sqlite3_file* f,
                    int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
    .xFetch = fetch,
    .xUnfetch = [](sqlite3_file*, sqlite3_int64, void*) { return SQLITE_OK; },
};

// ---- The layer

// What is SQLite's default now: a test may put a disk of its own there.
sqlite3_vfs* below() {
    sqlite3_vfs* found = sqlite3_vfs_find(nullptr);
    PICKET_ASSERT(found != nullptr);
    return found;
}

int open_file(const char* path, sqlite3_file* handle, int flags, int* flags_out, bool salvage) {
    File* file = new (handle) File{};
    sqlite3_vfs* vfs = below();
    file->real = static_cast<sqlite3_file*>(sqlite3_malloc(vfs->szOsFile));
    if (file->real == nullptr) return SQLITE_NOMEM;
    std::memset(file->real, 0, static_cast<std::size_t>(vfs->szOsFile));
    const int code = vfs->xOpen(vfs, path, file->real, flags, flags_out);
    if (code != SQLITE_OK) {
        // With methods it must be closed all the same.
        if (file->real->pMethods != nullptr) file->real->pMethods->xClose(file->real);
        sqlite3_free(file->real);
        return code;
    }
    file->database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    file->salvage = salvage;
    file->base.pMethods = &methods;
    return SQLITE_OK;
}

sqlite3_vfs layer(const char* name, decltype(sqlite3_vfs::xOpen) open) {
    sqlite3_vfs vfs{};
    vfs.iVersion = 2;
    vfs.szOsFile = sizeof(File);
    vfs.mxPathname = below()->mxPathname;
    vfs.zName = name;
    vfs.xOpen = open;
    vfs.xDelete = [](sqlite3_vfs*, const char* path, int sync) {
        return below()->xDelete(below(), path, sync);
    };
    vfs.xAccess = [](sqlite3_vfs*, const char* path, int flags, int* result) {
        return below()->xAccess(below(), path, flags, result);
    };
    vfs.xFullPathname = [](sqlite3_vfs*, const char* path, int size, char* full) {
        return below()->xFullPathname(below(), path, size, full);
    };
    vfs.xRandomness = [](sqlite3_vfs*, int size, char* bytes) {
        return below()->xRandomness(below(), size, bytes);
    };
    vfs.xSleep = [](sqlite3_vfs*, int microseconds) {
        return below()->xSleep(below(), microseconds);
    };
    vfs.xCurrentTime = [](sqlite3_vfs*, double* now) {
        return below()->xCurrentTime(below(), now);
    };
    vfs.xGetLastError = [](sqlite3_vfs*, int size, char* text) {
        return below()->xGetLastError(below(), size, text);
    };
    vfs.xCurrentTimeInt64 = [](sqlite3_vfs*, sqlite3_int64* now) {
        return below()->xCurrentTimeInt64(below(), now);
    };
    return vfs;
}

}  // namespace

std::uint64_t page_checksum(std::span<const std::uint8_t> page) {
    PICKET_ASSERT(page.size() % 8 == 0 && page.size() >= page_bytes_min);
    // At most 16,384 words of 32 bits: neither sum overflows, so one division is enough.
    std::uint64_t words = 0;
    std::uint64_t weighted = 0;
    for (std::size_t at = 0; at < page.size() - page_checksum_bytes; at += 4) {
        words += word_at(page, at);
        weighted += words;
    }
    return (weighted % prime) << 32u | words % prime;
}

bool page_is_sound(std::span<const std::uint8_t> page) {
    return page_checksum(page) == stored_sum(page);
}

void sign_page(std::span<std::uint8_t> page) {
    const std::uint64_t sum = page_checksum(page);
    for (unsigned each = 0; each < page_checksum_bytes; ++each) {
        page[page.size() - page_checksum_bytes + each] =
            static_cast<std::uint8_t>(sum >> (8 * each));
    }
}

bool repair_page(std::span<std::uint8_t> page) {
    const std::uint64_t computed = page_checksum(page);
    const std::uint64_t stored = stored_sum(page);
    if (computed == stored) return true;
    // A byte of the sums themselves: a changed word would be in both of them.
    for (unsigned each = 0; each < page_checksum_bytes; ++each) {
        if (((computed ^ stored) & ~(std::uint64_t{0xff} << (8 * each))) != 0) continue;
        sign_page(page);
        return true;
    }
    const auto missing = [&](unsigned shift) {
        return ((stored >> shift & 0xffffffff) + prime - (computed >> shift & 0xffffffff)) % prime;
    };
    const std::uint64_t more = missing(0);
    if (more == 0) return false;
    const std::uint64_t words = (page.size() - page_checksum_bytes) / 4;
    const std::uint64_t from_end = product(missing(32), inverse(more));
    if (from_end == 0 || from_end > words) return false;
    const std::size_t at = (words - from_end) * 4;
    const std::uint64_t was = word_at(page, at);
    // What was added, or what was taken away.
    for (const std::uint64_t right : {was + more, was + more - prime}) {
        const std::uint64_t changed = was ^ right;
        for (unsigned each = 0; each < 4; ++each) {
            if ((changed & ~(std::uint64_t{0xff} << (8 * each))) != 0) continue;
            page[at + each] = static_cast<std::uint8_t>(right >> (8 * each));
            return true;
        }
    }
    return false;
}

const char* checksummed_files() {
    static sqlite3_vfs vfs = layer(
        "picket", [](sqlite3_vfs*, const char* path, sqlite3_file* file, int flags,
                     int* flags_out) { return open_file(path, file, flags, flags_out, false); });
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    PICKET_ASSERT(registered == SQLITE_OK);
    return vfs.zName;
}

const char* checksummed_files_for_salvage() {
    static sqlite3_vfs vfs =
        layer("picket-salvage",
              [](sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* flags_out) {
                  return open_file(path, file, flags, flags_out, true);
              });
    static const int registered = sqlite3_vfs_register(&vfs, 0);
    PICKET_ASSERT(registered == SQLITE_OK);
    return vfs.zName;
}

}  // namespace picket::storage
