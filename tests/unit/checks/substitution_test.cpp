#include "checks/substitution.h"

#include <doctest/doctest.h>

namespace picket::checks {
namespace {

Result<std::string> read(Source source, std::string_view name) {
    if (source == Source::environment && name == "TOKEN") return std::string("s3cret");
    if (source == Source::environment && name == "NESTED") return std::string("${env:TOKEN}");
    if (source == Source::file && name == "/etc/key") return std::string("line\n\n");
    if (source == Source::credential && name == "key") return std::string("cred\n");
    if (name == "/big") return std::string(substitution_bytes_max + 1, 'x');
    if (name == "/binary") return std::string("\xff");
    return failure(Code::not_found, "no such file or directory");
}

std::string message(std::string_view written) {
    const auto result = substitute(written, read);
    return result.has_value() ? "" : result.error().message();
}

TEST_CASE("each source is replaced, and what it brought in is listed as a secret") {
    const Substituted result = substitute("Bearer ${env:TOKEN}/${credential:key}", read).value();
    CHECK(result.text == "Bearer s3cret/cred");
    CHECK(result.secrets == std::vector<std::string>{"s3cret", "cred"});
}

TEST_CASE("one newline at the end of a file is dropped, not more") {
    CHECK(substitute("${file:/etc/key}", read)->text == "line\n");
}

TEST_CASE("$${ stands for a literal ${, and what was brought in is not replaced again") {
    CHECK(substitute("a$${env:TOKEN}b", read)->text == "a${env:TOKEN}b");
    CHECK(substitute("a$${env:TOKEN}b", read)->secrets.empty());
    CHECK(substitute("${env:NESTED}", read)->text == "${env:TOKEN}");
    CHECK(substitute("^price: [0-9]+$|$5", read)->text == "^price: [0-9]+$|$5");
}

TEST_CASE("what cannot be replaced is an error that names it") {
    CHECK(message("x ${file:/missing}") == "${file:/missing}: no such file or directory");
    CHECK(message("${file:/big}") == "${file:/big}: holds more than 64 KiB");
    CHECK(message("${file:/binary}") == "${file:/binary}: does not hold UTF-8 text");
    CHECK(message("${file:relative}") == "${file:relative}: 'relative' is not an absolute path");
    CHECK(message("${credential:../x}") ==
          "${credential:../x}: '../x' is not the name of a credential");
    CHECK(message("${env:A-B}").find("is not the name of an environment variable") !=
          std::string::npos);
    CHECK(message("${evn:TOKEN}").find("did you mean env") != std::string::npos);
    CHECK(message("${HOME}").find("write ${env:X}") != std::string::npos);
    CHECK(message("${env:TOKEN") == "'${' without its '}'; $${ stands for a literal ${");
}

}  // namespace
}  // namespace picket::checks
