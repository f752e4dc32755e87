// The replicas of the model: elections, copies, cuts, restarts.
#include <algorithm>

#include "tests/broker/producers/model_world.h"

namespace penstock::broker::model {

const Entry* Replica::find(std::uint64_t payload) const {
  const auto found = std::ranges::find(log, payload, &Entry::payload);
  return found == log.end() ? nullptr : &*found;
}

std::vector<std::int64_t> naively_known(const Log& log, Offset committed,
                                        const ProducerTableOptions& options) {
  struct Known {
    std::int64_t id;
    std::int64_t active;  // -1: not told yet
  };
  std::vector<Known> known;
  std::int64_t time = -1;
  for (const Entry& entry : log) {
    if (entry.batch.end > committed) break;
    if (entry.batch.broker_time) {
      time = std::max(time, entry.batch.broker_time->ms());
      for (Known& one : known) {
        if (one.active < 0) one.active = time;
      }
      std::erase_if(known, [&](const Known& one) { return time - one.active > options.expiry_ms; });
    }
    if (!entry.batch.numbers) continue;
    const std::int64_t id = entry.batch.numbers->producer;
    std::erase_if(known, [&](const Known& one) { return one.id == id; });
    known.push_back({id, -1});
    if (known.size() > options.max_producers) known.erase(known.begin());
  }
  std::vector<std::int64_t> ids;
  for (const Known& one : known) ids.push_back(one.id);
  return ids;
}

void World::append(Replica& to, PlacedBatch batch, std::uint64_t payload) {
  to.log.push_back({batch, to.term, payload});
  to.table.appended(batch);
}

void World::elect() {
  // Whoever is at least as far as a majority.
  const auto place = [](const Replica& one) {
    return std::pair(one.log.empty() ? 0 : one.log.back().term, one.end());
  };
  std::vector<std::size_t> able;
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    const auto not_behind = std::ranges::count_if(
        replicas_, [&](const Replica& other) { return place(replicas_[i]) >= place(other); });
    if (not_behind >= 2) able.push_back(i);
  }
  leader_ = able[rng_.below(able.size())];
  std::int32_t term = 0;
  for (const Replica& one : replicas_) term = std::max(term, one.term);
  Replica& leader = replicas_[leader_];
  leader.term = term + 1;
  leader.leads = true;  // the one before may not have heard of it, and goes on
  const std::int64_t skew = static_cast<std::int64_t>(rng_.below(41)) - 20;
  append(leader, {leader.end(), leader.end() + 1, std::nullopt, Timestamp(now_ + skew)}, 0);
}

// Some of what the leader has, behind what both have.
void World::sync(std::size_t index) {
  Replica& follower = replicas_[index];
  const Replica& leader = replicas_[leader_];
  if (index == leader_ || follower.term > leader.term) return;
  follower.term = leader.term;
  follower.leads = false;
  std::size_t same = 0;
  while (same < follower.log.size() && same < leader.log.size() &&
         follower.log[same].term == leader.log[same].term) {
    ++same;
  }
  if (same < follower.log.size()) {
    const Offset to = follower.log[same].batch.base;
    if (to < follower.committed) complain("a committed batch is cut by the model itself");
    follower.log.resize(same);
    follower.table.truncated(to);
    ++tally_.cuts;
  }
  const std::size_t left = leader.log.size() - same;
  const std::size_t count = healed_ ? left : rng_.below(left + 1);
  for (std::size_t i = same; i < same + count; ++i) {
    follower.log.push_back(leader.log[i]);
    follower.table.appended(leader.log[i].batch);
  }
  // It may hear of commits before it has what is committed.
  if (rng_.one_in(2) || healed_) {
    follower.table.committed(leader.committed);
    follower.committed = std::max(follower.committed, std::min(leader.committed, follower.end()));
  }
}

void World::commit() {
  Replica& leader = replicas_[leader_];
  std::vector<Offset> ends;
  for (std::size_t i = 0; i < replicas_.size(); ++i) {
    const Replica& one = replicas_[i];
    ends.push_back(one.term == leader.term ? one.end() : Offset(0));
  }
  std::ranges::sort(ends);
  const Offset majority = ends[1];
  const auto opening = std::ranges::find(leader.log, leader.term, &Entry::term);
  if (opening == leader.log.end() || majority <= opening->batch.base) return;
  leader.committed = std::max(leader.committed, std::min(majority, leader.end()));
  leader.table.committed(leader.committed);
}

