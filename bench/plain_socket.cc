#include "bench/plain_socket.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace penstock::bench {

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

std::unexpected<Error> socket_error(const char* what) {
  return fail(Errc::kIoError, std::string(what) + ": " + std::strerror(errno));
}

bool send_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

std::size_t receive_some(int fd, MutableByteView into) {
  ssize_t got = 0;
  do {
    got = ::recv(fd, into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

bool receive_all(int fd, MutableByteView into) {
  while (!into.empty()) {
    const std::size_t got = receive_some(fd, into);
    if (got == 0) return false;
    into = into.subspan(got);
  }
  return true;
}

}  // namespace penstock::bench
