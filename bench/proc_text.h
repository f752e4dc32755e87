// What the bench reads out of /proc and of a metrics page: pure functions over their text.
//
// Format: proc(5); Prometheus text exposition 0.0.4.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::bench {

// User and system time in clock ticks, from the text of /proc/PID/stat. The command's name may hold
// spaces and brackets.
std::optional<std::uint64_t> cpu_ticks(std::string_view stat);

// Resident pages, from the text of /proc/PID/statm.
std::optional<std::uint64_t> resident_pages(std::string_view statm);

// Inode of the socket that listens on `port`, from the text of /proc/net/tcp or tcp6.
std::optional<std::uint64_t> listening_inode(std::string_view tcp, std::uint16_t port);

// Sum of the metric called exactly `name` over all label sets that hold `label`, written as on the
// page (`stage="fsync"`), or over all of them when it is empty; none when there is no such line.
std::optional<double> metric_sum(std::string_view page, std::string_view name,
                                 std::string_view label = {});

}  // namespace penstock::bench
