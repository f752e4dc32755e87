// A channel and a server over loopback: what callers see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace penstock::rpc::testing
