// Binding, connecting, and what both say when it does not work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/protocol/rpc/loopback.h"
#include "tests/protocol/wire/documented_bytes.h"

namespace penstock::rpc::testing {
namespace {

using ::testing::HasSubstr;

TEST(Listening, AnAddressInUseNamesThePort) {
  asio::io_context context;
  auto first = start_server(context);
  ServerOptions options = any_port();
  options.listen.port = first->port();
  const auto second = Server::start(context.get_executor(), options, echo);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Errc::kAlreadyExists);
  EXPECT_THAT(second.error().message(), HasSubstr(std::to_string(first->port())));
}

TEST(Listening, APortIsFreeAgainAsSoonAsTheServerIsGone) {
  asio::io_context context;
  ServerOptions options = any_port();
  for (int round = 0; round < 3; ++round) {
    auto server = start_server(context, echo, options);
    options.listen.port = server->port();
    run(context, [](Server& server) -> Task<void> {
      auto channel = co_await open_channel(server);
      co_await server.drain(eventually());
      co_await channel->close();
    }(*server));
  }
}

TEST(Listening, ServersMayShareAPortWhenBothSaySo) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.reuse_port = true;
  auto first = start_server(context, echo, options);
  options.listen.port = first->port();
  auto second = start_server(context, echo, options);
  EXPECT_EQ(first->port(), second->port());
}

TEST(Listening, AForeignAddressOrHostIsAnInvalidArgument) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.listen.host = "192.0.2.1";
  EXPECT_EQ(Server::start(context.get_executor(), options, echo).error().code(),
            Errc::kInvalidArgument);
  options.listen.host = "no host at all";
  EXPECT_EQ(Server::start(context.get_executor(), options, echo).error().code(),
            Errc::kInvalidArgument);
}

TEST(Listening, LimitsThatContradictEachOtherAreRefused) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.max_request_memory_bytes = options.max_frame_bytes;
  EXPECT_EQ(Server::start(context.get_executor(), options, echo).error().code(),
            Errc::kInvalidArgument);
  options = any_port();
  options.limits.requests_in_flight = 0;
  EXPECT_EQ(Server::start(context.get_executor(), options, echo).error().code(),
            Errc::kInvalidArgument);
}

TEST(Listening, NamesAreResolvedOnBothSides) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.listen.host = "localhost";
  auto server = start_server(context, echo, options);
  run(context, [](Endpoint peer) -> Task<void> {
    auto channel = co_await Channel::open(peer, {}, eventually());
    EXPECT_TRUE(channel) << channel.error().to_string();
    co_await (*channel)->close();
  }({"localhost", server->port()}));
}

// UBSan probes the memory of an object through a pipe: without descriptors it finds every object
// bad.
#if defined(__has_feature) && __has_feature(undefined_behavior_sanitizer)
constexpr bool kChecksNeedDescriptors = true;
#else
constexpr bool kChecksNeedDescriptors = false;
#endif

TEST(Listening, OutOfDescriptorsTheServerPausesInsteadOfSpinning) {
  if (kChecksNeedDescriptors) GTEST_SKIP() << "the sanitizer itself needs descriptors";
  asio::io_context context;
  ServerOptions options = any_port();
  options.limits.accept_pause = std::chrono::hours(1);
  auto server = start_server(context, echo, options);
  RawClient client(context, *server);
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const int first_free = ::dup(0);
  ::close(first_free);
  const rlimit none_left{.rlim_cur = static_cast<rlim_t>(first_free),
                         .rlim_max = old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  for (int i = 0; i < 1000; ++i) context.poll();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old_limit), 0);
  EXPECT_EQ(server->stats().accept_failures_total, 1);
}

TEST(Listening, OnceDescriptorsAreBackTheServerAcceptsAgain) {
  if (kChecksNeedDescriptors) GTEST_SKIP() << "the sanitizer itself needs descriptors";
  asio::io_context context;
  ServerOptions options = any_port();
  options.limits.accept_pause = milliseconds(1);
  auto server = start_server(context, echo, options);
  RawClient client(context, *server);
  rlimit old_limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old_limit), 0);
  const int first_free = ::dup(0);
  ::close(first_free);
  const rlimit none_left{.rlim_cur = static_cast<rlim_t>(first_free),
                         .rlim_max = old_limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  while (server->stats().accept_failures_total < 3) context.run_one();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old_limit), 0);
  run(context, [](RawClient& client) -> Task<void> {
    EXPECT_TRUE(co_await client.write(handshake_frame()));
    EXPECT_TRUE(co_await client.read_frame());
  }(client));
}

