// What others ask of a node.
#include <utility>

#include "protocol/record/builder.h"
#include "tests/sim/node.h"
#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

using broker::Replica;

Bytes make_batch(BatchName name, int records, Timestamp now) {
  record::BatchBuilder builder(
      {.producer_id = name.client, .producer_epoch = 0, .base_sequence = name.number});
  const std::string value = std::to_string(name.client) + "-" + std::to_string(name.number) +
                            std::string(static_cast<std::size_t>(20 + name.number % 200), '.');
  for (int i = 0; i < records; ++i) builder.append(now, std::nullopt, as_bytes(value));
  return *builder.build();
}

}  // namespace

Error unknown_outcome() { return {Errc::kTimeout, "the outcome is not known"}; }

void Node::receive(GroupNumber group, const broker::PeerMessage& message) {
  if (!up_) return;
  run_when_awake(life_, [this, group, message] {
    Replica* const to = replica(group);
    if (to == nullptr) return;
    for (auto& invariant : scene_.invariants) invariant->received(group, message);
    to->receive(message);
    pump(group);
  });
}

void Node::produce(GroupNumber group, BatchName name, int records, Answer answer) {
  Hosted* const hosted = is_paused() ? nullptr : find(group);
  if (hosted == nullptr) return answer(fail(Errc::kConnectFailed));
  Bytes batch = make_batch(name, records, clock_.wall());
  const auto appended = hosted->replica->append(batch);
  if (!appended) {
    if (appended.error().code() == Errc::kDiskFull) probe(Probe::kDiskFullAtLeader);
    // A disk that failed in the middle of a write: the process ends, and nobody knows.
    const bool definite = appended.error().outcome() == Outcome::kNotDone;
    answer(definite ? Result<Offset>(std::unexpected(appended.error())) : fail(unknown_outcome()));
  } else {
    hosted->waiters.push_back(
        {appended->base_offset, appended->end, appended->term, std::move(answer)});
  }
  pump(group);
}

void Node::transfer(GroupNumber group, raft::NodeId to) {
  Replica* const from = replica(group);
  if (from == nullptr) return;
  if (from->transfer_leadership(to)) probe(Probe::kLeadershipTransferred);
  pump(group);
}

void Node::change_membership(GroupNumber group, const std::vector<raft::NodeId>& voters,
                             const std::vector<raft::NodeId>& learners) {
  Replica* const leader = replica(group);
  if (leader == nullptr) return;
  if (leader->change_membership(voters, learners)) {
    scene_.world.note(describe(group) + " changes " + to_string(leader->group().membership()));
  }
  pump(group);
}

void Node::delete_records(GroupNumber group, Rng& rng) {
  Replica* const copy = replica(group);
  if (copy == nullptr) return;
  const Offset end = rng.one_in(4) ? copy->log_end() : copy->committed();
  const std::int64_t range = end - copy->log_start();
  if (range <= 0) return;
  const Offset before = copy->log_start() +
                        static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(range) + 1));
  const bool is_allowed = before <= copy->committed();
  for (auto& invariant : scene_.invariants) invariant->deletion_asked(group, before);
  const auto deleted = copy->delete_records(
      before, rng.one_in(2) ? broker::BeginsAt::kRecord : broker::BeginsAt::kBatch);
  if (deleted) probe(Probe::kRecordsDeleted);
  if (deleted && !is_allowed) {
    scene_.violations.add("kept-promises", describe(group) + " deletes up to " +
                                               std::to_string(before.value()) +
                                               ", behind what is committed");
  }
  pump(group);
}

void Node::read_index(GroupNumber group, std::uint64_t context) {
  if (!up_) return;
  run_when_awake(life_, [this, group, context] {
    Replica* const leader = replica(group);
    if (leader != nullptr && leader->read_index(context)) pump(group);
  });
}

void Node::reread(GroupNumber group, Rng& rng) {
  Replica* const copy = is_paused() ? nullptr : replica(group);
  if (copy == nullptr) return;
  const std::int64_t range = copy->committed() - copy->log_start();
  if (range <= 0) return;
  const Offset from =
      copy->log_start() + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(range)));
  const auto read = copy->read(from, 1U << rng.below(17), copy->committed(), false);
  const ReplicaView seen = view(group);
  for (auto& invariant : scene_.invariants) invariant->served(seen, from, read);
  pump(group);
}

}  // namespace penstock::sim
