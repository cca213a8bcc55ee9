#include "checks/probes/dns_judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <string>
#include <utility>

#include "agent/base/ip_prefix.h"
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

// Of an SOA record: the third word of seven.
constexpr std::size_t serial_word = 2;

std::string word_of(std::string_view text, std::size_t index) {
    for (; index > 0; --index) text.remove_prefix(std::min(text.find(' ') + 1, text.size()));
    return std::string(text.substr(0, text.find(' ')));
}

std::vector<io::DnsRecord> records_of_type(const DnsQuery& query, const io::DnsAnswer& answer) {
    std::vector<io::DnsRecord> records;
    std::ranges::copy_if(answer.answers, std::back_inserter(records), [&](const auto& record) {
        return query.record_type == "ANY" || record.type == query.record_type;
    });
    return records;
}

void judge_numbers(std::vector<Judgement>& result, const DnsQuery& query, const std::string& asked,
                   const io::DnsAnswer& answer, const std::vector<io::DnsRecord>& of_type) {
    if (answer.rcode == "NOERROR" && query.answers_min > 0) {
        const bool some = query.answers_min == 1;
        result.push_back(judgement(
            some ? fmt::format("{} record", query.record_type)
                 : fmt::format("at least {} {} records", query.answers_min, query.record_type),
            list_text(of_type), of_type.size() >= query.answers_min, FailureClass::content,
            some ? fmt::format("no {} record: {} answered with {}", query.record_type, asked,
                               list_text(answer.answers))
                 : fmt::format("{}: {} answers, expected at least {}", asked, of_type.size(),
                               query.answers_min)));
    }
    if (of_type.empty()) return;
    const auto [least, most] = std::ranges::minmax(of_type, {}, &io::DnsRecord::ttl);
    const auto judge_ttl = [&](std::uint32_t ttl, bool met, std::string_view bound,
                               Duration limit) {
        const std::string found = format_duration(std::chrono::seconds(ttl));
        const std::string expected = fmt::format("{} {}", bound, format_duration(limit));
        result.push_back(judgement("TTL " + expected, found, met, FailureClass::content,
                                   fmt::format("{}: TTL {}, expected {}", asked, found, expected)));
    };
    if (query.ttl_below) {
        judge_ttl(least.ttl, std::chrono::seconds(least.ttl) >= *query.ttl_below, "at least",
                  *query.ttl_below);
    }
    if (query.ttl_above) {
        judge_ttl(most.ttl, std::chrono::seconds(most.ttl) <= *query.ttl_above, "at most",
                  *query.ttl_above);
    }
}

void judge_sets(std::vector<Judgement>& result, const DnsQuery& query, const std::string& asked,
                const io::DnsAnswer& answer, const std::vector<io::DnsRecord>& of_type) {
    for (const std::string& expected : query.answers) {
        const bool found = std::ranges::any_of(
            answer.answers, [&](const auto& record) { return same_answer(record, expected); });
        result.push_back(judgement(
            fmt::format("answer {}", expected), list_text(answer.answers), found,
            FailureClass::content,
            fmt::format("{}: {}, expected {}", asked, list_text(answer.answers), expected)));
    }
    if (!query.answers_exact.empty()) {
        const auto expected = [&](const io::DnsRecord& record) {
            return std::ranges::any_of(query.answers_exact, [&](const std::string& text) {
                return same_answer(record, text);
            });
        };
        const auto there = [&](const std::string& text) {
            return std::ranges::any_of(
                of_type, [&](const io::DnsRecord& record) { return same_answer(record, text); });
        };
        const std::string all = fmt::format("{}", fmt::join(query.answers_exact, ", "));
        result.push_back(
            judgement(fmt::format("exactly {}", all), list_text(of_type),
                      std::ranges::all_of(of_type, expected) &&
                          std::ranges::all_of(query.answers_exact, there),
                      FailureClass::content,
                      fmt::format("{}: {}, expected exactly {}", asked, list_text(of_type), all)));
    }
    if (query.answers_within.empty()) return;
    std::vector<IpPrefix> prefixes;
    for (const std::string& text : query.answers_within) {
        prefixes.push_back(parse_ip_prefix(text).value_or(IpPrefix{}));
    }
    const std::string ranges = fmt::format("{}", fmt::join(query.answers_within, ", "));
    for (const io::DnsRecord& record : of_type) {
        const auto ip = parse_ip(record.text);
        if (!ip.has_value()) continue;
        const bool within = std::ranges::any_of(
            prefixes, [&](const IpPrefix& prefix) { return prefix.contains(*ip); });
        result.push_back(judgement(
            fmt::format("answer within {}", ranges), record.text, within, FailureClass::content,
            fmt::format("{}: {} is not within {}", asked, record.text, ranges)));
    }
}