TEST(Listening, ConnectionsOverTheLimitAreTurnedAwayUntilOthersLeave) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.max_connections_per_address = 20;
  auto server = start_server(context, echo, options);
  run(context, [](asio::io_context& context, Server& server) -> Task<void> {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(std::make_unique<RawClient>(context, server));
    while (server.stats().connections_total < 100) co_await sleep_for(milliseconds(1));
    EXPECT_EQ(server.stats().connections_open, 20);
    EXPECT_EQ(server.stats().connections_refused_total, 80);
    for (int i = 20; i < 100; ++i) co_await clients[static_cast<std::size_t>(i)]->wait_for_close();
    clients[0]->socket().close();
    while (server.stats().connections_open != 19) co_await sleep_for(milliseconds(1));
    auto channel = co_await open_channel(server);
    EXPECT_TRUE(channel->is_open());
    co_await channel->close();
  }(context, *server));
}

TEST(Listening, TheLimitOfAllConnectionsHoldsToo) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.max_connections = 5;
  auto server = start_server(context, echo, options);
  run(context, [](asio::io_context& context, Server& server) -> Task<void> {
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 8; ++i) clients.push_back(std::make_unique<RawClient>(context, server));
    while (server.stats().connections_total < 8) co_await sleep_for(milliseconds(1));
    EXPECT_EQ(server.stats().connections_open, 5);
    auto refused = co_await Channel::open(address_of(server), {}, eventually());
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Errc::kConnectFailed);
  }(context, *server));
}

TEST(Connecting, ARefusedConnectionIsCertainlyNotDone) {
  asio::io_context context;
  auto server = start_server(context);
  const Endpoint gone = address_of(*server);
  server.reset();
  run(context, [](Endpoint gone) -> Task<void> {
    const auto channel = co_await Channel::open(gone, {}, eventually());
    EXPECT_FALSE(channel);
    EXPECT_EQ(channel.error().code(), Errc::kConnectFailed);
    EXPECT_EQ(channel.error().outcome(), Outcome::kNotDone);
    EXPECT_THAT(channel.error().message(), HasSubstr(gone.to_string()));
  }(gone));
}

TEST(Connecting, ASilentPeerIsGivenUpAtTheDeadline) {
  asio::io_context context;
  asio::ip::tcp::acceptor silent(context, {asio::ip::make_address("127.0.0.1"), 0});
  run(context, [](Endpoint peer) -> Task<void> {
    const auto channel = co_await Channel::open(peer, {}, in(milliseconds(20)));
    EXPECT_FALSE(channel);
    EXPECT_EQ(channel.error().code(), Errc::kConnectFailed);
  }({"127.0.0.1", silent.local_endpoint().port()}));
}

TEST(Connecting, ADeadlineThatHasPassedIsAFailureToConnect) {
  asio::io_context context;
  auto server = start_server(context);
  run(context, [](Endpoint peer) -> Task<void> {
    const auto channel = co_await Channel::open(peer, {}, in(milliseconds(-1)));
    EXPECT_FALSE(channel);
    EXPECT_EQ(channel.error().code(), Errc::kConnectFailed);
  }(address_of(*server)));
}

// Accepts one connection and answers with fixed bytes.
Task<void> answer_with(asio::ip::tcp::acceptor& acceptor, Bytes bytes) {
  auto socket = co_await acceptor.async_accept(asio::use_awaitable);
  (void)co_await socket.async_write_some(asio::buffer(bytes), asio::use_awaitable);
  co_await sleep_for(milliseconds(50));
}

