// Reading one key of a definition: the value's form follows from the member's type.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "agent/base/text.h"
#include "checks/definition_keys.h"
#include "checks/value_forms.h"

namespace picket::checks {
namespace {

class KeyReader {
public:
    explicit KeyReader(const Key& key) : key_(key) {}

    void operator()(bool* slot, const Value& value) { assign(slot, value, as_boolean(value)); }

    void operator()(std::uint32_t* slot, const Value& value) { count(slot, value); }

    void operator()(std::optional<std::uint32_t>* slot, const Value& value) {
        const std::string_view word = key_.rule.choices.front();
        if (value.kind != Value::Kind::string) return count(slot, value);
        if (value.text == word) {
            slot->reset();
        } else if (value.substituted) {
            count(slot, value);
        } else {
            fault(value, {}, fmt::format("'{}' is not {}", value.text, key_.expects));
        }
    }

    void operator()(double* slot, const Value& value) { assign(slot, value, as_percent(value)); }
    void operator()(std::optional<double>* slot, const Value& value) {
        assign(slot, value, as_percent(value));
    }

    void operator()(Duration* slot, const Value& value) { duration(slot, value); }
    void operator()(std::optional<Duration>* slot, const Value& value) { duration(slot, value); }

    void operator()(std::string* slot, const Value& value) {
        if (!key_.rule.choices.empty()) {
            if (const auto index = choice(value)) *slot = key_.rule.choices[*index];
        } else if (string(value, {})) {
            *slot = value.text;
        }
    }

    void operator()(Text* slot, const Value& value) {
        if (string(value, {})) *slot = {value.text, value.written};
    }

    // Lists of names and answers are sets: their order says nothing.
    void operator()(std::vector<std::string>* slot, const Value& value) {
        slot->clear();
        if (value.kind == Value::Kind::string) {
            if (string(value, {})) slot->push_back(value.text);
            return;
        }
        if (!list(value)) return;
        for (std::size_t i = 0; i < value.items.size(); ++i) {
            if (string(value.items[i], fmt::format("[{}]", i))) {
                slot->push_back(value.items[i].text);
            }
        }
        std::ranges::sort(*slot);
        slot->erase(std::unique(slot->begin(), slot->end()), slot->end());
    }

    // A command line.
    void operator()(std::vector<Text>* slot, const Value& value) {
        slot->clear();
        if (!list(value)) return;
        for (std::size_t i = 0; i < value.items.size(); ++i) {
            const Value& item = value.items[i];
            if (string(item, fmt::format("[{}]", i))) slot->push_back({item.text, item.written});
        }
        if (value.items.empty()) {
            fault(value, {}, fmt::format("expected {}, found an empty array", key_.expects));
        } else if (const Value& first = value.items.front();
                   first.kind == Value::Kind::string && key_.rule.check_first != nullptr) {
            const Status fit = key_.rule.check_first(first.text);
            if (!fit.has_value()) fault(first, "[0]", fit.error().message());
        }
    }

    void operator()(std::map<std::string, std::string>* slot, const Value& value) {
        slot->clear();
        if (!table(value)) return;
        for (const Member& member : value.members) {
            if (named(member) && string(member.value, "." + member.name)) {
                slot->emplace(member.name, member.value.text);
            }
        }
    }

    void operator()(std::vector<std::pair<std::string, Text>>* slot, const Value& value) {
        slot->clear();
        if (!table(value)) return;
        for (const Member& member : value.members) {
            if (!named(member)) continue;
            const Value& held = member.value;
            const bool several = held.kind == Value::Kind::array && key_.rule.several;
            for (const Value& item : several ? std::span(held.items) : std::span(&held, 1)) {
                if (string(item, "." + member.name)) {
                    slot->emplace_back(member.name, Text{item.text, item.written});
                }
            }
        }
        if (slot->size() > items_max) fault(value, {}, too_many());
    }

    void operator()(std::vector<StatusRange>* slot, const Value& value) {
        slot->clear();
        const bool several = value.kind == Value::Kind::array;
        if (several && !list(value)) return;
        if (several && value.items.empty()) fault(value, {}, "no status code could pass");
        for (const Value& item : several ? std::span(value.items) : std::span(&value, 1)) {
            if (const auto range = status_range(item)) {
                slot->push_back(*range);
            } else {
                fault(item, {},
                      item.kind == Value::Kind::string
                          ? fmt::format("'{}' is not a status such as 404, \"2xx\" or "
                                        "\"200-299\"",
                                        item.text)
                          : wrong(item));
            }
        }
        std::ranges::sort(
            *slot, {}, [](const StatusRange& range) { return std::pair(range.first, range.last); });
        slot->erase(std::unique(slot->begin(), slot->end()), slot->end());
    }

    void operator()(Choice slot, const Value& value) {
        if (const auto index = choice(value)) *slot.number = static_cast<std::uint8_t>(*index);
    }

    void operator()(const OwnForm&, const Value&) {}  // Reads by itself.

    std::vector<Fault> take() { return std::move(faults_); }

private:
    // What a substitution brought in is never told, not even where it is wrong.
    void fault(const Value& value, std::string part, std::string_view message) {
        if (substituted_within(value)) {
            faults_.push_back(
                {value.position, std::move(part),
                 fmt::format("is not {} once its ${{...}} is replaced", key_.expects)});
        } else {
            faults_.push_back({value.position, std::move(part), std::string(message)});
        }
    }

    std::string wrong(const Value& value) const {
        return wrong_kind(key_.expects, value).message();
    }
    std::string too_many() const { return fmt::format("holds more than {} items", items_max); }

