// JsonLines: exported history as JSON, one object a line, each with a `type`.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "agent/api/json_writer.h"
#include "storage/export_target.h"

namespace picket::cli {

class JsonLines : public storage::ExportTarget {
public:
    // Lines are handed over many at a time.
    static constexpr std::size_t buffer_bytes = 65'536;

    using Write = std::function<Status(std::string_view)>;

    explicit JsonLines(Write write) : write_(std::move(write)) {}

    // The first line: what this is.
    Status begin(const std::string& database, WallTime from, WallTime to);

    Status check(const std::string& name) override;
    Status outcome(const storage::OutcomeRecord& outcome) override;
    Status gap(const storage::Gap& gap) override;
    Status hour(const storage::RollupPoint& hour) override;
    Status transition(const storage::Transition& transition) override;
    Status outage(const storage::Outage& outage) override;
    // The last line tells how many there were before it.
    Status finish() override;

private:
    api::JsonWriter& start(std::string_view type);
    Status end();

    Write write_;
    api::JsonWriter json_;  // The lines that were not handed over yet.
    std::string check_;
    std::uint64_t lines_ = 0;
};

}  // namespace picket::cli
