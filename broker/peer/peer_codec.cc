#include "broker/peer/peer_codec.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "broker/host/limits.h"
#include "broker/peer/limits.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using wire::v1::ConsensusMessage;

void put_nodes(const std::vector<raft::NodeId>& nodes,
               google::protobuf::RepeatedField<std::int32_t>& out) {
  for (const raft::NodeId node : nodes) out.Add(node.value());
}

Result<std::vector<raft::NodeId>> take_nodes(
    const google::protobuf::RepeatedField<std::int32_t>& nodes) {
  if (static_cast<std::size_t>(nodes.size()) > kMaxMembers)
    return fail(Errc::kInvalidArgument, "too many members");
  std::vector<raft::NodeId> out;
  for (const std::int32_t node : nodes) {
    if (node < 0 || (!out.empty() && out.back() >= raft::NodeId(node))) {
      return fail(Errc::kInvalidArgument, "members are not in ascending order");
    }
    out.emplace_back(node);
  }
  return out;
}

Result<Term> take_term(std::int32_t term) {
  if (term < 0) return fail(Errc::kInvalidArgument, "negative term");
  return Term(term);
}

Result<Offset> take_offset(std::int64_t offset) {
  if (offset < 0) return fail(Errc::kInvalidArgument, "negative offset");
  return Offset(offset);
}

void put_point(const raft::LogPoint& point, wire::v1::LogPoint& out) {
  out.set_term(point.term.value());
  out.set_end(point.end.value());
}

Result<raft::LogPoint> take_point(const wire::v1::LogPoint& point) {
  PENSTOCK_TRY_ASSIGN(const Term term, take_term(point.term()));
  PENSTOCK_TRY_ASSIGN(const Offset end, take_offset(point.end()));
  return raft::LogPoint{term, end};
}

// --- one overload a kind of message, there ...

void put(const raft::VoteRequest& request, ConsensusMessage& out) {
  auto& body = *out.mutable_vote_request();
  body.set_pre_vote(request.ballot == raft::Ballot::kPreVote);
  body.set_term(request.term.value());
  put_point(request.log, *body.mutable_log());
  body.set_transfer(request.transfer);
}

void put(const raft::VoteReply& reply, ConsensusMessage& out) {
  auto& body = *out.mutable_vote_reply();
  body.set_pre_vote(reply.ballot == raft::Ballot::kPreVote);
  body.set_term(reply.term.value());
  body.set_granted(reply.granted);
}

void put(const raft::AppendRequest& request, ConsensusMessage& out) {
  auto& body = *out.mutable_append_request();
  body.set_term(request.term.value());
  put_point(request.previous, *body.mutable_previous());
  body.set_end(request.range.end.value());
  for (const raft::TermRun& run : request.range.runs) {
    auto& row = *body.add_runs();
    row.set_term(run.term.value());
    row.set_begin(run.begin.value());
  }
  for (const raft::PlacedMembership& placed : request.range.memberships) {
    auto& row = *body.add_memberships();
    row.set_at(placed.at.value());
    to_wire(placed.membership, *row.mutable_membership());
  }
  body.set_commit(request.commit.value());
  body.set_round(request.round);
}

void put(const raft::AppendReply& reply, ConsensusMessage& out) {
  auto& body = *out.mutable_append_reply();
  body.set_term(reply.term.value());
  body.set_accepted(reply.accepted);
  body.set_round(reply.round);
  body.set_durable_end(reply.durable_end.value());
  put_point(reply.hint, *body.mutable_hint());
}

void put(const raft::InstallRequest& request, ConsensusMessage& out) {
  auto& body = *out.mutable_install_request();
  body.set_term(request.term.value());
  put_point(request.start, *body.mutable_start());
  to_wire(request.membership, *body.mutable_membership());
}

void put(const raft::InstallReply& reply, ConsensusMessage& out) {
  auto& body = *out.mutable_install_reply();
  body.set_term(reply.term.value());
  put_point(reply.start, *body.mutable_start());
}

void put(const raft::TimeoutNow& request, ConsensusMessage& out) {
  out.mutable_timeout_now()->set_term(request.term.value());
}

// --- ... and back

raft::Ballot ballot_of(bool pre_vote) {
  return pre_vote ? raft::Ballot::kPreVote : raft::Ballot::kVote;
}

Result<raft::Message> take(const ConsensusMessage::VoteRequest& body) {
  raft::VoteRequest out{.ballot = ballot_of(body.pre_vote()), .term = {}, .log = {}};
  PENSTOCK_TRY_ASSIGN(out.term, take_term(body.term()));
  PENSTOCK_TRY_ASSIGN(out.log, take_point(body.log()));
  out.transfer = body.transfer();
  return out;
}

