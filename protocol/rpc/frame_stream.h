// FrameStream: frames in and out over one TCP socket; the shared half of Channel and Server.
//
// Invariants: at most one read and one write are outstanding; what is sent in one turn of the
// executor leaves in one gathered write; every byte of a write lives until the write has completed.
// Threads: one executor, the socket's. Lifetime: outstanding operations hold the stream
// (shared_from_this); end() makes them complete.
// Failure: on_ended() tells the first reason, once; afterwards nothing is read or written.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "protocol/wire/frame_assembler.h"
#include "protocol/wire/frame_queue.h"

namespace penstock::rpc {

using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, asio::any_io_executor>;

class FrameStream : public std::enable_shared_from_this<FrameStream> {
 public:
  explicit FrameStream(Socket socket) : socket_(std::move(socket)) {}
  virtual ~FrameStream() = default;
  FrameStream(const FrameStream&) = delete;
  FrameStream& operator=(const FrameStream&) = delete;

  bool is_ended() const { return ended_; }
  // No operation on the socket is outstanding.
  bool is_quiet() const { return !reading_ && !writing_; }
  // A read is outstanding: its bytes go into assembler(), which must keep its buffers.
  bool is_reading() const { return reading_; }
  // Closes the socket. Idempotent: the first reason is the one that on_ended() gets.
  void end(Error reason);
  // The same, and what the peer has not received by now does not arrive later, unless the network
  // holds it: the system sends nothing again.
  void abort(Error reason);

 protected:
  // New bytes are in assembler(). The next read begins with want_bytes().
  virtual void on_received(std::size_t bytes) = 0;
  // `bytes` have left; outbound() says what still waits.
  virtual void on_sent(std::size_t bytes) = 0;
  virtual void on_ended(const Error& reason) = 0;
  // After on_ended(), once no operation is outstanding.
  virtual void on_quiet() = 0;

  Socket& socket() { return socket_; }
  wire::FrameAssembler& assembler() { return assembler_; }
  const wire::FrameQueue& outbound() const { return outbound_; }

  // TCP_NODELAY and keep-alive. Failures are ignored: the connection works without, or is gone.
  void configure_socket();
  void want_bytes();
  void send(const wire::FrameHeader& header, Bytes message, std::vector<SharedBytes> attachment);
  // The peer sees the end of the stream; reading goes on. Precondition: outbound() is empty.
  void shut_down_sending();

 private:
  void schedule_flush();
  void flush();
  void read_done(const boost::system::error_code& error, std::size_t bytes);
  void write_done(const boost::system::error_code& error, std::size_t bytes);
  void report_if_quiet();

  Socket socket_;
  wire::FrameAssembler assembler_;
  wire::FrameQueue outbound_;
  std::vector<asio::const_buffer> write_buffers_;  // of the outstanding write
  bool reading_ = false;
  bool writing_ = false;
  bool flush_scheduled_ = false;
  bool ended_ = false;
  bool quiet_reported_ = false;
};

}  // namespace penstock::rpc
