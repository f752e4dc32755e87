// Operator-facing logs: one spdlog logger a module, on standard error.
//
// error: an operator must act; warn: degraded, heals itself; info: a state change. Lines read
// `became leader topic=orders partition=3 term=7`. No payloads, no secrets. Cores never log: they
// return events and their shell logs them. Threads: safe from any.
#pragma once

#include <spdlog/logger.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace penstock {

// The logger of `module`, created at first use; keep the reference.
spdlog::logger& logger(const std::string& module);

// "trace", "debug", "info", "warn", "error" or "off", for all modules now and later.
Status set_log_level(std::string_view level);

}  // namespace penstock