Result<raft::Message> take(const ConsensusMessage::VoteReply& body) {
  raft::VoteReply out{.ballot = ballot_of(body.pre_vote()), .term = {}};
  PENSTOCK_TRY_ASSIGN(out.term, take_term(body.term()));
  out.granted = body.granted();
  return out;
}

Result<raft::EntryRange> take_range(const ConsensusMessage::AppendRequest& body, Offset begin) {
  if (static_cast<std::size_t>(body.runs_size()) > kMaxTermRuns ||
      static_cast<std::size_t>(body.memberships_size()) > kMaxPlacedMemberships) {
    return fail(Errc::kInvalidArgument, "too many terms or memberships in one append");
  }
  raft::EntryRange range{.begin = begin, .end = {}, .runs = {}, .memberships = {}};
  PENSTOCK_TRY_ASSIGN(range.end, take_offset(body.end()));
  for (const auto& row : body.runs()) {
    PENSTOCK_TRY_ASSIGN(const Term term, take_term(row.term()));
    PENSTOCK_TRY_ASSIGN(const Offset at, take_offset(row.begin()));
    range.runs.push_back({term, at});
  }
  for (const auto& row : body.memberships()) {
    PENSTOCK_TRY_ASSIGN(const Offset at, take_offset(row.at()));
    PENSTOCK_TRY_ASSIGN(auto membership, from_wire(row.membership()));
    range.memberships.push_back({at, std::move(membership)});
  }
  return range;
}

Result<raft::Message> take(const ConsensusMessage::AppendRequest& body) {
  raft::AppendRequest out;
  PENSTOCK_TRY_ASSIGN(out.term, take_term(body.term()));
  PENSTOCK_TRY_ASSIGN(out.previous, take_point(body.previous()));
  PENSTOCK_TRY_ASSIGN(out.range, take_range(body, out.previous.end));
  PENSTOCK_TRY_ASSIGN(out.commit, take_offset(body.commit()));
  out.round = body.round();
  return out;
}

Result<raft::Message> take(const ConsensusMessage::AppendReply& body) {
  raft::AppendReply out;
  PENSTOCK_TRY_ASSIGN(out.term, take_term(body.term()));
  out.accepted = body.accepted();
  out.round = body.round();
  PENSTOCK_TRY_ASSIGN(out.durable_end, take_offset(body.durable_end()));
  PENSTOCK_TRY_ASSIGN(out.hint, take_point(body.hint()));
  return out;
}

Result<raft::Message> take(const ConsensusMessage::InstallRequest& body) {
  raft::InstallRequest out;
  PENSTOCK_TRY_ASSIGN(out.term, take_term(body.term()));
  PENSTOCK_TRY_ASSIGN(out.start, take_point(body.start()));
  PENSTOCK_TRY_ASSIGN(out.membership, from_wire(body.membership()));
  return out;
}

Result<raft::Message> take(const ConsensusMessage::InstallReply& body) {
  raft::InstallReply out;
  PENSTOCK_TRY_ASSIGN(out.term, take_term(body.term()));
  PENSTOCK_TRY_ASSIGN(out.start, take_point(body.start()));
  return out;
}

Result<raft::Message> take(const ConsensusMessage::TimeoutNow& body) {
  PENSTOCK_TRY_ASSIGN(const Term term, take_term(body.term()));
  return raft::TimeoutNow{.term = term};
}

Result<raft::Message> take_body(const ConsensusMessage& message) {
  switch (message.body_case()) {
    case ConsensusMessage::kVoteRequest:
      return take(message.vote_request());
    case ConsensusMessage::kVoteReply:
      return take(message.vote_reply());
    case ConsensusMessage::kAppendRequest:
      return take(message.append_request());
    case ConsensusMessage::kAppendReply:
      return take(message.append_reply());
    case ConsensusMessage::kInstallRequest:
      return take(message.install_request());
    case ConsensusMessage::kInstallReply:
      return take(message.install_reply());
    case ConsensusMessage::kTimeoutNow:
      return take(message.timeout_now());
    case ConsensusMessage::BODY_NOT_SET:
      break;
  }
  return fail(Errc::kInvalidArgument, "a message of an unknown kind");
}

}  // namespace

void to_wire(const raft::Membership& membership, wire::v1::Membership& out) {
  put_nodes(membership.voters, *out.mutable_voters());
  put_nodes(membership.outgoing, *out.mutable_outgoing());
  put_nodes(membership.learners, *out.mutable_learners());
}

Result<raft::Membership> from_wire(const wire::v1::Membership& membership) {
  raft::Membership out;
  PENSTOCK_TRY_ASSIGN(out.voters, take_nodes(membership.voters()));
  PENSTOCK_TRY_ASSIGN(out.outgoing, take_nodes(membership.outgoing()));
  PENSTOCK_TRY_ASSIGN(out.learners, take_nodes(membership.learners()));
  return out;
}

