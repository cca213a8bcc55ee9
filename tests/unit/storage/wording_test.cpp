#include "storage/wording.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

#include "agent/base/random.h"

namespace picket::storage {
namespace {

using namespace std::chrono_literals;

std::string shown(const std::string& words) {
    std::string text;
    for (const char letter : words) {
        text += letter == latency_mark ? "<latency>"
                : letter >= figure_mark && letter < figure_mark + 10
                    ? "<" + std::to_string(letter - figure_mark) + ">"
                    : std::string(1, letter);
    }
    return text;
}

TEST_CASE("what changes leaves the words, what does not stays") {
    Wordings wordings;
    const auto ping = [&](const std::string& times, Duration mean) {
        const std::string text = "ping 192.0.2.1: 3 of 3 answered, rtt " + times + " ms";
        const Worded worded = wordings.split(7, text, mean);
        CHECK(join(worded.words, worded.figures, mean) == text);
        return shown(worded.words);
    };
    CHECK(ping("10.2/10.4/11.3", 10'400us) ==
          "ping 192.0.2.1: 3 of 3 answered, rtt 10.2/10.4/11.3 ms");
    CHECK(ping("9.8/10.4/10.9", 10'400us) ==
          "ping 192.0.2.1: 3 of 3 answered, rtt <1>/10.4/<1> ms");
    CHECK(ping("9.8/9.9/10.9", 9'900us) == "ping 192.0.2.1: 3 of 3 answered, rtt <1>/<1>/<1> ms");
    CHECK(ping("10.2/10.4/11.3", 10'400us) ==
          "ping 192.0.2.1: 3 of 3 answered, rtt <1>/<1>/<1> ms");
}

TEST_CASE("checks do not learn from one another") {
    Wordings wordings;
    CHECK(wordings.split(1, "192.0.2.1 is well", 1ms).figures.empty());
    CHECK(wordings.split(2, "192.0.2.9 is well", 1ms).figures.empty());
    CHECK(wordings.split(1, "192.0.2.1 is well", 1ms).words == "192.0.2.1 is well");
}

TEST_CASE("the latency that a message repeats is the outcome's") {
    Wordings wordings;
    const Worded worded =
        wordings.split(1, "200 from 192.0.2.1:443 in 23 ms after 1 redirect", 22'400us);
    CHECK(shown(worded.words) == "200 from 192.0.2.1:443 in <latency> after 1 redirect");
    CHECK(worded.figures.empty());
    CHECK(join(worded.words, worded.figures, 22'400us) ==
          "200 from 192.0.2.1:443 in 23 ms after 1 redirect");
    // Part of another number it is not.
    CHECK(wordings.split(1, "123 ms", 22'400us).words == "123 ms");
}

TEST_CASE("numbers that would not come back as they were stay among the words") {
    Wordings wordings;
    for (const std::string text :
         {"007", "0012.5", "1234567890123456789", "1.12345678901", "1.", ".5", "0", "0.0",
          "at 03:00:05", "v1.2.3.4", "", "no number", "5 % of 100"}) {
        for (int turn = 0; turn < 2; ++turn) {
            const Worded worded = wordings.split(1, text, 1ms);
            CHECK(join(worded.words, worded.figures, 1ms) == text);
        }
    }
}

TEST_CASE("whatever is split comes back, and few words are left of many messages") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        Wordings wordings;
        std::set<std::string> words;
        for (int turn = 0; turn < 500; ++turn) {
            std::string text = "load";
            for (int number = 0; number < 20; ++number) {
                text += " " + std::to_string(random.below(number % 3 == 0 ? 1'000'000 : 3));
                if (number % 2 == 0) text += "." + std::to_string(10 + random.below(90));
            }
            const Worded worded = wordings.split(1, text.substr(0, 190), 3ms);
            CHECK(worded.figures.size() <= figures_max);
            REQUIRE(join(worded.words, worded.figures, 3ms) == text.substr(0, 190));
            if (turn > 100) words.insert(worded.words);
        }
        CHECK(words.size() == 1);
    }
}

TEST_CASE("a figure that is missing, and bytes that are no text, are shown as such") {
    CHECK(join("rtt \x11 ms", {}, 1ms) == "rtt ? ms");
    CHECK(join("a\x01"
               "b\xff",
               {}, 1ms) == "a?b?");
}

}  // namespace
}  // namespace picket::storage
