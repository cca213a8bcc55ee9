#include "storage/page_checksums.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <span>
#include <vector>

#include "agent/base/random.h"

namespace picket::storage {
namespace {

std::vector<std::uint8_t> random_page(Random& random, std::size_t size) {
    std::vector<std::uint8_t> page(size);
    for (std::uint8_t& byte : page) byte = static_cast<std::uint8_t>(random.below(256));
    sign_page(page);
    return page;
}

TEST_CASE("one changed byte anywhere in a page is noticed, and put right") {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        const auto page = random_page(random, seed % 2 == 0 ? 4'096 : 512);
        REQUIRE(page_is_sound(page));
        auto damaged = page;
        const std::size_t at = random.below(page.size());
        CAPTURE(at);
        damaged[at] = static_cast<std::uint8_t>(damaged[at] + 1 + random.below(255));
        REQUIRE_FALSE(page_is_sound(damaged));
        REQUIRE(repair_page(damaged));
        CHECK(damaged == page);
    }
}

TEST_CASE("a page with many changed bytes is noticed, and not taken for another one") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        auto page = random_page(random, 4'096);
        const std::size_t begin = random.below(4'000);
        for (std::size_t at = begin; at < begin + 90; ++at) page[at] ^= 0x5a;
        CHECK_FALSE(page_is_sound(page));
        CHECK_FALSE(repair_page(page));
    }
}

TEST_CASE("the sums are of the words, and of the words by their distance from the end") {
    std::vector<std::uint8_t> page(512);
    CHECK(page_is_sound(page));  // All zeros: a page that was never written.
    page[496] = 5;               // The last word but one.
    page[501] = 1;               // 256 in the last.
    CHECK(page_checksum(page) == ((std::uint64_t{5 * 2 + 256} << 32u) | (5 + 256)));
}

}  // namespace
}  // namespace picket::storage