void to_wire(const GroupMessage& message, wire::v1::ConsensusMessage& out) {
  out.set_topic_id(wire::to_wire(message.group.topic));
  out.set_partition(message.group.partition.value());
  out.set_attachment_bytes(static_cast<std::uint32_t>(message.message.attachment.size()));
  std::visit([&](const auto& body) { put(body, out); }, message.message.envelope.message);
  if (const auto& wants = message.message.wants; wants && out.has_append_reply()) {
    out.mutable_append_reply()->set_wanted_begin(wants->begin.value());
    out.mutable_append_reply()->set_wanted_end(wants->end.value());
  }
  if (out.has_append_reply()) {
    out.mutable_append_reply()->set_settled_end(message.message.settled_end.value());
  }
  if (!out.has_append_request()) return;
  wire::v1::ConsensusMessage::AppendRequest& append = *out.mutable_append_request();
  append.set_log_start(message.message.log_start.value());
  append.set_settled_by_all(message.message.settled_by_all.value());
  append.set_tombstones_gone_below(message.message.tombstones_gone_below.value());
  if (const auto& digest = message.message.digest) {
    append.mutable_digest()->set_begin(digest->begin.value());
    append.mutable_digest()->set_end(digest->end.value());
    append.mutable_digest()->set_sum(digest->sum);
  }
}

Result<GroupMessage> from_wire(const wire::v1::ConsensusMessage& message, raft::NodeId from,
                               raft::NodeId to, SharedBytes attachment) {
  GroupMessage out;
  PENSTOCK_TRY_ASSIGN(out.group.topic, wire::uuid_from_wire(message.topic_id(), "topic_id"));
  out.group.partition = PartitionId(message.partition());
  PENSTOCK_TRY_ASSIGN(raft::Message body, take_body(message));
  if (auto* append = std::get_if<raft::AppendRequest>(&body)) {
    append->range.bytes = attachment.size();
  }
  out.message = {.envelope = {from, to, std::move(body)}, .attachment = std::move(attachment)};
  if (message.has_append_reply() && message.append_reply().wanted_end() != 0) {
    WantedRange& wants = out.message.wants.emplace();
    PENSTOCK_TRY_ASSIGN(wants.begin, take_offset(message.append_reply().wanted_begin()));
    PENSTOCK_TRY_ASSIGN(wants.end, take_offset(message.append_reply().wanted_end()));
  }
  if (message.has_append_reply()) {
    PENSTOCK_TRY_ASSIGN(out.message.settled_end, take_offset(message.append_reply().settled_end()));
  }
  if (message.has_append_request()) {
    const auto& append = message.append_request();
    PENSTOCK_TRY_ASSIGN(out.message.log_start, take_offset(append.log_start()));
    PENSTOCK_TRY_ASSIGN(out.message.settled_by_all, take_offset(append.settled_by_all()));
    PENSTOCK_TRY_ASSIGN(out.message.tombstones_gone_below,
                        take_offset(append.tombstones_gone_below()));
    if (append.has_digest()) {
      RangeDigest digest{.begin = {}, .end = {}, .sum = append.digest().sum()};
      PENSTOCK_TRY_ASSIGN(digest.begin, take_offset(append.digest().begin()));
      PENSTOCK_TRY_ASSIGN(digest.end, take_offset(append.digest().end()));
      out.message.digest = digest;
    }
  }
  return out;
}

void to_wire(const LeaderNews& news, wire::v1::Leadership& out) {
  out.set_topic_id(wire::to_wire(news.partition.topic));
  out.set_partition(news.partition.partition.value());
  out.set_leader(news.leader.value());
  out.set_term(news.term.value());
  if (!news.membership.voters.empty()) to_wire(news.membership, *out.mutable_membership());
  out.set_placed_at(news.placed_at.value());
  out.set_log_end(news.log_end.value());
}

Result<LeaderNews> from_wire(const wire::v1::Leadership& news) {
  LeaderNews out;
  PENSTOCK_TRY_ASSIGN(out.partition.topic, wire::uuid_from_wire(news.topic_id(), "topic_id"));
  if (news.partition() < 0) return fail(Errc::kInvalidArgument, "negative partition");
  out.partition.partition = PartitionId(news.partition());
  if (news.leader() < 0) return fail(Errc::kInvalidArgument, "news of a leader that is nobody");
  out.leader = raft::NodeId(news.leader());
  PENSTOCK_TRY_ASSIGN(out.term, take_term(news.term()));
  if (news.has_membership()) {
    PENSTOCK_TRY_ASSIGN(out.membership, from_wire(news.membership()));
  }
  PENSTOCK_TRY_ASSIGN(out.placed_at, take_offset(news.placed_at()));
  PENSTOCK_TRY_ASSIGN(out.log_end, take_offset(news.log_end()));
  return out;
}

}  // namespace penstock::broker
