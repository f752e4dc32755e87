#include "tools/progress.h"

#include <algorithm>
#include <cmath>

#include "tools/output_table.h"

namespace penstock::tools {
namespace {

constexpr std::size_t kBarWidth = 20;

std::uint64_t per_second(std::uint64_t count, double seconds) {
  return seconds <= 0
             ? 0
             : static_cast<std::uint64_t>(std::llround(static_cast<double>(count) / seconds));
}

std::string bar(double part) {
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(kBarWidth));
  std::string text(filled, '=');
  if (filled < kBarWidth) text += '>';
  text.resize(kBarWidth, ' ');
  std::string percent = std::to_string(static_cast<int>(part * 100));
  percent.insert(0, 3 - std::min<std::size_t>(3, percent.size()), ' ');
  return "[" + text + "] " + percent + " %  ";
}

}  // namespace

std::string progress_line(const ProgressFigures& figures, std::size_t width) {
  std::string line;
  const bool known = figures.total_bytes && *figures.total_bytes > 0;
  const double part = known ? std::min(1.0, static_cast<double>(figures.bytes) /
                                                static_cast<double>(*figures.total_bytes))
                            : 0;
  if (known) line += bar(part);
  line += with_thousands(figures.records) + " records  " + human_bytes(figures.bytes) + "  " +
          with_thousands(per_second(figures.records, figures.seconds)) + "/s  " +
          human_bytes(per_second(figures.bytes, figures.seconds)) + "/s";
  // The first second is no measure of the rest.
  if (known && part > 0 && part < 1 && figures.seconds >= 1) {
    line += "  " + human_seconds(figures.seconds / part * (1 - part)) + " left";
  }
  if (line.size() > width) line.resize(width);
  return line;
}

}  // namespace penstock::tools
