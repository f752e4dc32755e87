// A channel and a server over loopback: what callers see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "protocol/wire/error_message.h"
#include "tests/protocol/rpc/loopback.h"

namespace penstock::rpc::testing {
namespace {

using wire::Api;

TEST(Calls, TheHandshakeTellsWhoTheBrokerIs) {
  asio::io_context context;
  auto server = start_server(context);
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server);
    EXPECT_EQ(channel->peer().cluster_id.to_string(), "000102030405060708090a0b0c0d0e0f");
    EXPECT_EQ(channel->peer().broker_id, 7);
    EXPECT_EQ(channel->peer().software, "penstockd/test");
    EXPECT_EQ(channel->peer().max_frame_bytes, 16U << 20);
    EXPECT_EQ(channel->peer().max_in_flight_requests, 64);
    EXPECT_TRUE(channel->is_open());
    co_await channel->close();
    EXPECT_FALSE(channel->is_open());
  }(*server));
}

TEST(Calls, MessageAndAttachmentComeBackAsTheyWereSent) {
  asio::io_context context;
  auto server = start_server(context);
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server);
    std::vector<SharedBytes> parts;
    parts.emplace_back(to_bytes("small "));
    parts.emplace_back(to_bytes(std::string(10'000, 'x')));
    parts.emplace_back(to_bytes(" end"));
    auto reply = co_await channel->call(Api::kProduce, to_bytes("hello"), parts, eventually());
    EXPECT_TRUE(reply) << reply.error().to_string();
    EXPECT_EQ(as_text(reply->message.view()), "hello");
    EXPECT_EQ(as_text(reply->attachment.view()), "small " + std::string(10'000, 'x') + " end");
    co_await channel->close();
  }(*server));
}

TEST(Calls, LargeAttachmentsPassWhole) {
  asio::io_context context;
  auto server = start_server(context);
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server);
    MutableByteView bytes;
    const SharedBytes attachment = SharedBytes::allocate(8U << 20, bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 >> 3);
    for (int round = 0; round < 3; ++round) {
      std::vector<SharedBytes> parts{attachment};
      auto reply = co_await channel->call(Api::kProduce, {}, parts, eventually());
      EXPECT_TRUE(reply && equal(reply->attachment.view(), attachment.view()));
    }
    co_await channel->close();
  }(*server));
}

Task<void> call_once(Channel& channel, std::string text, int& right) {
  auto reply = co_await channel.call(Api::kFetch, to_bytes(text), {}, eventually());
  if (reply && as_text(reply->message.view()) == text) ++right;
}

TEST(Calls, AThousandAtOnceEachGetTheirOwnAnswer) {
  asio::io_context context;
  auto server = start_server(context);
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server);
    TaskGroup calls(co_await asio::this_coro::executor);
    int right = 0;
    for (int i = 0; i < 1000; ++i) {
      calls.spawn("call", call_once(*channel, "call " + std::to_string(i), right));
    }
    co_await calls.wait();
    EXPECT_EQ(right, 1000);
    co_await channel->close();
  }(*server));
}

Task<void> call_and_note(Channel& channel, Api api, std::string text, Deadline deadline,
                         std::vector<std::string>& ended) {
  auto reply = co_await channel.call(api, to_bytes(text), {}, deadline);
  ended.push_back(text + " " + (reply ? "answered" : std::string(info(reply.error().code()).name)));
}

TEST(Calls, BeginInOrderAndEndInAnyOrder) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](Server& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(server);
    TaskGroup calls(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    calls.spawn("a", call_and_note(*channel, Api::kFetch, "slow", eventually(), ended));
    calls.spawn("b", call_and_note(*channel, Api::kProduce, "quick", eventually(), ended));
    co_await gate.wait_for(1);
    while (ended.empty()) co_await sleep_for(milliseconds(1));
    EXPECT_EQ(ended, std::vector<std::string>{"quick answered"});
    gate.open();
    co_await calls.wait();
    EXPECT_THAT(ended, ::testing::ElementsAre("quick answered", "slow answered"));
    EXPECT_THAT(gate.began(), ::testing::ElementsAre("slow", "quick"));
    co_await channel->close();
  }(*server, gate));
}

TEST(Calls, ADeadlineEndsOneCallAndTheLateAnswerHurtsNobody) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](Server& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(server);
    std::vector<std::string> ended;
    co_await call_and_note(*channel, Api::kFetch, "slow", in(milliseconds(20)), ended);
    EXPECT_EQ(ended, std::vector<std::string>{"slow Timeout"});
    gate.open();
    co_await call_and_note(*channel, Api::kFetch, "next", eventually(), ended);
    EXPECT_EQ(ended.back(), "next answered");
    co_await channel->close();
  }(*server, gate));
}

