// OutputStream: standard output in large writes, which ends quietly when its reader has gone.
//
// Failure: kDiskFull or kIoError when the output cannot be written. A closed pipe (`| head`) is no
// failure: flush() says so.
#pragma once

#include <string>

#include "base/result.h"

namespace penstock::tools {

enum class Reader { kThere, kGone };

class OutputStream {
 public:
  explicit OutputStream(int fd) : fd_(fd) {}

  // Append to it; nothing is written before one of the calls below.
  std::string& buffer() { return buffer_; }
  Result<Reader> flush_when_large();
  Result<Reader> flush();

 private:
  int fd_;
  std::string buffer_;
};

}  // namespace penstock::tools
