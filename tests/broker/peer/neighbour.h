// Another broker as a link sees it: a server on a free loopback port that keeps what came.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "broker/peer/exchange.h"
#include "broker/peer/peer_link.h"
#include "protocol/rpc/server.h"
#include "protocol/wire/error_message.h"
#include "tests/protocol/rpc/loopback.h"

namespace penstock::broker::testing {

inline const PeerIdentity kSelf{.cluster_id = *Uuid::parse("0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"),
                                .broker = raft::NodeId(1),
                                .directory = *Uuid::parse("01010101010101010101010101010101")};

class Neighbour {
 public:
  Neighbour(asio::io_context& context, int broker) : context_(context), broker_(broker) {}

  // Who it says it is.
  void pose_as(int broker) { broker_ = broker; }
  void belong_to(const Uuid& cluster) { cluster_ = cluster; }
  // On the same port whenever it can: a restart.
  void start() {
    rpc::ServerOptions options;
    options.listen = {"127.0.0.1", port_};
    options.cluster_id = cluster_;
    options.broker_id = broker_;
    state_->stopping = false;
    auto server = rpc::Server::start(
        context_.get_executor(), std::move(options),
        [state = state_](rpc::Request request) { return serve(state, std::move(request)); });
    ASSERT_TRUE(server) << server.error().to_string();
    server_ = *std::move(server);
    port_ = server_->port();
  }
  Task<void> stop() {
    if (!server_) co_return;
    state_->stopping = true;
    state_->changed.notify_all();
    co_await server_->drain(rpc::testing::in(std::chrono::milliseconds(0)));
    server_.reset();
  }
  // It starts on another port the next time.
  void move() { port_ = 0; }
  rpc::Endpoint endpoint() const { return {"127.0.0.1", port_}; }

  // Answers nothing until told otherwise.
  void hang() { state_->hangs = true; }
  void go_on() {
    state_->hangs = false;
    state_->changed.notify_all();
  }
  // Answers that.
  void refuse_with(std::optional<Errc> error) { state_->refusal = error; }

  const std::vector<Exchanged>& exchanges() const { return state_->exchanges; }
  std::vector<GroupMessage> messages() const {
    std::vector<GroupMessage> all;
    for (const Exchanged& one : exchanges()) {
      all.insert(all.end(), one.messages.begin(), one.messages.end());
    }
    return all;
  }
  std::vector<LeaderNews> news() const {
    std::vector<LeaderNews> all;
    for (const Exchanged& one : exchanges()) {
      all.insert(all.end(), one.news.begin(), one.news.end());
    }
    return all;
  }
  Task<void> wait_for_messages(std::size_t count) {
    while (messages().size() < count) co_await wait_for_change();
  }
  Task<void> wait_for_news(std::size_t count) {
    while (news().size() < count) co_await wait_for_change();
  }
  // Until an exchange has come that is not answered.
  Task<void> wait_until_it_hangs() {
    while (state_->waiting == 0) co_await wait_for_change();
  }

 private:
  struct State {
    explicit State(asio::any_io_executor executor) : changed(std::move(executor)) {}
    Wakeup changed;
    std::vector<Exchanged> exchanges;
    std::optional<Errc> refusal;
    bool hangs = false;
    bool stopping = false;
    int waiting = 0;
  };

  Task<void> wait_for_change() {
    static_cast<void>(co_await state_->changed.wait(state_->changed.version()));
  }

  static Task<rpc::Response> serve(std::shared_ptr<State> state, rpc::Request request) {
    wire::v1::ExchangeRequest message;
    EXPECT_EQ(request.api, wire::Api::kExchange);
    EXPECT_TRUE(rpc::deserialize(request.message.view(), message));
    auto exchanged = decode_exchange(message, request.attachment);
    EXPECT_TRUE(exchanged) << exchanged.error().to_string();
    state->exchanges.push_back(*std::move(exchanged));
    state->changed.notify_all();
    ++state->waiting;
    while (state->hangs && !state->stopping) {
      if (!co_await state->changed.wait(state->changed.version())) break;
    }
    --state->waiting;
    wire::v1::ExchangeResponse answer;
    if (state->refusal) wire::set_error(answer, Error(*state->refusal, "refused by the test"));
    co_return rpc::Response{.message = rpc::serialize(answer), .attachment = {}};
  }

  asio::io_context& context_;
  int broker_;
  Uuid cluster_ = kSelf.cluster_id;
  std::uint16_t port_ = 0;
  std::shared_ptr<State> state_ = std::make_shared<State>(context_.get_executor());
  std::unique_ptr<rpc::Server> server_;
};

inline GroupMessage reply(int group, std::uint64_t round) {
  return {
      .group = {Uuid{}, PartitionId(group)},
      .message = {.envelope = {kSelf.broker, raft::NodeId(2),
                               raft::AppendReply{
                                   .term = Term(3), .round = round, .durable_end = {}, .hint = {}}},
                  .attachment = {}}};
}

inline GroupMessage batches(int group, std::uint64_t round, Bytes bytes) {
  raft::AppendRequest append{
      .term = Term(3), .previous = {Term(3), Offset(7)}, .range = {}, .commit = Offset(7)};
  append.range = {.begin = Offset(7),
                  .end = Offset(8),
                  .runs = {{Term(3), Offset(7)}},
                  .memberships = {},
                  .bytes = bytes.size()};
  append.round = round;
  return {.group = {Uuid{}, PartitionId(group)},
          .message = {.envelope = {kSelf.broker, raft::NodeId(2), std::move(append)},
                      .attachment = SharedBytes(std::move(bytes))}};
}

inline std::uint64_t round_of(const GroupMessage& message) {
  const raft::Message& body = message.message.envelope.message;
  if (const auto* reply = std::get_if<raft::AppendReply>(&body)) return reply->round;
  return std::get<raft::AppendRequest>(body).round;
}

inline LeaderNews leads(int partition, int term) {
  return {
      .partition = {Uuid{}, PartitionId(partition)},
      .leader = kSelf.broker,
      .term = Term(term),
      .membership = {.voters = {raft::NodeId(1), raft::NodeId(2)}, .outgoing = {}, .learners = {}},
      .placed_at = Offset(term)};
}

}  // namespace penstock::broker::testing