TEST(Calls, DeadlinesInAnyOrderEachEndTheirOwnCall) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](Server& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(server);
    TaskGroup calls(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    for (int i = 0; i < 20; ++i) {
      const auto time = milliseconds((i * 7) % 20 * 2 + 5);
      calls.spawn("call", call_and_note(*channel, Api::kFetch, "call", in(time), ended));
    }
    co_await calls.wait();
    EXPECT_EQ(std::ranges::count(ended, "call Timeout"), 20);
    gate.open();
    co_await gate.wait_for(0);
    co_await channel->close();
  }(*server, gate));
}

TEST(Calls, TheEndOfTheConnectionEndsEveryCallAsUnknown) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](std::unique_ptr<Server>& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(*server);
    TaskGroup calls(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    for (int i = 0; i < 50; ++i) {
      calls.spawn("call", call_and_note(*channel, Api::kFetch, "call", eventually(), ended));
    }
    co_await gate.wait_for(50);
    server.reset();
    co_await calls.wait();
    EXPECT_EQ(std::ranges::count(ended, "call ConnectionLost"), 50);
    EXPECT_FALSE(channel->is_open());
    co_await call_and_note(*channel, Api::kFetch, "after", eventually(), ended);
    EXPECT_EQ(ended.back(), "after ConnectionLost");
    co_await gate.wait_for(0);
    co_await channel->close();
  }(server, gate));
}

TEST(Calls, ACancelledCallerLeavesAndTheChannelGoesOn) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](Server& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(server);
    TaskGroup calls(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    calls.spawn("call", call_and_note(*channel, Api::kFetch, "slow", eventually(), ended));
    co_await gate.wait_for(1);
    calls.cancel();
    co_await calls.wait();
    EXPECT_EQ(ended, std::vector<std::string>{"slow Cancelled"});
    co_await call_and_note(*channel, Api::kProduce, "quick", eventually(), ended);
    EXPECT_EQ(ended.back(), "quick answered");
    gate.open();
    co_await gate.wait_for(0);
    co_await channel->close();
  }(*server, gate));
}

TEST(Calls, ClosingEndsTheCallsUnderWay) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](Server& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(server);
    TaskGroup calls(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    calls.spawn("call", call_and_note(*channel, Api::kFetch, "slow", eventually(), ended));
    co_await gate.wait_for(1);
    co_await channel->close();
    co_await channel->close();  // twice does no harm
    co_await calls.wait();
    EXPECT_EQ(ended, std::vector<std::string>{"slow ConnectionLost"});
    co_await gate.wait_for(0);  // nobody waits for the answer any more
  }(*server, gate));
}

TEST(Calls, AChannelThatGoesAwayWithCallsUnderWayEndsThem) {
  asio::io_context context;
  Gate gate(context);
  auto server = start_server(context, gate.handler());
  run(context, [](Server& server, Gate& gate) -> Task<void> {
    auto channel = co_await open_channel(server);
    TaskGroup calls(co_await asio::this_coro::executor);
    std::vector<std::string> ended;
    calls.spawn("call", call_and_note(*channel, Api::kFetch, "slow", eventually(), ended));
    co_await gate.wait_for(1);
    channel.reset();
    co_await calls.wait();
    EXPECT_EQ(ended, std::vector<std::string>{"slow ConnectionLost"});
    co_await gate.wait_for(0);  // nobody waits for the answer any more
  }(*server, gate));
}

TEST(Calls, ARequestThatTheBrokerWouldNotTakeIsNotSent) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.max_frame_bytes = 1000;
  auto server = start_server(context, echo, options);
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server);
    auto fits = co_await channel->call(Api::kProduce, Bytes(1000 - 32), {}, eventually());
    EXPECT_TRUE(fits);
    auto reply = co_await channel->call(Api::kProduce, Bytes(1000 - 31), {}, eventually());
    EXPECT_FALSE(reply);
    EXPECT_EQ(reply.error().code(), Errc::kFrameTooLarge);
    EXPECT_TRUE(channel->is_open());
    co_await channel->close();
  }(*server));
}

TEST(Calls, AnAnswerOverTheClientsLimitEndsTheConnection) {
  asio::io_context context;
  auto server = start_server(context);
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server, {.max_response_bytes = 1000});
    auto reply = co_await channel->call(Api::kProduce, Bytes(1001), {}, eventually());
    EXPECT_FALSE(reply);
    EXPECT_EQ(reply.error().code(), Errc::kBadFrame);
    EXPECT_FALSE(channel->is_open());
    co_await channel->close();
  }(*server));
}

Task<void> send_large(Channel& channel, std::size_t size, int& right) {
  std::vector<SharedBytes> parts;
  parts.emplace_back(Bytes(size, std::byte{1}));
  auto reply = co_await channel.call(Api::kProduce, {}, std::move(parts), eventually());
  if (reply && reply->attachment.size() == size) ++right;
}