void World::restart(Replica& replica) {
  ++tally_.restarts;
  replica.leads = false;
  const bool has_snapshot = !replica.snapshot.empty();
  auto table = has_snapshot ? ProducerTable::restore(replica.snapshot, kPartition, options_)
                            : Result<ProducerTable>(ProducerTable(options_));
  if (!table) return complain("a snapshot is refused: " + table.error().to_string());
  for (const Entry& entry : replica.log) {
    if (entry.batch.base >= replica.log_start) table->appended(entry.batch);
  }
  table->committed(replica.committed);
  if (!equal(table->snapshot(kPartition), replica.table.snapshot(kPartition)) &&
      table->applied() == replica.table.applied()) {
    complain("a restart changed the table");
  }
  replica.table = *std::move(table);
}

// Records go; the snapshot that stands for them is written before.
void World::expire_records(Replica& replica) {
  replica.snapshot = replica.table.snapshot(kPartition);
  if (rng_.one_in(2)) return;
  for (const Entry& entry : replica.log) {
    if (entry.batch.end > replica.table.applied() || rng_.one_in(8)) break;
    replica.log_start = std::max(replica.log_start, entry.batch.end);
  }
}

// It is too far behind: its log begins anew where the leader's snapshot ends.
void World::install(std::size_t index) {
  Replica& follower = replicas_[index];
  const Replica& leader = replicas_[leader_];
  const Offset start = leader.table.applied();
  if (index == leader_ || follower.end() >= start || follower.term > leader.term) return;
  auto table = ProducerTable::restore(leader.table.snapshot(kPartition), kPartition, options_);
  if (!table) return complain("an install is refused: " + table.error().to_string());
  ++tally_.installs;
  follower.table = *std::move(table);
  follower.snapshot = leader.table.snapshot(kPartition);
  follower.log.clear();
  for (const Entry& entry : leader.log) {
    if (entry.batch.end <= start) follower.log.push_back(entry);
  }
  follower.log_start = start;
  follower.committed = start;
  follower.term = leader.term;
  follower.leads = false;
}

// A disk lost the end of what was committed; it will be sent again, and until then another one has
// it: nothing else happens here, in this model.
void World::damage(Replica& replica) {
  if (replica.leads || replica.log.empty() || replica.end() <= replica.log_start) return;
  const std::size_t keep = replica.log.size() - std::min<std::size_t>(3, replica.log.size());
  const Log lost(replica.log.begin() + static_cast<std::ptrdiff_t>(keep), replica.log.end());
  if (lost.front().batch.base < replica.log_start) return;
  replica.table.truncated(lost.front().batch.base);
  for (const Entry& entry : lost) replica.table.appended(entry.batch);
}

void World::compare_tables() {
  for (const Replica& replica : replicas_) {
    const Offset applied = replica.table.applied();
    std::vector<std::int64_t> known;
    for (const KnownProducer& one : replica.table.producers().all()) known.push_back(one.id);
    if (known != naively_known(replica.log, applied, options_)) complain("it knows others");
    // The whole log, from nothing.
    ProducerTable whole(options_);
    for (const Entry& entry : replica.log) {
      if (entry.batch.end <= applied) whole.appended(entry.batch);
    }
    whole.committed(applied);
    const Bytes snapshot = replica.table.snapshot(kPartition);
    if (!equal(whole.snapshot(kPartition), snapshot))
      complain("it is not what its log makes of it");
    // A snapshot, and the rest.
    auto restored = ProducerTable::restore(snapshot, kPartition, options_);
    if (!restored) return complain("a snapshot is refused: " + restored.error().to_string());
    if (!equal(restored->snapshot(kPartition), snapshot)) complain("a snapshot comes back changed");
  }
}

void World::step_replicas() {
  const std::size_t any = rng_.below(replicas_.size());
  if (healed_) {
    for (std::size_t i = 0; i < replicas_.size(); ++i) sync(i);
    return commit();
  }
  switch (rng_.below(60)) {
    case 0:
      return elect();
    case 1:
      restart(replicas_[any]);
      return any == leader_ ? elect() : void();
    case 2:
    case 3:
      return expire_records(replicas_[any]);
    case 4:
    case 5:
      return install(any);
    case 6:
      return damage(replicas_[any]);
    case 7:
      return compare_tables();
    default:
      break;
  }
  if (rng_.one_in(3)) sync(any);
  commit();
  Replica& leader = replicas_[leader_];
  if (leader.leads && leader.table.wants_time_mark(Timestamp(now_))) {
    append(leader, {leader.end(), leader.end() + 1, std::nullopt, Timestamp(now_)}, 0);
  }
}

}  // namespace penstock::broker::model
