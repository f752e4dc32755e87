#include "bench/proc_text.h"

#include <charconv>

namespace penstock::bench {
namespace {

// Takes the next line, or the next word, off the front of `text`; empty at the end.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
  const std::size_t end = std::min(line.find_first_of(" \t\n"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

template <typename T>
std::optional<T> number(std::string_view text, int base = 10) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> decimal(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<std::uint64_t> cpu_ticks(std::string_view stat) {
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  stat.remove_prefix(name_end + 1);
  // Behind the name stand the fields 3 (state) and on; utime is 14, stime 15.
  for (int field = 3; field < 14; ++field) take_word(stat);
  const auto user = number<std::uint64_t>(take_word(stat));
  const auto system = number<std::uint64_t>(take_word(stat));
  if (!user || !system) return std::nullopt;
  return *user + *system;
}

std::optional<std::uint64_t> resident_pages(std::string_view statm) {
  take_word(statm);
  return number<std::uint64_t>(take_word(statm));
}

std::optional<std::uint64_t> listening_inode(std::string_view tcp, std::uint16_t port) {
  constexpr std::string_view kListen = "0A";
  take_line(tcp);  // titles
  while (!tcp.empty()) {
    std::string_view line = take_line(tcp);
    take_word(line);  // slot
    const std::string_view local = take_word(line);
    take_word(line);  // remote
    const std::string_view state = take_word(line);
    const std::size_t colon = local.rfind(':');
    if (state != kListen || colon == std::string_view::npos) continue;
    if (number<std::uint16_t>(local.substr(colon + 1), 16) != port) continue;
    for (int field = 4; field < 9; ++field) take_word(line);  // queues, timers, uid, timeout
    return number<std::uint64_t>(take_word(line));
  }
  return std::nullopt;
}

std::optional<double> metric_sum(std::string_view page, std::string_view name,
                                 std::string_view label) {
  std::optional<double> sum;
  while (!page.empty()) {
    std::string_view line = take_line(page);
    if (!line.starts_with(name)) continue;
    line.remove_prefix(name.size());
    std::string_view labels;
    if (line.starts_with('{')) {
      const std::size_t close = line.rfind('}');
      if (close == std::string_view::npos) continue;
      labels = line.substr(0, close);
      line.remove_prefix(close + 1);
    } else if (!line.starts_with(' ')) {
      continue;  // a longer name
    }
    if (!labels.contains(label)) continue;
    if (const auto value = decimal(take_word(line))) sum = sum.value_or(0) + *value;
  }
  return sum;
}

}  // namespace penstock::bench
