#include "agent/base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <memory>

namespace picket {
namespace {

// sd-daemon(3): a line may begin with its syslog priority.
class PriorityFlag : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm& /*unused*/,
                spdlog::memory_buf_t& line) override {
        const char priority = message.level == spdlog::level::debug  ? '7'
                              : message.level == spdlog::level::info ? '6'
                              : message.level == spdlog::level::warn ? '4'
                                                                     : '3';
        line.push_back('<');
        line.push_back(priority);
        line.push_back('>');
    }
    std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<PriorityFlag>();
    }
};

spdlog::logger& logger() {
    static const std::shared_ptr<spdlog::logger> instance = [] {
        auto created = std::make_shared<spdlog::logger>(
            "picket", std::make_shared<spdlog::sinks::stderr_sink_st>());
        auto formatter = std::make_unique<spdlog::pattern_formatter>();
        const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
        formatter->add_flag<PriorityFlag>('*').set_pattern(
            journal ? "%*%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
        created->set_formatter(std::move(formatter));
        created->flush_on(spdlog::level::debug);
        return created;
    }();
    return *instance;
}

}  // namespace

void set_log_level(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            logger().set_level(spdlog::level::debug);
            break;
        case LogLevel::info:
            logger().set_level(spdlog::level::info);
            break;
        case LogLevel::warning:
            logger().set_level(spdlog::level::warn);
            break;
        case LogLevel::error:
            logger().set_level(spdlog::level::err);
            break;
    }
}

void log_debug(std::string_view message) {
    logger().debug("{}", message);
}
void log_info(std::string_view message) {
    logger().info("{}", message);
}
void log_warning(std::string_view message) {
    logger().warn("{}", message);
}
void log_error(std::string_view message) {
    logger().error("{}", message);
}

}  // namespace picket
