// TextPool: each name and each metadata once, however many tables hold it.
//
// A member's view holds two small numbers instead of two strings. In the simulator
// one pool serves every agent of a mesh, which is what lets ten thousand agents
// hold ten thousand views each; an agent of its own has a pool of its own.
//
// Texts are counted references: intern() and retain() add one, release() takes one
// away, and the last one gone frees the text and lets its number be given again.
// The empty text is number 0 and needs no counting. One thread.

#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace picket::gossip {

using TextId = std::uint32_t;

constexpr TextId no_text = 0;

class TextPool {
public:
    TextPool();
    TextPool(const TextPool&) = delete;
    TextPool& operator=(const TextPool&) = delete;

    TextId intern(std::string_view text);
    void retain(TextId id);
    void release(TextId id);

    // no_text where nobody holds such a text (and for the empty text).
    TextId find(std::string_view text) const;

    // Valid until the last reference is released.
    std::string_view text(TextId id) const;

    std::size_t size() const { return by_text_.size(); }

private:
    struct Entry {
        std::string text;
        std::uint32_t references = 0;
    };

    std::deque<Entry> entries_;  // A deque, because by_text_ points into it.
    std::vector<TextId> free_;
    std::unordered_map<std::string_view, TextId> by_text_;
};

}  // namespace picket::gossip
