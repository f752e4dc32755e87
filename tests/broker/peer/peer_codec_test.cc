// Every kind of consensus message goes over the wire and comes back the same; what cannot be one is
// refused.
#include "broker/peer/peer_codec.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/random.h"

namespace penstock::broker {
namespace {

constexpr raft::NodeId kFrom{3};
constexpr raft::NodeId kTo{7};

raft::LogPoint any_point(Rng& rng) {
  return {Term(static_cast<int>(rng.below(1'000))), Offset(static_cast<int>(rng.below(1U << 30)))};
}

raft::Membership any_membership(Rng& rng) {
  raft::Membership out;
  for (int node = 0; node < 6; ++node) {
    switch (rng.below(4)) {
      case 0:
        out.voters.emplace_back(node);
        break;
      case 1:
        out.outgoing.emplace_back(node);
        break;
      case 2:
        out.learners.emplace_back(node);
        break;
      default:
        break;
    }
  }
  return out;
}

raft::AppendRequest any_append(Rng& rng, std::uint64_t bytes) {
  raft::AppendRequest out{.term = Term(9), .previous = any_point(rng), .range = {}, .commit = {}};
  out.range.begin = out.previous.end;
  out.range.end = out.range.begin;
  out.range.bytes = bytes;
  for (std::uint64_t run = rng.below(4); run > 0; --run) {
    out.range.runs.push_back({Term(9 - static_cast<int>(run)), out.range.end});
    out.range.end = out.range.end + 1 + static_cast<int>(rng.below(100));
  }
  if (rng.one_in(2)) out.range.memberships.push_back({out.range.begin, any_membership(rng)});
  out.commit = Offset(static_cast<int>(rng.below(100)));
  out.round = rng.next();
  return out;
}

raft::Message any_message(Rng& rng, std::uint64_t bytes) {
  switch (rng.below(7)) {
    case 0:
      return raft::VoteRequest{.ballot = raft::Ballot::kPreVote,
                               .term = Term(3),
                               .log = any_point(rng),
                               .transfer = rng.one_in(2)};
    case 1:
      return raft::VoteReply{.term = Term(3), .granted = rng.one_in(2)};
    case 2:
      return any_append(rng, bytes);
    case 3:
      return raft::AppendReply{.term = Term(2),
                               .accepted = rng.one_in(2),
                               .round = rng.next(),
                               .durable_end = Offset(5),
                               .hint = any_point(rng)};
    case 4:
      return raft::InstallRequest{
          .term = Term(2), .start = any_point(rng), .membership = any_membership(rng)};
    case 5:
      return raft::InstallReply{.term = Term(2), .start = any_point(rng)};
    default:
      return raft::TimeoutNow{.term = Term(8)};
  }
}

TEST(PeerCodec, EveryMessageComesBackTheSame) {
  for (std::uint64_t seed = 0; seed < 2'000; ++seed) {
    Rng rng(seed);
    const SharedBytes attachment(Bytes(rng.below(200)));
    GroupMessage sent{.group = {rng.uuid(), PartitionId(4)},
                      .message = {.envelope = {kFrom, kTo, any_message(rng, attachment.size())},
                                  .attachment = attachment}};
    if (std::holds_alternative<raft::AppendRequest>(sent.message.envelope.message)) {
      sent.message.log_start = Offset(static_cast<int>(rng.below(100)));
      if (rng.one_in(2)) sent.message.digest = RangeDigest{Offset(3), Offset(70), rng.next()};
      if (rng.one_in(2)) sent.message.settled_by_all = Offset(static_cast<int>(rng.below(100)));
      if (rng.one_in(2)) sent.message.tombstones_gone_below = Offset(12);
    }
    if (std::holds_alternative<raft::AppendReply>(sent.message.envelope.message)) {
      sent.message.settled_end = Offset(static_cast<int>(rng.below(3)));
    }
    if (std::holds_alternative<raft::AppendReply>(sent.message.envelope.message) && rng.one_in(2)) {
      sent.message.wants = WantedRange{Offset(7), Offset(9)};
    }
    wire::v1::ConsensusMessage wire;
    to_wire(sent, wire);
    EXPECT_EQ(wire.attachment_bytes(), attachment.size());
    wire::v1::ConsensusMessage arrived;
    ASSERT_TRUE(arrived.ParseFromString(wire.SerializeAsString()));
    const auto received = from_wire(arrived, kFrom, kTo, attachment);
    ASSERT_TRUE(received) << received.error().to_string();
    EXPECT_EQ(received->group, sent.group);
    EXPECT_EQ(received->message.envelope, sent.message.envelope)
        << raft::to_string(sent.message.envelope.message);
    EXPECT_EQ(received->message.log_start, sent.message.log_start);
    EXPECT_EQ(received->message.digest, sent.message.digest);
    EXPECT_EQ(received->message.wants, sent.message.wants);
    EXPECT_EQ(received->message.settled_end, sent.message.settled_end);
    EXPECT_EQ(received->message.settled_by_all, sent.message.settled_by_all);
    EXPECT_EQ(received->message.tombstones_gone_below, sent.message.tombstones_gone_below);
  }
}

struct Nonsense {
  const char* what;
  std::function<void(wire::v1::ConsensusMessage&)> spoil;
};

TEST(PeerCodec, WhatCannotBeAMessageIsRefused) {
  using wire::v1::ConsensusMessage;
  const Nonsense table[] = {
      {"no body", [](ConsensusMessage& m) { m.clear_append_request(); }},
      {"short topic id", [](ConsensusMessage& m) { m.set_topic_id("abc"); }},
      {"negative term", [](ConsensusMessage& m) { m.mutable_append_request()->set_term(-1); }},
      {"negative offset",
       [](ConsensusMessage& m) { m.mutable_append_request()->mutable_previous()->set_end(-4); }},
      {"negative commit", [](ConsensusMessage& m) { m.mutable_append_request()->set_commit(-4); }},
      {"members out of order",
       [](ConsensusMessage& m) {
         auto& membership = *m.mutable_append_request()->add_memberships()->mutable_membership();
         membership.add_voters(2);
         membership.add_voters(2);
       }},
      {"negative member",
       [](ConsensusMessage& m) {
         m.mutable_append_request()->add_memberships()->mutable_membership()->add_learners(-1);
       }},
      {"more members than a group has",
       [](ConsensusMessage& m) {
         auto& membership = *m.mutable_append_request()->add_memberships()->mutable_membership();
         for (int i = 0; i < 1'000; ++i) membership.add_voters(i);
       }},
      {"more terms than an append has",
       [](ConsensusMessage& m) {
         for (int i = 0; i < 30'000; ++i) m.mutable_append_request()->add_runs();
       }},
  };
  for (const Nonsense& row : table) {
    Rng rng(1);
    ConsensusMessage wire;
    to_wire({.group = {rng.uuid(), PartitionId(0)},
             .message = {.envelope = {kFrom, kTo, any_append(rng, 0)}, .attachment = {}}},
            wire);
    row.spoil(wire);
    const auto received = from_wire(wire, kFrom, kTo, {});
    ASSERT_FALSE(received) << row.what;
    EXPECT_EQ(received.error().code(), Errc::kInvalidArgument) << row.what;
  }
}

}  // namespace
}  // namespace penstock::broker
