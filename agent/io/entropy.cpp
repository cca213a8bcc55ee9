#include "agent/io/entropy.h"

#include <sys/random.h>

#include "agent/base/assert.h"

namespace picket::io {

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    const ssize_t got = getrandom(&seed, sizeof seed, 0);
    PICKET_ASSERT(got == static_cast<ssize_t>(sizeof seed));
    return seed;
}

std::string random_bytes(std::size_t count) {
    // What getrandom gives in one piece.
    PICKET_ASSERT(count <= 256);
    std::string bytes(count, '\0');
    PICKET_ASSERT(getrandom(bytes.data(), count, 0) == static_cast<ssize_t>(count));
    return bytes;
}

}  // namespace picket::io
