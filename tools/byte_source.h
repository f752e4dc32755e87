// ByteSource: where `produce` gets its input; a file, a pipe, a terminal, or a string in tests.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::tools {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to into.size() bytes, at least one unless the input has ended: then 0, and again 0.
  // kCancelled when the user interrupts the wait.
  virtual Result<std::size_t> read(MutableByteView into) = 0;
};

// Text in memory, handed out in pieces of at most `piece` bytes.
class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text, std::size_t piece = SIZE_MAX)
      : text_(std::move(text)), piece_(piece) {}
  Result<std::size_t> read(MutableByteView into) override {
    const std::size_t size = std::min({into.size(), piece_, text_.size() - at_});
    std::memcpy(into.data(), text_.data() + at_, size);
    at_ += size;
    return size;
  }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

}  // namespace penstock::tools