Errc open_against(Bytes answer) {
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor(context, {asio::ip::make_address("127.0.0.1"), 0});
  Errc code = Errc::kOk;
  run(context, [](asio::ip::tcp::acceptor& acceptor, Bytes answer, Errc& code) -> Task<void> {
    TaskGroup peer(co_await asio::this_coro::executor);
    peer.spawn("peer", answer_with(acceptor, std::move(answer)));
    const Endpoint address{"127.0.0.1", acceptor.local_endpoint().port()};
    const auto channel = co_await Channel::open(address, {}, eventually());
    if (!channel) code = channel.error().code();
    co_await peer.wait();
  }(acceptor, std::move(answer), code));
  return code;
}

// A peer that answers the handshake, and nothing else.
struct SilentPeer {
  explicit SilentPeer(asio::io_context& context)
      : acceptor(context, {asio::ip::make_address("127.0.0.1"), 0}) {}

  Task<void> serve() {
    auto socket = co_await acceptor.async_accept(asio::use_awaitable);
    const Bytes hello = wire::documented_bytes("handshake-response");
    (void)co_await socket.async_write_some(asio::buffer(hello), asio::use_awaitable);
    std::array<char, 4096> bytes;
    while (!found) {
      auto [error, count] =
          co_await socket.async_read_some(asio::buffer(bytes), asio::as_tuple(asio::use_awaitable));
      found = error;
      if (!error) ++heard;
    }
  }

  asio::ip::tcp::acceptor acceptor;
  int heard = 0;                    // times
  boost::system::error_code found;  // how the connection ended
};

Task<void> ask_in_vain(Channel& channel) {
  EXPECT_FALSE(co_await channel.call(wire::Api::kProduce, {}, {}, eventually()));
}

boost::system::error_code end_of_connection(bool with_a_call) {
  asio::io_context context;
  SilentPeer peer(context);
  run(context, [](SilentPeer& peer, bool with_a_call) -> Task<void> {
    TaskGroup tasks(co_await asio::this_coro::executor);
    tasks.spawn("peer", peer.serve());
    const Endpoint address{"127.0.0.1", peer.acceptor.local_endpoint().port()};
    const auto channel = *co_await Channel::open(address, {}, eventually());
    if (with_a_call) {
      const int before = peer.heard;
      tasks.spawn("call", ask_in_vain(*channel));
      while (peer.heard == before) co_await sleep_for(milliseconds(1));
    }
    co_await channel->close();
    co_await tasks.wait();
  }(peer, with_a_call));
  return peer.found;
}

TEST(Closing, WhatHasNoAnswerIsTakenBack) {
  EXPECT_EQ(end_of_connection(/*with_a_call=*/false), asio::error::eof) << "in order";
  EXPECT_EQ(end_of_connection(/*with_a_call=*/true), asio::error::connection_reset)
      << "nothing of it comes later, behind what was asked elsewhere meanwhile";
}

TEST(Connecting, APeerThatIsNoBrokerIsRecognised) {
  EXPECT_EQ(open_against(to_bytes("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")),
            Errc::kBadFrame);
  EXPECT_EQ(open_against(request_frame(wire::Api::kHandshake, 1, 1, {})), Errc::kBadFrame)
      << "a request instead of an answer";
  Bytes other = wire::documented_bytes("handshake-response");
  other.back() ^= std::byte{1};
  EXPECT_EQ(open_against(other), Errc::kBadFrame) << "a damaged answer";
}

TEST(Connecting, TheDocumentedAnswerOpensAChannel) {
  EXPECT_EQ(open_against(wire::documented_bytes("handshake-response")), Errc::kOk);
}

TEST(Connecting, TheDocumentedSessionIsWhatABrokerDoes) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.broker_id = 1;
  options.software = "penstockd/0.1.0";
  auto server = start_server(context, echo, options);
  RawClient client(context, *server);
  run(context, [](RawClient& client) -> Task<void> {
    EXPECT_TRUE(co_await client.write(wire::documented_bytes("handshake-request")));
    const auto answer = co_await client.read_frame();
    EXPECT_TRUE(answer);
    const Bytes expected = wire::documented_bytes("handshake-response");
    EXPECT_TRUE(equal(answer->second, ByteView(expected).subspan(wire::kFrameHeaderSize)));
  }(client));
}

}  // namespace
}  // namespace penstock::rpc::testing
