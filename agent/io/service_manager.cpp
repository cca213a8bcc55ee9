#include "agent/io/service_manager.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include "agent/base/text.h"
#include "agent/io/clock.h"

namespace picket::io {
namespace {

constexpr std::size_t status_bytes_max = 500;

}  // namespace

ServiceManager::ServiceManager(Loop& loop) {
    std::uint64_t watchdog_us = 0;
    if (::sd_watchdog_enabled(0, &watchdog_us) <= 0) return;
    keep_alive_every_ = Duration(watchdog_us / 2);
    keep_alive_timer_.emplace(loop, [this] { keep_alive(); });
    keep_alive();
}

void ServiceManager::keep_alive() {
    ::sd_notify(0, "WATCHDOG=1");
    keep_alive_timer_->set(monotonic_now() + keep_alive_every_);
}

void ServiceManager::ready() {
    ::sd_notify(0, "READY=1");
}

void ServiceManager::reloading() {
    // systemd takes the time to tell this reload's READY=1 from an earlier one's.
    const auto now_us = monotonic_now().time_since_epoch().count();
    ::sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now_us).c_str());
}

void ServiceManager::stopping() {
    ::sd_notify(0, "STOPPING=1");
}

void ServiceManager::status(std::string_view line) {
    // A line end in it would begin another assignment.
    ::sd_notify(0, ("STATUS=" + printable_line(line, status_bytes_max)).c_str());
}

}  // namespace picket::io
