// Tags: what an agent says of itself in its metadata, in Serf's form.
//
// The byte 0xff, then a msgpack map of text to text (memberlist.md, section 14), so
// that `serf members` shows picket's tags as it shows its own. Short, because the
// metadata of every member rides in every push/pull.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace picket::gossip {

using Tags = std::map<std::string, std::string, std::less<>>;

// The tag that says "this agent understands picket's own messages".
constexpr std::string_view picket_tag = "picket";

// Requires at most 15 tags, of less than 65,536 bytes each.
std::string encode_tags(const Tags& tags);

// Nothing where the metadata is not in Serf's form, or is broken.
std::optional<Tags> decode_tags(std::string_view meta);

// Whether there is a tag `picket`.
bool is_picket(std::string_view meta);

// What Serf's agents tell of themselves beside memberlist's messages, as the payload
// of a user message. Serf shows a member that leaves as `left` only if it heard this
// intent before; and one that came back must say so, or older news of its leaving
// still counts. Of two intents of a member the one with the higher `time` counts.
std::string serf_join_intent(std::uint64_t time, std::string_view node);
std::string serf_leave_intent(std::uint64_t time, std::string_view node);

}  // namespace picket::gossip
