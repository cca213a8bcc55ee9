// Query: what a check asks, whatever its type.
//
// A value that holds the struct of one type (checks/types/NAME.h): copied,
// compared and assigned as that struct is. Who knows the type takes it out with
// as<>(); nobody else needs to know that the struct exists.

#pragma once

#include <any>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/assert.h"

namespace picket::checks {

// The order is that of the documentation. Nothing stored or sent depends on it.
enum class Type : std::uint8_t {
    http,
    tcp,
    tls,
    dns,
    icmp,
    grpc,
    journey,
    ntp,
    mysql,
    postgres,
    command,
    heartbeat,
    disk,
    memory,
    load,
    process,
    unit,
    file,
};

std::string_view to_text(Type type);

// A value in which ${env:X}, ${file:/path} and ${credential:X} were replaced.
// Only a probe looks at `value`. All that is shown, logged, compared across
// agents or fingerprinted is `shown`, the text as it stands in the file.
struct Text {
    std::string value;
    std::string shown;

    bool operator==(const Text&) const = default;
};

// What the struct of a type is: a value, with ==, that names its type.
template <typename Q>
concept QueryOfType = requires {
    { Q::type } -> std::convertible_to<Type>;
};

class Query {
public:
    // Asks nothing yet.
    Query() = default;

    template <QueryOfType Q>
    // NOLINTNEXTLINE(google-explicit-constructor): a query is what it holds
    Query(Q query)
        : type_(Q::type),
          held_(std::move(query)),
          equal_([](const Query& a, const Query& b) { return a.as<Q>() == b.as<Q>(); }) {}

    Type type() const { return type_; }

    // Requires that it holds a Q.
    template <QueryOfType Q>
    const Q& as() const {
        const Q* held = std::any_cast<Q>(&held_);
        PICKET_ASSERT(held != nullptr);
        return *held;
    }
    template <QueryOfType Q>
    Q& as() {
        Q* held = std::any_cast<Q>(&held_);
        PICKET_ASSERT(held != nullptr);
        return *held;
    }

    friend bool operator==(const Query& a, const Query& b) {
        if (a.held_.type() != b.held_.type()) return false;
        return a.equal_ == nullptr || a.equal_(a, b);
    }

private:
    Type type_ = Type::http;
    std::any held_;
    bool (*equal_)(const Query&, const Query&) = nullptr;
};

}  // namespace picket::checks
