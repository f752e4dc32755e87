#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <mutex>

namespace penstock {

spdlog::logger& logger(const std::string& module) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  auto existing = spdlog::get(module);
  if (!existing) {
    existing = spdlog::stderr_logger_mt(module);
    existing->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %n %v", spdlog::pattern_time_type::utc);
    existing->flush_on(spdlog::level::info);
  }
  return *existing;
}

Status set_log_level(std::string_view level) {
  for (const std::string_view known : {"trace", "debug", "info", "warn", "error", "off"}) {
    if (level == known) {
      spdlog::set_level(spdlog::level::from_str(std::string(level)));
      return {};
    }
  }
  return fail(Errc::kInvalidArgument, "log level '" + std::string(level) +
                                          "' is none of trace, debug, info, warn, error, off");
}

}  // namespace penstock
