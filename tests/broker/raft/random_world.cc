#include "random_world.h"

#include <algorithm>
#include <utility>

namespace penstock::raft::random_world {
namespace {

Options small_options(Rng& rng) {
  Options options;
  options.election_timeout_ms = 60;
  options.heartbeat_ms = 10;
  options.max_inflight_requests = 1 + static_cast<std::uint32_t>(rng.below(4));
  options.max_inflight_bytes = 1'000;
  options.max_request_bytes = 100 + 100 * rng.below(4);
  options.max_uncommitted_bytes = 3'000;
  options.max_promotion_lag = 4;
  return options;
}

constexpr std::uint64_t kRates[] = {1'000'000, 200, 30, 8, 3};

}  // namespace

RandomWorld::RandomWorld(std::uint64_t seed) : rng_(seed), seed_(seed) {
  loss_one_in_ = kRates[rng_.below(5)];
  duplicate_one_in_ = kRates[rng_.below(5)];
  reorder_one_in_ = kRates[rng_.below(5)];
  Membership first;
  const int voters = 1 + static_cast<int>(rng_.below(kNodes));
  for (int i = 1; i <= voters; ++i) first.voters.emplace_back(i);
  const Membership* members = keep(first);
  const Membership* nobody = keep({});
  for (int i = 0; i < kNodes; ++i) {
    nodes_[static_cast<std::size_t>(i)].id = NodeId(i + 1);
    nodes_[static_cast<std::size_t>(i)].log.base = i < voters ? members : nobody;
    restart(nodes_[static_cast<std::size_t>(i)]);
  }
}

bool RandomWorld::run(int events) {
  for (int i = 0; i < events && violation_.empty(); ++i) {
    random_event();
    if (i % 64 == 0) judge_logs();
  }
  if (violation_.empty()) heal_and_settle();
  judge_logs();
  return violation_.empty();
}

void RandomWorld::restart(Node& at) {
  Restored restored{.hard_state = at.hard,
                    .start = at.log.start,
                    .runs = at.log.range(at.log.start.end, at.log.end()).runs,
                    .end = at.log.end(),
                    .base_membership = *at.log.base,
                    .memberships = at.log.range(at.log.start.end, at.log.end()).memberships,
                    .committed = at.log.start.end,
                    .damaged_until = Offset(0)};
  at.group.emplace(at.id, small_options(rng_), std::move(restored), rng_.next(), now_ms_);
  at.committed_seen = at.log.start.end;
  carry_out(at);
}

void RandomWorld::crash(Node& at) {
  ++seen_.crashes;
  at.group.reset();
  at.saving.reset();
  at.flushing.reset();
  at.reading.clear();
  at.log.crash(rng_);
}

Node* RandomWorld::any_alive() {
  Node& one = nodes_[rng_.below(kNodes)];
  return one.group ? &one : nullptr;
}

Node* RandomWorld::any_leader() {
  const auto first = rng_.below(kNodes);
  for (std::uint64_t i = 0; i < kNodes; ++i) {
    Node& one = nodes_[(first + i) % kNodes];
    if (one.group && one.group->role() == Role::kLeader) return &one;
  }
  return nullptr;
}

void RandomWorld::pass_time(std::int64_t ms) {
  now_ms_ += ms;
  for (Node& each : nodes_) {
    if (!each.group || each.group->next_deadline_ms() > now_ms_) continue;
    each.group->tick(now_ms_);
    carry_out(each);
  }
}

void RandomWorld::deliver_one() {
  if (network_.empty()) return;
  std::size_t index = 0;
  if (!is_calm_ && rng_.one_in(reorder_one_in_)) index = rng_.below(network_.size());
  std::swap(network_[index], network_.front());
  const Packet packet = std::move(network_.front());
  network_.pop_front();
  deliver(packet);
}

void RandomWorld::deliver(const Packet& packet) {
  Node& to = node(packet.envelope.to);
  if (!to.group) return;
  arriving_ = &packet.records;
  to.group->step(packet.envelope.from, packet.envelope.message, now_ms_);
  carry_out(to);
  arriving_ = nullptr;
}

void RandomWorld::propose(Node& at) {
  if (!at.group->propose_room()) return;
  append(at, nullptr, 1 + static_cast<int>(rng_.below(3)));
  carry_out(at);
}

void RandomWorld::trim(Node& at) {
  const Offset limit = std::min(at.group->committed(), at.log.durable);
  if (limit <= at.log.start.end) return;
  Offset to =
      at.log.start.end + 1 +
      static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(limit - at.log.start.end)));
  while (to < limit && !at.log.at(to).begins_batch) to = to + 1;
  if (to > limit || (to < at.log.end() && !at.log.at(to).begins_batch)) return;
  at.log.trim(to);
  if (!at.group->log_start_moved(to)) broken("log_start_moved() failed");
  carry_out(at);
}

