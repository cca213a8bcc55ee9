// Values in a JSON text, found by JSON pointer (RFC 6901), and what is expected of
// them. This file is the only one below checks/ that knows the JSON library.
//
// A condition is one of these, VALUE being a number or, else, text:
//
//     VALUE            the value is that text, number, true, false or null
//     == VALUE         the same, for a text that looks like another condition
//     != VALUE         it is another one
//     < <= > >= NUMBER
//     ~ RE2, !~ RE2    the expression is found in it, or is not
//     length > NUMBER  of a list, a table or a text; any of the comparisons
//     exists, absent

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"
#include "checks/expectation.h"

namespace picket::checks {

Status check_json(std::string_view text);
Status check_json_pointer(std::string_view text);
Status check_json_condition(std::string_view text);

// A JSON text, read once. A text that is not JSON has no value anywhere.
class JsonText {
public:
    // At most this deep; what nests deeper is not read.
    static constexpr std::size_t depth_max = 256;

    explicit JsonText(std::string_view text);
    ~JsonText();
    JsonText(JsonText&&) noexcept;

    bool valid() const { return document_ != nullptr; }

    // The value as a text: a string without its quotes, else as JSON has it; nothing
    // where there is none.
    std::optional<std::string> find(const std::string& pointer) const;

    // Requires that the checks above accept both.
    Judgement judge(const std::string& pointer, const std::string& condition) const;

private:
    struct Document;
    std::unique_ptr<Document> document_;
};

}  // namespace picket::checks
