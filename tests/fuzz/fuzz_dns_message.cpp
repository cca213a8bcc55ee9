// Any bytes at all are an answer or an Error, and what was read can be shown.

#include <cstddef>
#include <cstdint>
#include <span>

#include "agent/io/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto answer = picket::io::parse_dns_answer(std::span(bytes, size));
    if (!answer.has_value()) return 0;
    for (const auto& record : answer->answers) picket::io::dns_plain_text(record.text);
    return 0;
}
