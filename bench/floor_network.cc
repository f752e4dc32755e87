// The loopback floors: plain blocking sockets, no event loop.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <thread>

#include "base/clock.h"
#include "bench/floor.h"
#include "bench/plain_socket.h"

namespace penstock::bench {
namespace {

struct Pair {
  Socket near;
  Socket far;
};

Result<Pair> connected_pair() {
  const Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener.fd() < 0 || ::bind(listener.fd(), generic, size) != 0 ||
      ::listen(listener.fd(), 1) != 0 || ::getsockname(listener.fd(), generic, &size) != 0) {
    return socket_error("listen on loopback");
  }
  Pair pair;
  pair.near = Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (pair.near.fd() < 0 || ::connect(pair.near.fd(), generic, size) != 0) {
    return socket_error("connect to loopback");
  }
  pair.far = Socket(::accept4(listener.fd(), nullptr, nullptr, SOCK_CLOEXEC));
  if (pair.far.fd() < 0) return socket_error("accept on loopback");
  const int on = 1;
  for (const int fd : {pair.near.fd(), pair.far.fd()}) {
    if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
      return socket_error("set TCP_NODELAY");
    }
  }
  return pair;
}

}  // namespace

Result<ThroughputFloor> loopback_stream_floor(const FloorOptions& options,
                                              std::size_t write_bytes) {
  PENSTOCK_TRY_ASSIGN(Pair pair, connected_pair());
  std::uint64_t received = 0;
  std::int64_t end = 0;
  std::thread reader([&received, &end, fd = pair.far.fd()] {
    Bytes buffer(1U << 20);
    while (const std::size_t got = receive_some(fd, buffer)) received += got;
    end = system_clock().steady_ns();
  });

  ThroughputFloor floor;
  const Bytes block(write_bytes, std::byte{0x5a});
  const std::int64_t start = system_clock().steady_ns();
  const auto limit_ns = static_cast<std::int64_t>(options.seconds * 1e9);
  bool sent = true;
  while (sent && system_clock().steady_ns() - start < limit_ns) {
    sent = send_all(pair.near.fd(), block);
    ++floor.operations;
  }
  ::shutdown(pair.near.fd(), SHUT_WR);
  reader.join();
  if (!sent) return fail(Errc::kIoError, "the loopback stream broke");
  floor.bytes = received;
  floor.seconds = static_cast<double>(end - start) / 1e9;
  return floor;
}

Result<LatencyFloor> loopback_ping_floor(const FloorOptions& options, std::size_t message_bytes) {
  PENSTOCK_TRY_ASSIGN(Pair pair, connected_pair());
  std::thread echo([message_bytes, fd = pair.far.fd()] {
    Bytes buffer(message_bytes);
    while (receive_all(fd, buffer) && send_all(fd, buffer)) {
    }
  });

  LatencyFloor floor;
  Bytes message(message_bytes, std::byte{0x5a});
  const std::int64_t start = system_clock().steady_ns();
  const auto limit_ns = static_cast<std::int64_t>(options.seconds * 1e9);
  std::int64_t now = start;
  bool answered = true;
  while (answered && now - start < limit_ns) {
    const std::int64_t before = now;
    answered = send_all(pair.near.fd(), message) && receive_all(pair.near.fd(), message);
    now = system_clock().steady_ns();
    floor.latency.record(now - before);
  }
  ::shutdown(pair.near.fd(), SHUT_WR);
  echo.join();
  if (!answered) return fail(Errc::kIoError, "the loopback echo broke");
  return floor;
}

}  // namespace penstock::bench