TEST(Calls, MoreBytesThanMayBeInFlightWaitTheirTurn) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.max_frame_bytes = 1U << 20;
  options.max_request_memory_bytes = 2U << 20;  // a few requests at a time
  auto server = start_server(context, echo, options);
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server, {.max_in_flight_bytes = 3U << 20});
    auto other = co_await open_channel(server);
    TaskGroup calls(co_await asio::this_coro::executor);
    int right = 0;
    for (int i = 0; i < 50; ++i) {
      calls.spawn("call", send_large(*channel, 900'000, right));
      calls.spawn("call", send_large(*other, 700'000, right));
    }
    co_await calls.wait();
    EXPECT_EQ(right, 100);
    EXPECT_EQ(server.stats().request_memory_bytes, 0);
    co_await channel->close();
    co_await other->close();
  }(*server));
}

TEST(Calls, AClientThatDoesNotReadItsAnswersDoesNotStandInFrontOfTheOthers) {
  asio::io_context context;
  Gate gate(context);
  ServerOptions options = any_port();
  options.max_frame_bytes = 17U << 20;
  options.max_request_memory_bytes = 18U << 20;
  options.limits.outbound_pause_bytes = 1;
  options.limits.write_stall_time = std::chrono::minutes(10);
  auto server = start_server(context, gate.handler(), options);
  RawClient greedy(context, *server);
  run(context, [](Server& server, Gate& gate, RawClient& greedy) -> Task<void> {
    auto honest = co_await open_channel(server);
    EXPECT_TRUE(co_await greedy.write(handshake_frame(1)));
    EXPECT_TRUE(co_await greedy.read_frame());
    constexpr std::size_t kNearlyAll = 16U << 20;
    EXPECT_TRUE(co_await greedy.write(
        request_frame(Api::kFetch, 1, 2, to_bytes("large"), Bytes(kNearlyAll))));
    co_await gate.wait_for(1);
    // Waits for memory in front of everybody; once there is some, its first answer is in its way.
    EXPECT_TRUE(co_await greedy.write(
        request_frame(Api::kProduce, 1, 3, to_bytes("next"), Bytes(4U << 20))));
    co_await sleep_for(milliseconds(5));
    gate.open();
    EXPECT_TRUE(
        co_await honest->call(Api::kProduce, to_bytes("small"), {}, in(milliseconds(5'000))));
    EXPECT_EQ(server.stats().requests_total, 2);
    co_await honest->close();
    greedy.reset_connection();
    while (server.stats().connections_open != 0) co_await sleep_for(milliseconds(1));
    EXPECT_EQ(server.stats().request_memory_bytes, 0);
  }(*server, gate, greedy));
}

TEST(Calls, AnErrorInTheAnswerIsTheErrorOfATypedCall) {
  asio::io_context context;
  auto server = start_server(context, [](Request) -> Task<Response> {
    wire::v1::ErrorResponse response;
    wire::set_error(response, Error(Errc::kDiskFull, "no space"));
    co_return Response{.message = serialize(response), .attachment = {}};
  });
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server);
    auto reply = co_await call<wire::v1::HandshakeResponse>(
        *channel, Api::kProduce, wire::v1::HandshakeRequest(), {}, eventually());
    EXPECT_FALSE(reply);
    EXPECT_EQ(reply.error().to_string(), "DiskFull: no space");
    co_await channel->close();
  }(*server));
}

TEST(Calls, TheHandlerSeesWhoAsksAndOverWhichAddress) {
  asio::io_context context;
  auto server = start_server(context, [](Request request) -> Task<Response> {
    const ConnectionInfo& who = *request.connection;
    co_return Response{.message = to_bytes(who.client_name + " " + who.local.to_string() + " " +
                                           who.peer.substr(0, who.peer.find(':'))),
                       .attachment = {}};
  });
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server, {.client_name = "a test"});
    auto reply = co_await channel->call(Api::kFetch, {}, {}, eventually());
    EXPECT_EQ(as_text(reply->message.view()),
              "a test 127.0.0.1:" + std::to_string(server.port()) + " 127.0.0.1");
    co_await channel->close();
  }(*server));
}

TEST(Calls, ClientAndServerMayLiveInDifferentThreads) {
  asio::io_context server_context;
  auto work = asio::make_work_guard(server_context);
  auto server = start_server(server_context);
  const Endpoint address = address_of(*server);
  std::thread thread([&] { server_context.run(); });
  asio::io_context context;
  run(context, [](Endpoint address) -> Task<void> {
    auto channel = co_await Channel::open(address, {}, eventually());
    TaskGroup calls(co_await asio::this_coro::executor);
    int right = 0;
    for (int i = 0; i < 500; ++i) calls.spawn("call", send_large(**channel, 50'000, right));
    co_await calls.wait();
    EXPECT_EQ(right, 500);
    co_await (*channel)->close();
  }(address));
  asio::post(server_context, [&] { server.reset(); });
  work.reset();
  thread.join();
}

}  // namespace
}  // namespace penstock::rpc::testing