    template <typename Target, typename Read>
    void assign(Target* slot, const Value& value, const Result<Read>& read) {
        if (read.has_value()) {
            *slot = *read;
        } else {
            fault(value, {}, read.error().message());
        }
    }

    template <typename Target>
    void count(Target* slot, const Value& value) {
        const Result<std::uint64_t> read = key_.rule.size ? as_size(value) : as_count(value);
        if (!read.has_value()) {
            const bool kind = value.kind != Value::Kind::integer && !key_.rule.size;
            return fault(value, {}, kind ? wrong(value) : read.error().message());
        }
        if (*read < key_.rule.min || *read > key_.rule.max) {
            return fault(
                value, {},
                fmt::format("{} is not from {} to {}", *read, key_.rule.min, key_.rule.max));
        }
        *slot = static_cast<std::uint32_t>(*read);
    }

    template <typename Target>
    void duration(Target* slot, const Value& value) {
        const Result<Duration> read = as_duration(value);
        if (!read.has_value()) return fault(value, {}, read.error().message());
        const Duration min = std::chrono::milliseconds(key_.rule.min);
        const Duration max = std::chrono::milliseconds(key_.rule.max);
        if (*read < min || *read > max) {
            return fault(value, {},
                         fmt::format("{} is not from {} to {}", format_duration(*read),
                                     format_duration(min), format_duration(max)));
        }
        *slot = *read;
    }

    bool string(const Value& value, std::string part) {
        if (value.kind != Value::Kind::string) {
            fault(value, part,
                  part.empty() ? wrong(value) : wrong_kind("a string", value).message());
            return false;
        }
        const Status status = key_.rule.check == nullptr ? Status() : key_.rule.check(value.text);
        if (!status.has_value()) fault(value, std::move(part), status.error().message());
        return status.has_value();
    }

    bool named(const Member& member) {
        const Status status = key_.rule.check_member(member.name);
        if (!status.has_value()) {
            faults_.push_back({member.position, {}, status.error().message()});
        }
        return status.has_value();
    }

    bool list(const Value& value) { return sized(value, Value::Kind::array, value.items.size()); }
    bool table(const Value& value) {
        return sized(value, Value::Kind::table, value.members.size());
    }
    bool sized(const Value& value, Value::Kind kind, std::size_t size) {
        if (value.kind == kind && size <= items_max) return true;
        fault(value, {}, value.kind == kind ? too_many() : wrong(value));
        return false;
    }

    std::optional<std::size_t> choice(const Value& value) {
        if (value.kind == Value::Kind::integer && key_.name == "family") {
            return choice_of(value, fmt::format("{}", value.integer));
        }
        if (value.kind != Value::Kind::string) {
            fault(value, {}, wrong(value));
            return std::nullopt;
        }
        return choice_of(value, value.text);
    }

    // Names of record types and response codes are read in any case.
    std::optional<std::size_t> choice_of(const Value& value, std::string word) {
        const bool capitals =
            std::isupper(static_cast<unsigned char>(key_.rule.choices[0][0])) != 0;
        if (capitals) {
            std::ranges::transform(word, word.begin(), [](unsigned char c) {
                return static_cast<char>(std::toupper(c));
            });
        }
        const auto found = std::ranges::find(key_.rule.choices, word);
        if (found != key_.rule.choices.end()) {
            return static_cast<std::size_t>(found - key_.rule.choices.begin());
        }
        fault(value, {},
              fmt::format("'{}' is not {}{}", word, key_.expects,
                          did_you_mean(closest(word, key_.rule.choices))));
        return std::nullopt;
    }

    static std::optional<std::uint16_t> status_code(std::string_view text) {
        std::uint16_t code = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
        const bool whole = error == std::errc{} && end == text.data() + text.size();
        if (!whole || code < 100 || code > 599) return std::nullopt;
        return code;
    }

    static std::optional<StatusRange> status_range(const Value& value) {
        const std::string text =
            value.kind == Value::Kind::integer ? fmt::format("{}", value.integer) : value.text;
        if (text.size() == 3 && text.ends_with("xx") && text[0] >= '1' && text[0] <= '5') {
            const auto first = static_cast<std::uint16_t>((text[0] - '0') * 100);
            return StatusRange{first, static_cast<std::uint16_t>(first + 99)};
        }
        const std::size_t dash = text.find('-');
        const auto first = status_code(trim(std::string_view(text).substr(0, dash)));
        const auto last =
            dash == text.npos ? first : status_code(trim(std::string_view(text).substr(dash + 1)));
        if (!first || !last || *first > *last) return std::nullopt;
        return StatusRange{*first, *last};
    }

    const Key& key_;
    std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> read_key(const Key& key, const Value& value, Definition& definition) {
    const Slot slot = key.slot(definition);
    std::vector<Fault> faults;
    if (const auto* form = std::get_if<OwnForm>(&slot)) {
        faults = form->read(value, definition);
    } else {
        KeyReader reader(key);
        std::visit([&](auto member) { reader(member, value); }, slot);
        faults = reader.take();
    }
    const bool holds_text =
        std::holds_alternative<Text*>(slot) || std::holds_alternative<std::vector<Text>*>(slot) ||
        std::holds_alternative<std::vector<std::pair<std::string, Text>>*>(slot);
    const std::string name(key.name);
    definition.as_written.erase(name);  // Of [defaults], which this replaces.
    if (!holds_text && substituted_within(value)) {
        definition.as_written.emplace(name, write_value(value));
    }
    return faults;
}

}  // namespace picket::checks
