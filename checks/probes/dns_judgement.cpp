#include "checks/probes/dns_judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "agent/io/dns_message.h"

namespace picket::checks {
namespace {

std::string lower(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(),
                           [](unsigned char letter) { return std::tolower(letter); });
    return result;
}

// "10 Mail.Example.COM." is "10 mail.example.com".
std::string canonical(std::string_view text) {
    std::string result = lower(text);
    const bool last_dot = result.size() > 1 && result.ends_with('.') && !result.ends_with(" .");
    if (last_dot) result.pop_back();
    return result;
}

// SOA has a name that is not at its end.
std::string canonical_words(std::string_view text) {
    std::string result;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        if (!result.empty()) result += ' ';
        result += canonical(word);
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    return result;
}

std::string list_text(const std::vector<io::DnsRecord>& records) {
    if (records.empty()) return "nothing";
    std::string text;
    for (const io::DnsRecord& record : records) {
        if (!text.empty()) text += ", ";
        text += record.text;
    }
    return text;
}

Judgement judgement(std::string what, std::string found, bool met, FailureClass failure_class,
                    std::string message) {
    Judgement result{{std::move(what), std::move(found), met}, FailureClass::none, {}};
    if (!met) {
        result.failure_class = failure_class;
        result.message = std::move(message);
    }
    return result;
}

}  // namespace

bool same_answer(const io::DnsRecord& record, std::string_view expected) {
    if (record.text == expected) return true;
    if (record.type == "A" || record.type == "AAAA") {
        const auto ip = parse_ip(expected);
        return ip.has_value() && to_text(*ip) == record.text;
    }
    if (record.type == "TXT") return io::dns_plain_text(record.text) == expected;
    if (record.type == "CAA") return false;
    return canonical_words(record.text) == canonical_words(expected);
}

std::vector<Judgement> judge_dns_answer(const DnsQuery& query, const std::optional<Pattern>& match,
                                        const io::DnsAnswer& answer) {
    const std::string type = lower(query.record_type);
    const std::string asked =
        fmt::format("{} {} from {}", query.name.shown, query.record_type, to_text(answer.server));
    std::vector<Judgement> result;

    const bool right_rcode = lower(answer.rcode) == lower(query.rcode);
    result.push_back(judgement(
        fmt::format("rcode {}", query.rcode), answer.rcode, right_rcode, FailureClass::status,
        fmt::format("{} for {}, expected {}", answer.rcode, asked, query.rcode)));
    if (!right_rcode) return result;

    if (query.transport == DnsTransport::udp) {
        result.push_back(judgement("a whole answer", answer.truncated ? "truncated" : "whole",
                                   !answer.truncated, FailureClass::protocol,
                                   fmt::format("the answer for {} is truncated over UDP: use "
                                               "transport = \"tcp\"",
                                               asked)));
        if (answer.truncated) return result;
    }

    std::vector<io::DnsRecord> of_type;
    std::ranges::copy_if(answer.answers, std::back_inserter(of_type), [&](const auto& record) {
        return type == "any" || lower(record.type) == type;
    });
    if (lower(query.rcode) == "noerror") {
        result.push_back(
            judgement(fmt::format("{} record", query.record_type), list_text(of_type),
                      !of_type.empty(), FailureClass::content,
                      fmt::format("no {} record: {} answered with {}", query.record_type, asked,
                                  list_text(answer.answers))));
    }
    for (const std::string& expected : query.answers) {
        const bool found = std::ranges::any_of(
            answer.answers, [&](const auto& record) { return same_answer(record, expected); });
        result.push_back(judgement(
            fmt::format("answer {}", expected), list_text(answer.answers), found,
            FailureClass::content,
            fmt::format("{}: {}, expected {}", asked, list_text(answer.answers), expected)));
    }
    if (!match.has_value()) return result;
    for (const io::DnsRecord& record : of_type) {
        result.push_back(judgement(
            fmt::format("answer matches {}", match->expression()), record.text,
            match->found_in(record.text), FailureClass::content,
            fmt::format("{}: {} does not match {}", asked, record.text, match->expression())));
    }
    return result;
}

}  // namespace picket::checks
