// Peers that do not play by the rules: each costs bounded memory and is closed, and honest clients
// are served meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "base/coding.h"
#include "base/random.h"
#include "protocol/wire/error_message.h"
#include "tests/protocol/rpc/loopback.h"

namespace penstock::rpc::testing {
namespace {

using wire::Api;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PENSTOCK_TEST_SANITIZED 1
#endif
#endif
#ifdef PENSTOCK_TEST_SANITIZED
constexpr bool kMemoryIsComparable = false;  // a sanitizer keeps what was freed
#else
constexpr bool kMemoryIsComparable = true;
#endif

// The limits of a server, a thousand times tighter, so that breaking one takes milliseconds.
ServerOptions impatient() {
  ServerOptions options = any_port();
  options.limits.handshake_time = milliseconds(40);
  options.limits.frame_time = milliseconds(40);
  options.limits.min_frame_bytes_per_second = 1U << 20;
  options.limits.max_frame_time = milliseconds(120);
  options.limits.write_stall_time = milliseconds(40);
  options.limits.linger_time = milliseconds(20);
  return options;
}

// Fetch answers a mebibyte, everything else is echoed.
Task<Response> serve(Request request) {
  if (request.api != Api::kFetch) co_return co_await echo(std::move(request));
  static const SharedBytes kMebibyte(Bytes(1U << 20));
  co_return Response{.message = {}, .attachment = {kMebibyte}};
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes with(Bytes frame, std::size_t at, std::uint32_t value) {
  store_le(&frame[at], value);
  return frame;
}

Bytes first(Bytes bytes, std::size_t size) {
  bytes.resize(size);
  return bytes;
}

Bytes garbage(std::size_t size) {
  Rng rng(size);
  Bytes bytes(size);
  for (std::byte& b : bytes) b = static_cast<std::byte>(rng.next());
  return bytes;
}

Bytes handshake_with(const std::string& name) {
  wire::v1::HandshakeRequest request;
  request.set_client_name(name);
  return request_frame(Api::kHandshake, 1, 1, serialize(request));
}

struct Attack {
  std::string name;
  Bytes at_once;
  Bytes dripping{};  // a byte every few milliseconds, again and again
};

std::vector<Attack> attacks() {
  const Bytes hello = handshake_frame(1);
  const Bytes request = request_frame(Api::kProduce, 1, 2, Bytes(100), Bytes(5000));
  Bytes response = handshake_frame(1);
  response[5] = std::byte{1};
  Bytes long_poll_flood = hello;
  for (std::uint64_t i = 0; i < 200; ++i) {
    long_poll_flood = joined({long_poll_flood, request_frame(Api::kFetch, 1, i, {})});
  }
  return {
      {"silence", {}},
      {"garbage", garbage(64U << 10)},
      {"another protocol", to_bytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n")},
      {"half a header", first(hello, 20)},
      {"half a handshake", first(hello, hello.size() - 1)},
      {"a huge message length", with(hello, 20, 0xffffffff)},
      {"a negative message length", with(hello, 20, 0x80000000)},
      {"a huge attachment length", with(hello, 24, 0xffffffff)},
      {"more than a stranger may send", with(hello, 24, 16U << 10)},
      {"wrong magic", with(hello, 0, 0x4b545351)},
      {"wrong checksum", with(hello, 28, 1)},
      {"wrong frame version", with(hello, 4, 0x00010002)},
      {"a response", response},
      {"reserved bits", with(hello, 8, 0x80000001)},
      {"a request before the handshake", request},
      {"a handshake that is no message", request_frame(Api::kHandshake, 1, 1, garbage(300))},
      {"a handshake with a long name", handshake_with(std::string(256, 'x'))},
      {"a handshake with an attachment",
       request_frame(Api::kHandshake, 1, 1, {}, to_bytes("attachment"))},
      {"the handshake twice", joined({hello, hello})},
      {"a dripping handshake", {}, hello},
      {"garbage after the handshake", joined({hello, garbage(10'000)})},
      {"half a request", joined({hello, first(request, 3000)})},
      {"a header only", joined({hello, first(request, 32)})},
      {"a huge length after the handshake", joined({hello, with(request, 24, 0xfffffff0)})},
      {"a dripping request", joined({hello, first(request, 100)}), Bytes(1)},
      {"a large request that never comes",
       joined({hello, first(with(request, 24, 15U << 20), 40)})},
      {"answers that nobody reads", long_poll_flood},
  };
}

Task<void> carry_out(RawClient& client, Attack attack) {
  if (!co_await client.write(attack.at_once)) co_return;
  while (!attack.dripping.empty()) {
    for (const std::byte b : attack.dripping) {
      if (!co_await client.write(Bytes{b})) co_return;
      if (!co_await sleep_for(milliseconds(2))) co_return;
    }
  }
}

Task<bool> honest_call(Channel& channel) {
  auto reply = co_await channel.call(Api::kProduce, to_bytes("honest"), {}, eventually());
  co_return reply&& as_text(reply->message.view()) == "honest";
}

// True when the server has got rid of the attacker, which never closes by itself.
Task<bool> is_closed(asio::io_context& context, Server& server, Channel& honest, Attack attack) {
  const std::uint64_t before = server.stats().connections_total;
  RawClient client(context, server);
  TaskGroup attacker(co_await asio::this_coro::executor);
  attacker.spawn(attack.name, carry_out(client, attack));
  while (server.stats().connections_total == before) co_await sleep_for(milliseconds(1));
  bool served = true;
  const Deadline give_up = in(std::chrono::seconds(20));
  while (server.stats().connections_open > 1 && std::chrono::steady_clock::now() < give_up) {
    served &= co_await honest_call(honest);
    co_await sleep_for(milliseconds(2));
  }
  EXPECT_TRUE(served) << attack.name << ": the honest client was not served";
  EXPECT_EQ(server.stats().request_memory_bytes, 0) << attack.name;
  const bool closed = server.stats().connections_open == 1;
  attacker.cancel();
  client.socket().close();
  co_await attacker.wait();
  co_return closed;
}

std::int64_t resident_kib() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total_pages = 0;
  std::int64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * 4;
}

TEST(Hostile, EveryAttackerIsClosedAndNothingStays) {
  asio::io_context context;
  auto server = start_server(context, serve, impatient());
  run(context, [](asio::io_context& context, Server& server) -> Task<void> {
    auto honest = co_await open_channel(server);
    std::size_t cases = 0;
    std::size_t closed = 0;
    std::int64_t after_first_round = 0;
    for (int round = 0; round < 3; ++round) {
      for (const Attack& attack : attacks()) {
        ++cases;
        const bool gone = co_await is_closed(context, server, *honest, attack);
        EXPECT_TRUE(gone) << attack.name;
        closed += gone ? 1 : 0;
      }
      if (round == 0) after_first_round = resident_kib();
    }
    const std::int64_t growth = resident_kib() - after_first_round;
    std::printf("HOSTILE cases=%zu closed=%zu rss_growth_kib=%lld\n", cases, closed,
                static_cast<long long>(growth));
    if (kMemoryIsComparable) EXPECT_LT(growth, 32 << 10);
    EXPECT_TRUE(honest->is_open());
    co_await honest->close();
  }(context, *server));
}

Task<Errc> answered_with(RawClient& client, Bytes request) {
  EXPECT_TRUE(co_await client.write(request));
  const auto answer = co_await client.read_frame();
  wire::v1::ErrorResponse error;
  if (!answer || !deserialize(answer->second, error)) co_return Errc::kConnectionLost;
  co_return error.error().code() == 0 ? Errc::kOk : wire::from_wire(error.error()).code();
}

TEST(Hostile, MistakesOfTheProtocolAreExplainedBeforeTheEnd) {
  asio::io_context context;
  auto server = start_server(context);
  run(context, [](asio::io_context& context, Server& server) -> Task<void> {
    RawClient early(context, server);
    EXPECT_EQ(co_await answered_with(early, request_frame(Api::kFetch, 1, 5, {})),
              Errc::kHandshakeRequired);
    EXPECT_FALSE(co_await early.read_frame());
    RawClient twice(context, server);
    EXPECT_EQ(co_await answered_with(twice, handshake_frame(1)), Errc::kOk);
    EXPECT_EQ(co_await answered_with(twice, handshake_frame(2)), Errc::kInvalidArgument);
    EXPECT_FALSE(co_await twice.read_frame());
  }(context, *server));
}

TEST(Hostile, UnknownApisAndVersionsAreExplainedAndTheConnectionGoesOn) {
  asio::io_context context;
  auto server = start_server(context);
  RawClient client(context, *server);
  run(context, [](RawClient& client) -> Task<void> {
    Bytes newer = handshake_frame(1);
    newer = request_frame(Api::kHandshake, 7, 1, {});
    EXPECT_EQ(co_await answered_with(client, newer), Errc::kUnsupportedVersion);
    EXPECT_EQ(co_await answered_with(client, handshake_frame(2)), Errc::kOk)
        << "a client of another version may try once more";
    EXPECT_EQ(co_await answered_with(client, request_frame(static_cast<Api>(999), 1, 3, {})),
              Errc::kUnsupported);
    EXPECT_EQ(co_await answered_with(client, request_frame(Api::kFetch, 2, 4, {})),
              Errc::kUnsupportedVersion);
    EXPECT_TRUE(co_await client.write(request_frame(Api::kFetch, 1, 5, to_bytes("fine"))));
    const auto answer = co_await client.read_frame();
    EXPECT_EQ(answer->second, to_bytes("fine"));
    client.socket().close();
  }(client));
}

TEST(Hostile, AnIdleConnectionIsClosedWithoutBlame) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.limits.idle_time = milliseconds(20);
  auto server = start_server(context, echo, options);
  run(context, [](Server& server) -> Task<void> {
    auto channel = co_await open_channel(server);
    while (channel->is_open()) co_await sleep_for(milliseconds(1));
    EXPECT_EQ(server.stats().connections_closed_for_violation_total, 0);
    co_await channel->close();
  }(*server));
}

TEST(Hostile, ResetConnectionsInEveryStateLeaveNothingBehind) {
  asio::io_context context;
  auto server = start_server(context, serve);
  run(context, [](asio::io_context& context, Server& server) -> Task<void> {
    for (const Attack& attack : attacks()) {
      RawClient client(context, server);
      EXPECT_TRUE(co_await client.write(attack.at_once)) << attack.name;
      co_await sleep_for(milliseconds(1));
      client.reset_connection();
    }
    while (server.stats().connections_open != 0) co_await sleep_for(milliseconds(1));
    EXPECT_EQ(server.stats().request_memory_bytes, 0);
  }(context, *server));
}

TEST(Hostile, AFloodOfTinyRequestsIsAnsweredWithinTheWindow) {
  asio::io_context context;
  ServerOptions options = any_port();
  options.limits.requests_in_flight = 4;
  auto server = start_server(context, echo, options);
  RawClient client(context, *server);
  run(context, [](RawClient& client) -> Task<void> {
    Bytes flood = handshake_frame(0);
    for (std::uint64_t i = 1; i <= 5'000; ++i) {
      const Bytes frame = request_frame(Api::kProduce, 1, i, {});
      flood.insert(flood.end(), frame.begin(), frame.end());
    }
    TaskGroup writer(co_await asio::this_coro::executor);
    writer.spawn("writer", [](RawClient& client, Bytes flood) -> Task<void> {
      EXPECT_TRUE(co_await client.write(std::move(flood)));
    }(client, std::move(flood)));
    for (std::uint64_t i = 0; i <= 5'000; ++i) {
      const auto answer = co_await client.read_frame();
      EXPECT_TRUE(answer && answer->first.correlation == i);
      if (!answer) break;
    }
    co_await writer.wait();
    client.socket().close();
  }(client));
}

}  // namespace
}  // namespace penstock::rpc::testing