void judge_patterns(std::vector<Judgement>& result, const DnsPatterns& patterns,
                    const std::string& asked, const std::vector<io::DnsRecord>& of_type) {
    const auto judge = [&](const io::DnsRecord& record, const Pattern& pattern, bool wanted) {
        const bool met = pattern.found_in(record.text) == wanted;
        result.push_back(
            judgement(fmt::format("answer {} {}", wanted ? "matches" : "does not match",
                                  pattern.expression()),
                      record.text, met, FailureClass::content,
                      fmt::format("{}: {} {} {}", asked, record.text,
                                  wanted ? "does not match" : "matches", pattern.expression())));
    };
    for (const io::DnsRecord& record : of_type) {
        if (patterns.every) judge(record, *patterns.every, true);
        if (patterns.none) judge(record, *patterns.none, false);
    }
    if (!patterns.any) return;
    const bool found = std::ranges::any_of(
        of_type, [&](const io::DnsRecord& record) { return patterns.any->found_in(record.text); });
    result.push_back(judgement(fmt::format("an answer matches {}", patterns.any->expression()),
                               list_text(of_type), found, FailureClass::content,
                               fmt::format("{}: none of {} matches {}", asked, list_text(of_type),
                                           patterns.any->expression())));
}

}  // namespace

DnsPatterns::DnsPatterns(const DnsQuery& query) {
    if (!query.answers_match.empty()) every.emplace(query.answers_match);
    if (!query.answers_any_match.empty()) any.emplace(query.answers_any_match);
    if (!query.answers_not_match.empty()) none.emplace(query.answers_not_match);
}

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

std::vector<Judgement> judge_dns_answer(const DnsQuery& query, const DnsPatterns& patterns,
                                        const io::DnsAnswer& answer) {
    const std::string asked =
        fmt::format("{} {} from {}", query.name.shown, query.record_type, to_text(answer.server));
    std::vector<Judgement> result;

    const std::string rcodes = fmt::format("{}", fmt::join(query.rcode, " or "));
    const bool right_rcode = std::ranges::find(query.rcode, answer.rcode) != query.rcode.end();
    result.push_back(judgement(fmt::format("rcode {}", rcodes), answer.rcode, right_rcode,
                               FailureClass::status,
                               fmt::format("{} for {}, expected {}", answer.rcode, asked, rcodes)));
    if (!right_rcode) return result;

    if (query.transport == DnsTransport::udp) {
        result.push_back(judgement("a whole answer", answer.truncated ? "truncated" : "whole",
                                   !answer.truncated, FailureClass::protocol,
                                   fmt::format("the answer for {} is truncated over UDP: use "
                                               "transport = \"tcp\"",
                                               asked)));
        if (answer.truncated) return result;
    }
    if (query.authoritative) {
        result.push_back(judgement("an authoritative answer",
                                   answer.authoritative ? "authoritative" : "not authoritative",
                                   answer.authoritative, FailureClass::status,
                                   fmt::format("{}: the answer is not authoritative", asked)));
    }
    const std::vector<io::DnsRecord> of_type = records_of_type(query, answer);
    judge_numbers(result, query, asked, answer, of_type);
    judge_sets(result, query, asked, answer, of_type);
    judge_patterns(result, patterns, asked, of_type);
    return result;
}

Judgement judge_serials(const DnsQuery& query, std::span<const io::DnsAnswer> answers) {
    std::vector<std::string> serials;
    std::string found;
    for (const io::DnsAnswer& answer : answers) {
        const auto soa = std::ranges::find(answer.answers, "SOA", &io::DnsRecord::type);
        const std::string serial =
            soa == answer.answers.end() ? "none" : word_of(soa->text, serial_word);
        serials.push_back(serial);
        found +=
            fmt::format("{}{} at {}", found.empty() ? "" : ", ", serial, to_text(answer.server));
    }
    const bool equal = std::ranges::adjacent_find(serials, std::not_equal_to<>()) == serials.end();
    return judgement("one serial on all servers", found, equal, FailureClass::content,
                     fmt::format("serials of {} differ: {}", query.name.shown, found));
}

}  // namespace picket::checks
