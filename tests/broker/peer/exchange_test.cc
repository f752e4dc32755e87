// A whole exchange, taken apart: each message gets its own bytes; what cannot be one is refused.
#include "broker/peer/exchange.h"

#include <gtest/gtest.h>

#include <functional>

#include "broker/peer/limits.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

constexpr raft::NodeId kFrom{3};
constexpr raft::NodeId kTo{7};
const Uuid kCluster = *Uuid::parse("0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c");
const Uuid kDirectory = *Uuid::parse("03030303030303030303030303030303");

GroupMessage append(int partition, std::string_view bytes) {
  raft::AppendRequest body{.term = Term(2), .previous = {}, .range = {}, .commit = {}};
  const ByteView view = as_bytes(bytes);
  return {.group = {Uuid{}, PartitionId(partition)},
          .message = {.envelope = {kFrom, kTo, std::move(body)},
                      .attachment = SharedBytes(Bytes(view.begin(), view.end()))}};
}

LeaderNews news_of(int partition) {
  return {.partition = {kDirectory, PartitionId(partition)},
          .leader = kFrom,
          .term = Term(8),
          .membership = {.voters = {kFrom, kTo}, .outgoing = {}, .learners = {raft::NodeId(9)}},
          .placed_at = Offset(41),
          .log_end = Offset(1'000)};
}

// Three messages, the second one without bytes, and two pieces of news.
wire::v1::ExchangeRequest an_exchange() {
  wire::v1::ExchangeRequest request;
  request.set_from(kFrom.value());
  request.set_from_directory(wire::to_wire(kDirectory));
  request.set_to(kTo.value());
  request.set_cluster_id(wire::to_wire(kCluster));
  to_wire(append(0, "first"), *request.add_messages());
  to_wire(append(1, ""), *request.add_messages());
  to_wire(append(2, "third"), *request.add_messages());
  to_wire(news_of(4), *request.add_leaderships());
  LeaderNews changing = news_of(5);
  changing.membership = {};
  to_wire(changing, *request.add_leaderships());
  return request;
}

SharedBytes bytes_of(std::string_view text) {
  const ByteView view = as_bytes(text);
  return SharedBytes(Bytes(view.begin(), view.end()));
}

TEST(Exchange, EachMessageGetsItsOwnBytes) {
  const auto exchanged = decode_exchange(an_exchange(), bytes_of("firstthird"));
  ASSERT_TRUE(exchanged) << exchanged.error().to_string();
  EXPECT_EQ(exchanged->from, kFrom);
  EXPECT_EQ(exchanged->to, kTo);
  EXPECT_EQ(exchanged->from_directory, kDirectory);
  EXPECT_EQ(exchanged->cluster_id, kCluster);
  ASSERT_EQ(exchanged->messages.size(), 3U);
  EXPECT_EQ(as_text(exchanged->messages[0].message.attachment.view()), "first");
  EXPECT_TRUE(exchanged->messages[1].message.attachment.empty());
  EXPECT_EQ(as_text(exchanged->messages[2].message.attachment.view()), "third");
  EXPECT_EQ(exchanged->messages[2].group.partition, PartitionId(2));
  const auto& body = std::get<raft::AppendRequest>(exchanged->messages[2].message.envelope.message);
  EXPECT_EQ(body.range.bytes, 5U);
}

TEST(Exchange, NewsComeBackTheSame) {
  const auto exchanged = decode_exchange(an_exchange(), bytes_of("firstthird"));
  ASSERT_TRUE(exchanged);
  ASSERT_EQ(exchanged->news.size(), 2U);
  EXPECT_EQ(exchanged->news[0], news_of(4));
  EXPECT_TRUE(exchanged->news[1].membership.voters.empty()) << "it is changing";
}

struct Nonsense {
  const char* what;
  std::function<void(wire::v1::ExchangeRequest&)> spoil;
};

TEST(Exchange, WhatCannotBeOneIsRefused) {
  using wire::v1::ExchangeRequest;
  const Nonsense table[] = {
      {"from nobody", [](ExchangeRequest& r) { r.set_from(-1); }},
      {"to nobody", [](ExchangeRequest& r) { r.set_to(-1); }},
      {"no directory", [](ExchangeRequest& r) { r.clear_from_directory(); }},
      {"a short cluster id", [](ExchangeRequest& r) { r.set_cluster_id("abc"); }},
      {"parts longer than the attachment",
       [](ExchangeRequest& r) { r.mutable_messages(2)->set_attachment_bytes(6); }},
      {"a part that would wrap around",
       [](ExchangeRequest& r) { r.mutable_messages(0)->set_attachment_bytes(0xffffffffU); }},
      {"parts shorter than the attachment",
       [](ExchangeRequest& r) { r.mutable_messages(2)->set_attachment_bytes(4); }},
      {"bytes beside a message that has none",
       [](ExchangeRequest& r) { r.mutable_messages(0)->mutable_timeout_now()->set_term(1); }},
      {"a message without a body",
       [](ExchangeRequest& r) { r.mutable_messages(1)->clear_append_request(); }},
      {"too many messages",
       [](ExchangeRequest& r) {
         while (static_cast<std::size_t>(r.messages_size()) <= kMaxMessagesPerExchange) {
           *r.add_messages() = r.messages(1);
         }
       }},
      {"too much news",
       [](ExchangeRequest& r) {
         while (static_cast<std::size_t>(r.leaderships_size()) <= kMaxWaitingNews) {
           *r.add_leaderships() = r.leaderships(0);
         }
       }},
      {"news that somebody else leads",
       [](ExchangeRequest& r) { r.mutable_leaderships(0)->set_leader(kTo.value()); }},
      {"news of a negative term",
       [](ExchangeRequest& r) { r.mutable_leaderships(0)->set_term(-1); }},
      {"news of a negative partition",
       [](ExchangeRequest& r) { r.mutable_leaderships(0)->set_partition(-1); }},
      {"news of a negative placement",
       [](ExchangeRequest& r) { r.mutable_leaderships(0)->set_placed_at(-1); }},
      {"an end before the beginning",
       [](ExchangeRequest& r) { r.mutable_leaderships(0)->set_log_end(-1); }},
      {"news of members out of order",
       [](ExchangeRequest& r) { r.mutable_leaderships(0)->mutable_membership()->add_voters(1); }},
  };
  for (const Nonsense& row : table) {
    ExchangeRequest request = an_exchange();
    row.spoil(request);
    const auto exchanged = decode_exchange(request, bytes_of("firstthird"));
    ASSERT_FALSE(exchanged) << row.what;
    EXPECT_EQ(exchanged.error().code(), Errc::kInvalidArgument) << row.what;
  }
}

TEST(Exchange, NothingAtAllIsAnExchangeToo) {
  wire::v1::ExchangeRequest request = an_exchange();
  request.clear_messages();
  request.clear_leaderships();
  EXPECT_TRUE(decode_exchange(request, {}));
  EXPECT_FALSE(decode_exchange(request, bytes_of("x")));
}

}  // namespace
}  // namespace penstock::broker
