// Log lines: one spdlog logger a module, on standard error unless told otherwise.
//
// error: an operator must act; warn: degraded, heals itself; info: a state change. Lines read
// `became leader topic=orders partition=3 term=7`. No payloads, no secrets. Cores never log: they
// return events and their shell logs them.
//
// An application that embeds the client library decides what it says and where: only warnings and
// errors are logged until set_log_level() asks for more or less, and set_log_sink() sends them to
// the application's own log. Loggers that the application registers with spdlog are never touched.
// Threads: safe from any, at any time.
#pragma once

#include <spdlog/logger.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock {

// The logger of `module`, created at first use; keep the reference.
spdlog::logger& logger(const std::string& module);

// "trace", "debug", "info", "warn", "error" or "off", for all modules now and later.
Status set_log_level(std::string_view level);

// Where lines go from now on, formatted as `sink` does it; null: standard error again.
void set_log_sink(std::shared_ptr<spdlog::sinks::sink> sink);

}  // namespace penstock
