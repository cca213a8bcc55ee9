// Rows: a key that holds an array of tables, each with keys of its own.
//
// For the steps of a dialogue: [[tcp.smtp.step]]. Strings in a row may hold
// substitutions; then the file's own text is shown in place of the rows.

#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/base/text.h"
#include "checks/definition_keys.h"
#include "checks/value_forms.h"

namespace picket::checks {

template <typename Row>
struct RowKey {
    std::string_view name;
    std::variant<std::string Row::*, bool Row::*> member;
    std::string_view expects;
    std::string_view meaning;
    Status (*check)(std::string_view) = nullptr;
};

// What a fault of a value says: never what a substitution brought in.
inline Fault row_fault(const Value& value, std::string part, std::string_view expects,
                       std::string message) {
    if (substituted_within(value)) {
        message = fmt::format("is not {} once its ${{...}} is replaced", expects);
    }
    return {value.position, std::move(part), std::move(message)};
}

template <typename Row>
void read_row_value(const RowKey<Row>& key, const Value& value, const std::string& part, Row& row,
                    std::vector<Fault>& faults) {
    if (const auto* flag = std::get_if<bool Row::*>(&key.member)) {
        const auto read = as_boolean(value);
        if (read.has_value()) {
            row.*(*flag) = *read;
        } else {
            faults.push_back(row_fault(value, part, key.expects, read.error().message()));
        }
        return;
    }
    if (value.kind != Value::Kind::string) {
        faults.push_back(
            row_fault(value, part, key.expects, wrong_kind(key.expects, value).message()));
        return;
    }
    // What is faulty stays out of the row: the type's own check takes its rows to be right.
    const Status fit = key.check == nullptr ? Status() : key.check(value.text);
    if (fit.has_value()) {
        row.*std::get<std::string Row::*>(key.member) = value.text;
    } else {
        faults.push_back(row_fault(value, part, key.expects, fit.error().message()));
    }
}

template <typename Row, std::size_t size>
std::vector<Fault> read_rows(const Value& value, const std::array<RowKey<Row>, size>& keys,
                             std::vector<Row>& rows) {
    std::vector<Fault> faults;
    rows.clear();
    const auto complain = [&](const Value& at, std::string part, std::string message) {
        faults.push_back({at.position, std::move(part), std::move(message)});
    };
    if (value.kind != Value::Kind::array) {
        complain(value, {}, wrong_kind("an array of tables", value).message());
        return faults;
    }
    if (value.items.size() > items_max) {
        complain(value, {}, fmt::format("holds more than {} items", items_max));
        return faults;
    }
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Value& item = value.items[i];
        const std::string part = fmt::format("[{}]", i);
        if (item.kind != Value::Kind::table) {
            complain(item, part, wrong_kind("a table", item).message());
            continue;
        }
        Row row;
        for (const Member& member : item.members) {
            const std::string at = fmt::format("{}.{}", part, member.name);
            const auto key = std::ranges::find(keys, member.name, &RowKey<Row>::name);
            if (key != keys.end()) {
                read_row_value(*key, member.value, at, row, faults);
                continue;
            }
            std::vector<std::string_view> names;
            for (const RowKey<Row>& known : keys) names.push_back(known.name);
            const std::string_view meant = closest(member.name, names);
            faults.push_back(
                {member.position, at, "unknown key" + (meant.empty() ? "" : did_you_mean(meant))});
        }
        rows.push_back(std::move(row));
    }
    return faults;
}

template <typename Row, std::size_t size>
std::optional<std::string> write_rows(const std::vector<Row>& rows,
                                      const std::array<RowKey<Row>, size>& keys) {
    if (rows.empty()) return std::nullopt;
    std::vector<std::string> tables;
    for (const Row& row : rows) {
        std::vector<std::string> members;
        for (const RowKey<Row>& key : keys) {
            if (const auto* flag = std::get_if<bool Row::*>(&key.member)) {
                if (row.*(*flag)) members.push_back(fmt::format("{} = true", key.name));
            } else if (const auto& text = row.*std::get<std::string Row::*>(key.member);
                       !text.empty()) {
                members.push_back(fmt::format("{} = {}", key.name, quote(text)));
            }
        }
        tables.push_back(fmt::format("{{ {} }}", fmt::join(members, ", ")));
    }
    return fmt::format("[{}]", fmt::join(tables, ", "));
}

}  // namespace picket::checks
