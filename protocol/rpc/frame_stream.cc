#include "protocol/rpc/frame_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <utility>

#include "base/assert.h"

namespace penstock::rpc {
namespace {

// A peer whose machine vanished is noticed after 30 s + 6 probes of 10 s even when we only wait for
// it.
constexpr int kKeepAliveIdleSeconds = 30;
constexpr int kKeepAliveIntervalSeconds = 10;
constexpr int kKeepAliveProbes = 6;

void set_option(int fd, int level, int option, int value) {
  (void)::setsockopt(fd, level, option, &value, sizeof value);
}

}  // namespace

void FrameStream::configure_socket() {
  const int fd = socket_.native_handle();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kKeepAliveIdleSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kKeepAliveIntervalSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

void FrameStream::want_bytes() {
  if (reading_ || ended_) return;
  reading_ = true;
  const auto space = assembler_.space();
  const std::array<asio::mutable_buffer, 2> buffers = {
      asio::buffer(space[0].data(), space[0].size()),
      asio::buffer(space[1].data(), space[1].size())};
  auto done = [self = shared_from_this()](const boost::system::error_code& error,
                                          std::size_t bytes) { self->read_done(error, bytes); };
  // A single part spares the kernel a gather list; most reads are of that kind.
  if (space[0].empty()) {
    socket_.async_read_some(buffers[1], std::move(done));
  } else {
    socket_.async_read_some(buffers, std::move(done));
  }
}

void FrameStream::read_done(const boost::system::error_code& error, std::size_t bytes) {
  reading_ = false;
  if (!ended_ && error) {
    end(Error(Errc::kConnectionLost, error == asio::error::eof ? "the peer closed the connection"
                                                               : "read: " + error.message()));
  } else if (!ended_) {
    assembler_.received(bytes);
    on_received(bytes);
  }
  report_if_quiet();
}

void FrameStream::send(const wire::FrameHeader& header, Bytes message,
                       std::vector<SharedBytes> attachment) {
  if (ended_) return;
  outbound_.push(header, std::move(message), std::move(attachment));
  schedule_flush();
}

void FrameStream::schedule_flush() {
  if (writing_ || flush_scheduled_) return;
  flush_scheduled_ = true;
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->flush_scheduled_ = false;
    self->flush();
  });
}

void FrameStream::flush() {
  if (writing_ || ended_ || outbound_.empty()) return;
  writing_ = true;
  write_buffers_.clear();
  for (const ByteView part : outbound_.parts()) {
    write_buffers_.push_back(asio::buffer(part.data(), part.size()));
  }
  socket_.async_write_some(
      std::span<const asio::const_buffer>(write_buffers_),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t bytes) {
        self->write_done(error, bytes);
      });
}

void FrameStream::write_done(const boost::system::error_code& error, std::size_t bytes) {
  writing_ = false;
  if (!ended_ && error) {
    end(Error(Errc::kConnectionLost, "write: " + error.message()));
  } else if (!ended_) {
    outbound_.written(bytes);
    on_sent(bytes);
    flush();
  }
  report_if_quiet();
}

void FrameStream::shut_down_sending() {
  PENSTOCK_ASSERT(outbound_.empty(), "what was sent has left");
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
}

void FrameStream::end(Error reason) {
  if (ended_) return;
  ended_ = true;
  boost::system::error_code ignored;
  socket_.close(ignored);
  on_ended(reason);
  if (is_quiet()) {
    asio::post(socket_.get_executor(), [self = shared_from_this()] { self->report_if_quiet(); });
  }
}

void FrameStream::abort(Error reason) {
  boost::system::error_code ignored;
  if (!ended_) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  end(std::move(reason));
}

void FrameStream::report_if_quiet() {
  if (ended_ && is_quiet() && !quiet_reported_) {
    quiet_reported_ = true;
    on_quiet();
  }
}

}  // namespace penstock::rpc
