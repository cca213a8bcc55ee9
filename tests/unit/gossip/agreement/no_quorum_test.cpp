#include "gossip/agreement/no_quorum.h"

#include <doctest/doctest.h>

namespace picket::gossip {
namespace {

using namespace std::chrono_literals;

const WallTime since = parse_time("2026-11-23T03:12:40Z").value();

TEST_CASE("a lost zone is named, as a range, with what forgets it") {
    NoQuorum lost{
        .answered = 6,
        .known = 12,
        .needed = 7,
        .since = since,
        .missing = {{"c1", "c"}, {"c2", "c"}, {"c3", "c"}, {"c4", "c"}, {"c5", "c"}, {"c6", "c"}},
        .zones_answering = {"a", "b"}};
    CHECK(no_quorum_text(lost) ==
          "NO QUORUM: 6 of 12 known agents answer, 7 needed; no outage opens or closes since "
          "03:12. Missing: c1..c6 (zone c). If they are gone for good: picket forget --zone c");
}

TEST_CASE("a zone that still answers is never to be forgotten as a whole") {
    const NoQuorum lost{.answered = 2,
                        .known = 4,
                        .needed = 3,
                        .since = since,
                        .missing = {{"web-10", "a"}, {"web-9", "a"}},
                        .zones_answering = {"a"}};
    const std::string text = no_quorum_text(lost);
    CHECK(text.find("Missing: web-9, web-10 (zone a). If they are gone for good: "
                    "picket forget web-10, picket forget web-9") != std::string::npos);
    CHECK(text.find("--zone") == std::string::npos);
}

TEST_CASE("names without zones, with gaps and with leading zeros are shown as they are") {
    const NoQuorum lost{.answered = 1,
                        .known = 8,
                        .needed = 5,
                        .since = since,
                        .missing = {{"n08"}, {"n09"}, {"n10"}, {"n11"}, {"n12"}, {"x"}, {"7"}}};
    const std::string text = no_quorum_text(lost);
    CHECK_MESSAGE(text.find("Missing: 7, n08, n09, n10..n12, x. If they are gone for good: "
                            "picket forget NAME, for each") != std::string::npos,
                  text);
}

TEST_CASE("what is missing beyond a line's worth is not spelt out") {
    NoQuorum lost{.answered = 1, .known = 101, .needed = 51, .since = since};
    for (char c = 'a'; c <= 'z'; ++c) lost.missing.push_back({std::string(3, c)});
    const std::string text = no_quorum_text(lost);
    CHECK(text.find("aaa, bbb") != std::string::npos);
    CHECK(text.find("lll and others.") != std::string::npos);
    CHECK(text.find("mmm") == std::string::npos);
}

}  // namespace
}  // namespace picket::gossip
