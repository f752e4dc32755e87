// The progress line of a long operation: how it looks, and when it is worth drawing again.
//
// Pure: figures and time come in, text comes out; the caller writes it to a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace penstock::tools {

struct ProgressFigures {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> total_bytes;  // of the input, when it is known
  double seconds = 0;
};

// "[=====>    ]  52 %  123,456 records  1.23 MB  45,678/s  1.1 MB/s  9.00 s left", cut to `width`
// columns; without a known total there is no bar and no time left.
std::string progress_line(const ProgressFigures& figures, std::size_t width);

// Lets a redraw through at most once an interval.
class RedrawClock {
 public:
  explicit RedrawClock(std::int64_t interval_ns) : interval_ns_(interval_ns) {}
  bool due(std::int64_t now_ns) {
    if (last_ns_ && now_ns - *last_ns_ < interval_ns_) return false;
    last_ns_ = now_ns;
    return true;
  }

 private:
  std::int64_t interval_ns_;
  std::optional<std::int64_t> last_ns_;
};

}  // namespace penstock::tools
