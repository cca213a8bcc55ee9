#include "checks/types/journey.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/base/text.h"
#include "checks/interpolation.h"
#include "checks/json_value.h"
#include "checks/types/keys.h"

namespace picket::checks {
namespace {

using namespace words;

Status check_variable_name(std::string_view text) {
    const auto names = interpolated_names(fmt::format("{{{{{}}}}}", text));
    if (names.has_value()) return {};
    return failure(Code::invalid, fmt::format("'{}' is not a name of letters, digits, '_' and '-'",
                                              printable_line(text, 40)));
}

Status check_extraction(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view source = text.substr(0, colon);
    const std::string_view what = colon == text.npos ? "" : text.substr(colon + 1);
    if (source == "json" && colon != text.npos) return check_json_pointer(what);
    if (source == "header") return check_header(what);
    if (source == "cookie") return check_header(what);
    if (source == "body" && !what.empty()) return check_expression(what);
    return failure(Code::invalid, fmt::format("'{}' is not json:/POINTER, header:NAME, cookie:NAME "
                                              "or body:EXPRESSION",
                                              text));
}

// clang-format off
constexpr std::array head_keys{
    Key{"name", optional, question, in<&JourneyStepHead::name>, a_string,
        "What the step is called in messages; none: its number.", {.check = check_line}},
    Key{"always", optional, question, in<&JourneyStepHead::always>, a_boolean,
        "Whether the step is taken after one that failed too, to clean up."},
    Key{"extract", optional, question, in<&JourneyStepHead::extract>, "a table such as { token = \"json:/token\" }",
        "What later steps may send as {{name}}, and where it is in the answer: json:/POINTER, header:NAME, cookie:NAME or body:EXPRESSION (its first group).",
        {.check = check_extraction, .check_member = check_variable_name}},
};
// clang-format on

// Reads one member of a step into whichever part of it has such a key.
std::vector<Fault> read_member(const Member& member, Definition& head, Definition& request) {
    if (const Key* key = find_key(head_keys, member.name)) {
        return read_key(*key, member.value, head);
    }
    const Key* key = find_key(http_type().keys, member.name);
    if (key == nullptr && member.name == "latency") key = find_key(common_keys(), "latency");
    if (key != nullptr) return read_key(*key, member.value, request);
    std::vector<std::string_view> names{"latency"};
    for (const auto keys : {std::span<const Key>(head_keys), http_type().keys}) {
        for (const Key& known : keys) names.push_back(known.name);
    }
    const std::string_view meant = closest(member.name, names);
    return {{member.position, {}, "unknown key" + did_you_mean(meant)}};
}

JourneyStep read_step(const Value& table, const std::string& part, std::vector<Fault>& faults) {
    Definition head;
    head.query = JourneyStepHead{};
    Definition request = default_definition(Type::http);
    bool has_url = false;
    for (const Member& member : table.members) {
        has_url = has_url || member.name == "url";
        for (Fault& fault : read_member(member, head, request)) {
            fault.part = fmt::format("{}.{}{}", part, member.name, fault.part);
            faults.push_back(std::move(fault));
        }
    }
    if (!has_url) faults.push_back({table.position, part, "url is missing"});
    const auto& query = request.query.as<HttpQuery>();
    check_http_query(query, [&](std::string_view key, const std::string& message) {
        faults.push_back({table.position, fmt::format("{}.{}", part, key), message});
    });
    if (query.addresses == Addresses::all) {
        faults.push_back(
            {table.position, part + ".addresses", "a journey's step asks one address"});
    }
    return {head.query.as<JourneyStepHead>(), query, request.latency};
}

void check_names(JourneyStep& step, const Value& table, const std::string& part,
                 const std::vector<std::string>& known, std::vector<Fault>& faults) {
    for (const Text* text : interpolated_texts(step.request)) {
        const auto names = interpolated_names(text->value);
        if (!names.has_value()) {
            faults.push_back({table.position, part, names.error().message()});
            continue;
        }
        for (const std::string& name : *names) {
            if (std::ranges::count(known, name) > 0) continue;
            faults.push_back(
                {table.position, part, fmt::format("no earlier step extracts {}", name)});
        }
    }
}

std::vector<Fault> read_steps(const Value& value, Definition& definition) {
    std::vector<Fault> faults;
    auto& steps = definition.query.as<JourneyQuery>().step;
    steps.clear();
    if (value.kind != Value::Kind::array || value.items.empty()) {
        return {{value.position, {}, "expected at least one table [[journey.NAME.step]]"}};
    }
    if (value.items.size() > items_max) {
        return {{value.position, {}, fmt::format("holds more than {} items", items_max)}};
    }
    std::vector<std::string> known;
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const Value& item = value.items[i];
        const std::string part = fmt::format("[{}]", i);
        if (item.kind != Value::Kind::table) {
            faults.push_back({item.position, part, wrong_kind("a table", item).message()});
            continue;
        }
        JourneyStep step = read_step(item, part, faults);
        check_names(step, item, part, known, faults);
        for (const auto& [name, source] : step.head.extract) known.push_back(name);
        steps.push_back(std::move(step));
    }
    return faults;
}

std::optional<std::string> write_steps(const Definition& definition) {
    const auto& steps = definition.query.as<JourneyQuery>().step;
    if (steps.empty()) return std::nullopt;
    std::vector<std::string> tables;
    for (const JourneyStep& step : steps) {
        Definition head;
        head.query = step.head;
        Definition request = default_definition(Type::http);
        const Definition untouched = request;
        request.query = step.request;
        request.latency = step.latency;
        std::vector<std::string> members;
        const auto add = [&](const Key& key, const Definition& from) {
            if (auto written = write_key(key, from)) {
                members.push_back(fmt::format("{} = {}", key.name, *written));
            }
        };
        for (const Key& key : head_keys) add(key, head);
        for (const Key& key : http_type().keys) {
            if (write_key(key, request) != write_key(key, untouched)) add(key, request);
        }
        add(*find_key(common_keys(), "latency"), request);
        tables.push_back(fmt::format("{{ {} }}", fmt::join(members, ", ")));
    }
    return fmt::format("[{}]", fmt::join(tables, ", "));
}

// clang-format off
constexpr std::array keys{
    Key{"step", required, question, own_form<read_steps, write_steps>, "an array of tables, each an http request with name, always and extract",
        "What to do, one request after the other."},
};
// clang-format on

}  // namespace

std::span<const Key> journey_step_keys() {
    return head_keys;
}

std::vector<Text*> interpolated_texts(HttpQuery& request) {
    std::vector<Text*> texts{&request.url,        &request.body,        &request.body_json,
                             &request.basic_auth, &request.digest_auth, &request.bearer};
    for (TextFields* fields : {&request.headers, &request.body_form, &request.cookies}) {
        for (auto& field : *fields) texts.push_back(&field.second);
    }
    return texts;
}

const TypeEntry& journey_type() {
    static const TypeEntry entry{
        .type = Type::journey, .keys = keys, .query = [] { return Query(JourneyQuery{}); }};
    return entry;
}

}  // namespace picket::checks
