#include "tools/output_stream.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tools/limits.h"

namespace penstock::tools {

Result<Reader> OutputStream::flush_when_large() {
  if (buffer_.size() < kOutputBlockBytes) return Reader::kThere;
  return flush();
}

Result<Reader> OutputStream::flush() {
  std::size_t written = 0;
  while (written < buffer_.size()) {
    const ssize_t size = ::write(fd_, buffer_.data() + written, buffer_.size() - written);
    if (size >= 0) {
      written += static_cast<std::size_t>(size);
    } else if (errno == EPIPE) {
      buffer_.clear();
      return Reader::kGone;
    } else if (errno == EAGAIN) {
      pollfd fd{fd_, POLLOUT, 0};  // somebody made the terminal non-blocking
      poll(&fd, 1, -1);
    } else if (errno != EINTR) {
      const Errc code = errno == ENOSPC ? Errc::kDiskFull : Errc::kIoError;
      return fail(code, std::string("write to standard output: ") + std::strerror(errno));
    }
  }
  buffer_.clear();
  return Reader::kThere;
}

}  // namespace penstock::tools
