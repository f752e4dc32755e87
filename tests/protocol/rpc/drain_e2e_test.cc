// How a server ends: what is under way is answered, what was not begun is refused, nothing is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/wire/error_message.h"
#include "tests/protocol/rpc/loopback.h"

namespace penstock::rpc::testing {
namespace {

using wire::Api;

Task<void> call_and_note(Channel& channel, Api api, std::string text,
                         std::vector<std::string>& ended) {
  auto reply = co_await channel.call(api, to_bytes(text), {}, eventually());
  if (!reply) {
    ended.push_back(text + " " + std::string(info(reply.error().code()).name));
    co_return;
  }
  wire::v1::ErrorResponse refused;
  const bool is_echo = as_text(reply->message.view()) == text;
  if (!is_echo) EXPECT_TRUE(deserialize(reply->message.view(), refused));
  ended.push_back(
      text + " " +
      (is_echo ? "answered" : std::string(info(wire::from_wire(refused.error()).code()).name)));
}

Task<void> drain_and_note(Server& server, Deadline deadline, bool& drained) {
  co_await server.drain(deadline);
  drained = true;
}

TEST(Drain, WhatIsUnderWayIsAnsweredAndNewClientsAreTurnedAway) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](Server& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(server);
    TaskGroup tasks(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    bool drained = false;
    for (int i = 0; i < 10; ++i) {
      tasks.spawn("call", call_and_note(*channel, Api::kFetch, "slow", ended));
    }
    co_await gate.wait_for(10);
    tasks.spawn("drain", drain_and_note(server, eventually(), drained));
    co_await sleep_for(milliseconds(5));
    EXPECT_FALSE(drained);
    auto late = co_await Channel::open(address_of(server), {}, eventually());
    EXPECT_FALSE(late);
    EXPECT_EQ(late.error().code(), Errc::kConnectFailed);
    gate.open();
    co_await tasks.wait();
    EXPECT_TRUE(drained);
    EXPECT_EQ(std::ranges::count(ended, "slow answered"), 10);
    EXPECT_FALSE(channel->is_open());
    EXPECT_EQ(server.stats().connections_open, 0);
    EXPECT_EQ(server.stats().request_memory_bytes, 0);
    co_await channel->close();
  }(*server, gate));
}

TEST(Drain, AServerWithoutClientsIsDrainedAtOnce) {
  asio::io_context context;
  auto server = start_server(context);
  run(context, [](Server& server) -> Task<void> { co_await server.drain(eventually()); }(*server));
}

TEST(Drain, SilentConnectionsAreClosed) {
  asio::io_context context;
  auto server = start_server(context);
  RawClient stranger(context, *server);
  run(context, [](Server& server, RawClient& stranger) -> Task<void> {
    auto idle = co_await open_channel(server);
    while (server.stats().connections_open < 2) co_await sleep_for(milliseconds(1));
    TaskGroup tasks(co_await asio::this_coro::executor);
    tasks.spawn("stranger", stranger.wait_for_close());
    bool drained = false;
    tasks.spawn("drain", drain_and_note(server, eventually(), drained));
    while (idle->is_open()) co_await sleep_for(milliseconds(1));
    while (server.stats().connections_open > 1) co_await sleep_for(milliseconds(1));
    stranger.socket().close();
    co_await tasks.wait();
    co_await idle->close();
  }(*server, stranger));
}

TEST(Drain, APeerThatDoesNotCloseItsSideIsNotWaitedForLongerThanTheLinger) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.limits.linger_time = milliseconds(20);
  auto server = start_server(context, echo, options);
  RawClient stranger(context, *server);
  run(context, [](Server& server) -> Task<void> {
    while (server.stats().connections_open < 1) co_await sleep_for(milliseconds(1));
    co_await server.drain(eventually());
    EXPECT_EQ(server.stats().connections_open, 0);
  }(*server));
}

TEST(Drain, ARequestThatWasReceivedButNotBegunIsRefusedWithCertainty) {
  asio::io_context context;
  Gate gate(context);
  ServerOptions options = any_port();
  options.limits.requests_in_flight = 1;
  auto server = start_server(context, gate.handler(), options);
  RawClient client(context, *server);
  run(context, [](Server& server, Gate& gate, RawClient& client) -> Task<void> {
    Bytes frames = handshake_frame(1);
    for (const std::uint64_t correlation : {2, 3}) {
      const Bytes frame = request_frame(Api::kFetch, 1, correlation, to_bytes("slow"));
      frames.insert(frames.end(), frame.begin(), frame.end());
    }
    EXPECT_TRUE(co_await client.write(frames));
    co_await gate.wait_for(1);
    TaskGroup tasks(co_await asio::this_coro::executor);
    bool drained = false;
    tasks.spawn("drain", drain_and_note(server, eventually(), drained));
    co_await sleep_for(milliseconds(1));
    gate.open();
    EXPECT_TRUE(co_await client.read_frame()) << "the handshake";
    const auto answered = co_await client.read_frame();
    EXPECT_EQ(answered->first.correlation, 2);
    EXPECT_EQ(answered->second, to_bytes("slow"));
    const auto refused = co_await client.read_frame();
    EXPECT_EQ(refused->first.correlation, 3);
    wire::v1::ErrorResponse error;
    EXPECT_TRUE(deserialize(refused->second, error));
    EXPECT_EQ(wire::from_wire(error.error()).code(), Errc::kShuttingDown);
    EXPECT_FALSE(co_await client.read_frame()) << "and then the end";
    client.socket().close();
    co_await tasks.wait();
    EXPECT_TRUE(drained);
    EXPECT_EQ(gate.began().size(), 1);
  }(*server, gate, client));
}

