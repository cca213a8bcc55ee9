#include "gossip/membership/text_pool.h"

#include "agent/base/assert.h"

namespace picket::gossip {

TextPool::TextPool() {
    entries_.emplace_back();
}

TextId TextPool::intern(std::string_view text) {
    if (text.empty()) return no_text;
    if (const auto found = by_text_.find(text); found != by_text_.end()) {
        ++entries_[found->second].references;
        return found->second;
    }
    auto id = static_cast<TextId>(entries_.size());
    if (free_.empty()) {
        entries_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    Entry& entry = entries_[id];
    entry.text = text;
    entry.references = 1;
    by_text_.emplace(entry.text, id);
    return id;
}

void TextPool::retain(TextId id) {
    if (id == no_text) return;
    PICKET_ASSERT(entries_[id].references > 0);
    ++entries_[id].references;
}

void TextPool::release(TextId id) {
    if (id == no_text) return;
    Entry& entry = entries_[id];
    PICKET_ASSERT(entry.references > 0);
    if (--entry.references > 0) return;
    by_text_.erase(entry.text);
    entry.text = {};
    free_.push_back(id);
}

TextId TextPool::find(std::string_view text) const {
    const auto found = by_text_.find(text);
    return found == by_text_.end() ? no_text : found->second;
}

std::string_view TextPool::text(TextId id) const {
    PICKET_ASSERT(id < entries_.size());
    return entries_[id].text;
}

}  // namespace picket::gossip
