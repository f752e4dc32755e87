// A blocking TCP socket, closed at destruction, for what must not depend on our own network code.
#pragma once

#include <cstddef>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace penstock::bench {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket();

  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// kIoError: `what`, and what errno says.
std::unexpected<Error> socket_error(const char* what);

// False when the peer is gone.
bool send_all(int fd, ByteView bytes);
// How much came; 0 at the end of the stream, or when it broke.
std::size_t receive_some(int fd, MutableByteView into);
// False when less came.
bool receive_all(int fd, MutableByteView into);

}  // namespace penstock::bench