void RandomWorld::random_change(Node& at) {
  Membership now = at.group->membership();
  const NodeId who(1 + static_cast<std::int32_t>(rng_.below(kNodes)));
  const bool is_voter = std::erase(now.voters, who) > 0;
  const bool is_learner = std::erase(now.learners, who) > 0;
  if (is_learner && !rng_.one_in(5)) {
    now.voters.push_back(who);
  } else if (!is_voter || rng_.one_in(2)) {
    now.learners.push_back(who);
  }
  if (at.group->change_membership(now.voters, now.learners, now_ms_)) ++seen_.changes;
  carry_out(at);
}

void RandomWorld::finish_save(Node& at) {
  if (!at.saving) return;
  at.hard = *std::exchange(at.saving, std::nullopt);
  at.group->saved(at.hard, now_ms_);
  carry_out(at);
}

void RandomWorld::begin_or_end_flush(Node& at) {
  if (!at.flushing) {
    if (at.log.durable < at.log.end()) at.flushing = {at.log.end(), at.group->log_version()};
    return;
  }
  const Flush done = *std::exchange(at.flushing, std::nullopt);
  if (done.version == at.group->log_version()) at.log.durable = std::max(at.log.durable, done.end);
  at.group->durable(done.end, done.version, now_ms_);
  carry_out(at);
}

void RandomWorld::answer_read(Node& at) {
  if (at.reading.empty()) return;
  const ReadForPeer read = at.reading.front();
  at.reading.erase(at.reading.begin());
  send_range(at, read);
  carry_out(at);
}

void RandomWorld::random_event() {
  const auto dice = rng_.below(1'000);
  if (dice < 470) return deliver_one();
  if (dice < 640) return pass_time(static_cast<std::int64_t>(rng_.below(6)));
  if (dice < 650) return pass_time(static_cast<std::int64_t>(rng_.below(150)));
  if (dice < 654) {
    for (auto& row : cut_) {
      for (bool& link : row) link = false;
    }
    if (rng_.one_in(2)) return;
    for (auto& row : cut_) {
      for (bool& link : row) link = rng_.one_in(6);
    }
    return;
  }
  if (dice < 658) {
    Node& one = nodes_[rng_.below(kNodes)];
    if (one.group) crash(one);
    return;
  }
  if (dice < 710) {
    Node& one = nodes_[rng_.below(kNodes)];
    if (!one.group) restart(one);
    return;
  }
  if (dice < 800) {
    if (Node* leader = any_leader()) propose(*leader);
    return;
  }
  if (dice < 940) {  // a disk answers: two of three disks do, so that some are slower than others
    for (Node& each : nodes_) {
      if (!each.group || rng_.one_in(3)) continue;
      dice < 850 ? finish_save(each) : begin_or_end_flush(each);
      if (each.group) answer_read(each);
    }
    return;
  }
  if (dice < 950) {
    if (Node* one = any_alive()) trim(*one);
    return;
  }
  Node* leader = any_leader();
  if (leader == nullptr) return;
  if (dice < 968) return random_change(*leader);
  if (dice < 984) {
    (void)leader->group->transfer_leadership(
        NodeId(1 + static_cast<std::int32_t>(rng_.below(kNodes))), now_ms_);
  } else if (dice < 998) {
    reads_[next_read_] = Offset(static_cast<std::int64_t>(decided_.size()));
    (void)leader->group->read_index(next_read_++, now_ms_);
  } else {
    leader->group->step_down(now_ms_);
  }
  carry_out(*leader);
}

// No fault any more: within a few election timeouts somebody leads, commits and tells everybody.
void RandomWorld::heal_and_settle() {
  is_calm_ = true;
  for (Node& each : nodes_) {
    if (!each.group) restart(each);
  }
  bool proposed = false;
  for (int ms = 0; ms < 4'000 && violation_.empty(); ++ms) {
    for (std::size_t due = network_.size(); due > 0; --due) deliver_one();
    for (Node& each : nodes_) {
      finish_save(each);
      begin_or_end_flush(each);
      begin_or_end_flush(each);
      while (!each.reading.empty()) answer_read(each);
    }
    pass_time(1);
    if (!proposed && ms > 500) {
      if (Node* leader = any_leader(); leader != nullptr && leader->group->propose_room()) {
        propose(*leader);
        proposed = true;
      }
    }
    if (proposed && is_settled()) return;
  }
  broken("no agreement after healing");
}

bool RandomWorld::is_settled() {
  Node* leader = any_leader();
  if (leader == nullptr || !leader->group->is_ready()) return false;
  const Membership& now = leader->group->membership();
  if (now.is_joint() || !leader->group->membership_is_committed()) return false;
  return std::ranges::all_of(now.everyone(), [&](NodeId id) {
    const Group& group = *node(id).group;
    return group.committed() == leader->log.end() && group.durable_end() == leader->log.end() &&
           group.leader() == leader->id;
  });
}

}  // namespace penstock::raft::random_world
