// What a test asks of a file: the points that a reader finds in it.

#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "storage/history_reader.h"

namespace picket::storage {

inline std::vector<HistoryPoint> stored_points(const std::string& path, const std::string& check) {
    auto reader = HistoryReader::open(path);
    REQUIRE_MESSAGE(reader, reader.error().message());
    std::vector<HistoryPoint> points;
    const auto read = reader->each_point(check, from_milliseconds(at_ms_min),
                                         from_milliseconds(at_ms_max), [&](const auto& point) {
                                             points.push_back(point);
                                             return true;
                                         });
    REQUIRE_MESSAGE(read, read.error().message());
    return points;
}

// Of all checks.
inline std::vector<HistoryPoint> stored_points(const std::string& path) {
    auto reader = HistoryReader::open(path);
    REQUIRE_MESSAGE(reader, reader.error().message());
    std::vector<HistoryPoint> points;
    const auto names = reader->check_names();
    REQUIRE(names);
    for (const std::string& check : *names) {
        const auto more = stored_points(path, check);
        points.insert(points.end(), more.begin(), more.end());
    }
    return points;
}

}  // namespace picket::storage