TEST(Drain, AtTheDeadlineWhatStillRunsIsCancelledAndTheServerIsDone) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](Server& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(server);
    TaskGroup tasks(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    tasks.spawn("call", call_and_note(*channel, Api::kFetch, "poll", ended));
    tasks.spawn("call", call_and_note(*channel, Api::kCreateTopic, "change", ended));
    co_await gate.wait_for(2);
    co_await server.drain(in(milliseconds(10)));
    EXPECT_EQ(gate.waiting(), 0) << "no handler runs any more";
    EXPECT_EQ(gate.cancelled(), 2);
    co_await tasks.wait();
    EXPECT_THAT(ended,
                ::testing::UnorderedElementsAre("poll ConnectionLost", "change ConnectionLost"));
    co_await channel->close();
  }(*server, gate));
}

TEST(Drain, AnswersThatAreStillLeavingReachAClientThatReadsSlowly) {
  asio::io_context context;
  auto server = start_server(context);
  RawClient client(context, *server);
  run(context, [](Server& server, RawClient& client) -> Task<void> {
    EXPECT_TRUE(co_await client.write(handshake_frame(1)));
    EXPECT_TRUE(co_await client.read_frame());
    constexpr std::size_t kSize = 6U << 20;
    EXPECT_TRUE(co_await client.write(request_frame(Api::kProduce, 1, 2, {}, Bytes(kSize))));
    while (server.stats().requests_total < 1) co_await sleep_for(milliseconds(1));
    TaskGroup tasks(co_await asio::this_coro::executor);
    bool drained = false;
    tasks.spawn("drain", drain_and_note(server, eventually(), drained));
    co_await sleep_for(milliseconds(5));
    // Bytes that the server will never read must not cost us the answer.
    EXPECT_TRUE(co_await client.write(request_frame(Api::kProduce, 1, 3, Bytes(1000))));
    const auto answer = co_await client.read_frame();
    EXPECT_TRUE(answer);
    if (answer) EXPECT_EQ(answer->first.attachment_bytes, kSize);
    client.socket().close();
    co_await tasks.wait();
    EXPECT_TRUE(drained);
  }(*server, client));
}

TEST(Drain, AFrameThatIsStillComingIsDroppedWithoutHarm) {
  asio::io_context context;
  auto server = start_server(context);
  RawClient client(context, *server);
  run(context, [](Server& server, RawClient& client) -> Task<void> {
    EXPECT_TRUE(co_await client.write(handshake_frame(1)));
    EXPECT_TRUE(co_await client.read_frame());
    const Bytes frame = request_frame(Api::kProduce, 1, 2, {}, Bytes(2U << 20));
    const auto middle = frame.begin() + 1'000;
    EXPECT_TRUE(co_await client.write(Bytes(frame.begin(), middle)));
    while (server.stats().request_memory_bytes == 0) co_await sleep_for(milliseconds(1));
    TaskGroup tasks(co_await asio::this_coro::executor);
    bool drained = false;
    tasks.spawn("drain", drain_and_note(server, eventually(), drained));
    EXPECT_FALSE(co_await client.read_frame()) << "there is nothing to answer";
    // The read that was under way when the drain began ends with these.
    EXPECT_TRUE(co_await client.write(Bytes(middle, frame.end())));
    while (server.stats().request_memory_bytes != 0) co_await sleep_for(milliseconds(1));
    client.socket().close();
    co_await tasks.wait();
    EXPECT_TRUE(drained);
  }(*server, client));
}

TEST(LostConnection, EndsLongPollsButNotChanges) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](Server& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(server);
    TaskGroup tasks(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    tasks.spawn("call", call_and_note(*channel, Api::kFetch, "poll", ended));
    tasks.spawn("call", call_and_note(*channel, Api::kCreateTopic, "change", ended));
    co_await gate.wait_for(2);
    co_await channel->close();
    co_await gate.wait_for(1);
    EXPECT_EQ(gate.cancelled(), 1);
    EXPECT_EQ(server.stats().connections_open, 1) << "until its last request has ended";
    gate.open();
    co_await gate.wait_for(0);
    EXPECT_EQ(gate.cancelled(), 1);
    while (server.stats().connections_open != 0) co_await sleep_for(milliseconds(1));
    EXPECT_EQ(server.stats().request_memory_bytes, 0);
    co_await tasks.wait();
  }(*server, gate));
}

TEST(LostConnection, AServerThatGoesAwayWithoutDrainLeavesNothingBehind) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](std::unique_ptr<Server>& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(*server);
    TaskGroup tasks(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    tasks.spawn("call", call_and_note(*channel, Api::kFetch, "poll", ended));
    co_await gate.wait_for(1);
    server.reset();
    co_await gate.wait_for(0);
    co_await tasks.wait();
    EXPECT_THAT(ended, ::testing::ElementsAre("poll ConnectionLost"));
    co_await channel->close();
  }(server, gate));
}

}  // namespace
}  // namespace penstock::rpc::testing
