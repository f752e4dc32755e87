// What others ask of a node.
#include <algorithm>
#include <utility>

#include "tests/sim/node.h"
#include "tests/sim/probes.h"

namespace penstock::sim {
using broker::Replica;

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

void Node::produce(GroupNumber group, Bytes batch, Answer answer) {
  Hosted* const hosted = is_paused() ? nullptr : find(group);
  if (hosted == nullptr) return answer(fail(Errc::kConnectFailed));
  Replica& replica = *hosted->replica;
  const auto refuse = [&answer](const Error& error) {
    if (error.code() == Errc::kDiskFull) probe(Probe::kDiskFullAtLeader);
    // A disk that failed in the middle of a write: the process ends, and nobody knows.
    const bool definite = error.outcome() == Outcome::kNotDone;
    answer(definite ? Result<Offset>(std::unexpected(error)) : fail(unknown_outcome()));
  };
  if (const auto part = replica.check_producers(batch); !part) {
    refuse(part.error());
  } else if (part->refused) {
    refuse(*part->refused);
  } else if (const auto there = part->repeated_as_one()) {
    probe(Probe::kBatchRepeated);
    if (there->committed) {
      answer(there->base);
    } else {
      const Term term = replica.group().point_at(there->end).term;
      wait(*hosted, {there->base, there->end, term, std::move(answer)});
    }
  } else if (const auto appended = replica.append(batch); !appended) {
    refuse(appended.error());
  } else {
    wait(*hosted, {appended->base_offset, appended->end, appended->term, std::move(answer)});
  }
  pump(group);
}

// Answers are given in the order of the log; a repeated batch may stand before the last one.
void Node::wait(Hosted& hosted, Waiter waiter) {
  const auto behind = std::ranges::upper_bound(hosted.waiters, waiter.end, {}, &Waiter::end);
  hosted.waiters.insert(behind, std::move(waiter));
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
