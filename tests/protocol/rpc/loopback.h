// A server on a free loopback port, channels and raw sockets to it, in one thread: what the
// socket tests of this folder have in common.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/task.h"
#include "protocol/rpc/channel.h"
#include "protocol/rpc/server.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/frame.h"
#include "protocol/wire/handshake.pb.h"

namespace penstock::rpc::testing {

using std::chrono::milliseconds;

inline Deadline in(milliseconds time) { return std::chrono::steady_clock::now() + time; }
// Long enough never to be reached unless something hangs.
inline Deadline eventually() { return in(std::chrono::seconds(60)); }

inline Bytes to_bytes(std::string_view text) {
  const ByteView view = as_bytes(text);
  return {view.begin(), view.end()};
}

// Runs `task` to its end on `context`, and then whatever is ready; fails the test when it is stuck.
// No coroutine may be left suspended: destroying a context under one is undefined in Asio 1.81.
inline void run(asio::io_context& context, Task<void> task) {
  bool done = false;
  asio::co_spawn(context, std::move(task), [&](std::exception_ptr error) {
    done = true;
    context.stop();
    if (error) std::rethrow_exception(error);
  });
  context.restart();
  context.run_for(std::chrono::seconds(120));
  ASSERT_TRUE(done) << "the coroutine did not end";
  context.restart();
  while (context.poll() != 0) {
  }
}

// Answers with the request's own message and attachment.
inline Task<Response> echo(Request request) {
  Response response;
  response.message.assign(request.message.view().begin(), request.message.view().end());
  if (!request.attachment.empty()) response.attachment.push_back(request.attachment);
  co_return response;
}

inline ServerOptions any_port() {
  ServerOptions options;
  options.listen = {"127.0.0.1", 0};
  options.cluster_id = *Uuid::parse("000102030405060708090a0b0c0d0e0f");
  options.broker_id = 7;
  options.software = "penstockd/test";
  return options;
}

inline std::unique_ptr<Server> start_server(asio::io_context& context, Handler handler = echo,
                                            ServerOptions options = any_port()) {
  auto server = Server::start(context.get_executor(), std::move(options), std::move(handler));
  EXPECT_TRUE(server) << server.error().to_string();
  return *std::move(server);
}

inline Endpoint address_of(const Server& server) { return {"127.0.0.1", server.port()}; }

inline Task<std::unique_ptr<Channel>> open_channel(const Server& server,
                                                   ChannelOptions options = {}) {
  auto channel = co_await Channel::open(address_of(server), std::move(options), eventually());
  EXPECT_TRUE(channel) << channel.error().to_string();
  co_return *std::move(channel);
}

// Lets requests wait until the test opens it, and notes what happened to them. Requests that still
// wait when the test ends keep what they use.
class Gate {
 public:
  explicit Gate(asio::io_context& context)
      : state_(std::make_shared<State>(context.get_executor())) {}

  // Echoes at once, except for Fetch and CreateTopic, which wait here first.
  Handler handler();
  void open();
  int waiting() const { return state_->waiting; }
  int cancelled() const { return state_->cancelled; }
  // Messages in the order in which their requests began.
  const std::vector<std::string>& began() const { return state_->began; }
  // Until `count` requests wait.
  Task<void> wait_for(int count);

 private:
  struct State {
    explicit State(asio::any_io_executor executor) : wakeup(std::move(executor)) {}
    Wakeup wakeup;
    bool open = false;
    int waiting = 0;
    int cancelled = 0;
    std::vector<std::string> began;
  };
  static Task<Response> serve(std::shared_ptr<State> state, Request request);

  std::shared_ptr<State> state_;
};

// A peer that writes whatever the test wants.
class RawClient {
 public:
  using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::any_io_executor>;

  RawClient(asio::io_context& context, const Server& server) : socket_(context.get_executor()) {
    socket_.connect({asio::ip::make_address("127.0.0.1"), server.port()});
    socket_.non_blocking(true);
  }

  // Waits for room; false when the peer has closed.
  Task<bool> write(Bytes bytes);
  // The next frame; none when the peer has closed.
  Task<std::optional<std::pair<wire::FrameHeader, Bytes>>> read_frame();
  // Reads until the peer closes and drops what comes.
  Task<void> wait_for_close();
  Socket& socket() { return socket_; }
  void reset_connection();

 private:
  Task<bool> read_exactly(MutableByteView into);
  Socket socket_;
};

Bytes request_frame(wire::Api api, std::uint16_t version, std::uint64_t correlation,
                    const Bytes& message, const Bytes& attachment = {});
Bytes handshake_frame(std::uint64_t correlation = 1);

}  // namespace penstock::rpc::testing
