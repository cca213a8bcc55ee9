// JsonWriter: writes one JSON text straight into a string.
//
// The status of a thousand checks is half a megabyte, and building a tree of it
// first costs several times the writing. The caller sees to the grammar: a key
// before each value in an object, an end for each begin. Text is escaped; bytes
// that are not UTF-8 become U+FFFD, so that the document is always valid.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/time.h"

namespace picket::api {

class JsonWriter {
public:
    void begin_object() { open('{'); }
    void end_object() { close('}'); }
    void begin_array() { open('['); }
    void end_array() { close(']'); }
    void key(std::string_view name);

    void text(std::string_view value);
    void boolean(bool value) { literal(value ? "true" : "false"); }
    void number(std::uint64_t value);
    void number(double value);  // Null unless finite.
    void null() { literal("null"); }
    void time(WallTime value);
    void milliseconds(Duration value);  // 0.4
    void seconds(Duration value);       // 12.5, in whole milliseconds

    void field(std::string_view name, std::string_view value) {
        key(name);
        text(value);
    }
    void field(std::string_view name, std::uint64_t value) {
        key(name);
        number(value);
    }
    // Empty: null.
    void field_or_null(std::string_view name, std::string_view value);
    void field(std::string_view name, WallTime value) {
        key(name);
        time(value);
    }
    void field_or_null(std::string_view name, const std::optional<WallTime>& value);
    void flag(std::string_view name, bool value) {
        key(name);
        boolean(value);
    }

    // An array of what `write` writes of each item; and one of objects, with its fields.
    template <typename Items, typename Write>
    void array(std::string_view name, const Items& items, Write&& write) {
        key(name);
        begin_array();
        for (const auto& item : items) write(item);
        end_array();
    }
    template <typename Items, typename Write>
    void objects(std::string_view name, const Items& items, Write&& write) {
        array(name, items, [&](const auto& item) {
            begin_object();
            write(item);
            end_object();
        });
    }
    void texts(std::string_view name, const std::vector<std::string>& texts) {
        array(name, texts, [this](std::string_view value) { text(value); });
    }

    // A line feed, after which another text may begin.
    void end_line();
    std::size_t size() const { return text_.size(); }
    // All so far.
    std::string take() { return std::exchange(text_, {}); }
    // The text so far, a line feed after it.
    std::string take_line();

private:
    void separate();
    void open(char bracket);
    void close(char bracket);
    void literal(std::string_view value);
    void thousandths(std::int64_t value);

    std::string text_;
    bool value_written_ = false;  // So that a comma comes before the next one.
};

}  // namespace picket::api
