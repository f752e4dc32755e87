#include "base/log.h"

#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <map>
#include <mutex>
#include <utility>

namespace penstock {
namespace {

// A library has no business on its user's standard error as long as all is well; the servers ask
// for more by their --log_level.
constexpr auto kLibraryLevel = spdlog::level::warn;

std::shared_ptr<spdlog::sinks::sink> standard_error() {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %l %n %v",
                                                                  spdlog::pattern_time_type::utc));
  return sink;
}

// All loggers write to one sink, which passes on to the real one: that can be changed while others
// are writing.
struct Loggers {
  std::mutex mutex;
  spdlog::level::level_enum level = kLibraryLevel;
  std::shared_ptr<spdlog::sinks::dist_sink_mt> output =
      std::make_shared<spdlog::sinks::dist_sink_mt>(
          std::vector<std::shared_ptr<spdlog::sinks::sink>>{standard_error()});
  std::map<std::string, std::unique_ptr<spdlog::logger>> by_module;
};

// Never destroyed: threads may still log while the process ends.
Loggers& loggers() {
  static Loggers& instance = *new Loggers;
  return instance;
}

}  // namespace

spdlog::logger& logger(const std::string& module) {
  Loggers& all = loggers();
  const std::lock_guard lock(all.mutex);
  auto& found = all.by_module[module];
  if (!found) {
    found = std::make_unique<spdlog::logger>(module, all.output);
    found->set_level(all.level);
    found->flush_on(spdlog::level::info);
  }
  return *found;
}

Status set_log_level(std::string_view level) {
  for (const std::string_view known : {"trace", "debug", "info", "warn", "error", "off"}) {
    if (level != known) continue;
    Loggers& all = loggers();
    const std::lock_guard lock(all.mutex);
    all.level = spdlog::level::from_str(std::string(level));
    for (const auto& [module, one] : all.by_module) one->set_level(all.level);
    return {};
  }
  return fail(Errc::kInvalidArgument, "log level '" + std::string(level) +
                                          "' is none of trace, debug, info, warn, error, off");
}

void set_log_sink(std::shared_ptr<spdlog::sinks::sink> sink) {
  if (!sink) sink = standard_error();
  loggers().output->set_sinks({std::move(sink)});
}

}  // namespace penstock
