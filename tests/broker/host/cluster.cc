#include "tests/broker/host/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/record/builder.h"
#include "protocol/record/record.h"
#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

const Uuid kTopic = *Uuid::parse("000102030405060708090a0b0c0d0e0f");
const TopicPartition kGroup{kTopic, PartitionId(0)};
constexpr std::int64_t kStepMs = 10;

Uuid disk_of(raft::NodeId id) {
  Uuid uuid;
  uuid.bytes.back() = static_cast<std::byte>(id.value());
  return uuid;
}

std::string text_of(raft::LogPoint start) {
  return "state at " + std::to_string(start.end.value()) + " of term " +
         std::to_string(start.term.value());
}

}  // namespace

Result<SharedBytes> PositionAsState::state_at(raft::LogPoint start) {
  if (!is_ready) return fail(Errc::kNotReady);
  const std::string text = text_of(start);
  const ByteView bytes = as_bytes(text);
  return SharedBytes(Bytes(bytes.begin(), bytes.end()));
}

Status PositionAsState::install(raft::LogPoint start, ByteView state) {
  if (as_text(state) != text_of(start)) return fail(Errc::kCorrupt, "not that state");
  ++installed;
  return {};
}

Cluster::Cluster(std::vector<raft::NodeId> first_voters, std::uint64_t seed)
    : rng(seed), first_voters_(std::move(first_voters)) {
  raft_options.max_request_bytes = 2048;
  log_options.segment_bytes = 4096;
  log_options.index_interval_bytes = 256;
  for (const raft::NodeId id : first_voters_) add(id);
}

Member& Cluster::add(raft::NodeId id) {
  Member& member = members_[id];
  member.id = id;
  member.env = std::make_unique<fakes::FakeEnv>();
  EXPECT_OK(member.env->create_dirs(kNodeDir));
  EXPECT_OK(member.env->sync_dir("/"));
  return member;
}

Status Cluster::start(Member& member) {
  PENSTOCK_TRY_ASSIGN(auto votes, VoteStore::open(*member.env, kNodeDir, disk_of(member.id)));
  const auto hard_state = votes->find(kGroup);
  ReplicaOptions options{
      .self = member.id,
      .first_membership = {.voters =
                               member.knows_nobody ? std::vector<raft::NodeId>{} : first_voters_,
                           .outgoing = {},
                           .learners = {}},
      .raft = raft_options,
      .seed = rng.next(),
      .state = has_state ? &member.state : nullptr};
  PENSTOCK_TRY_ASSIGN(auto opened, Replica::open(*member.env, clock, kReplicaDir, {kGroup},
                                                 log_options, std::move(options), hard_state));
  member.votes = std::move(votes);
  member.replica = std::move(opened.replica);
  member.rebuilt_state = opened.rebuilt_state;
  member.fatal.reset();
  member.fault.reset();
  member.checked = member->log_start();
  member->keep_tombstones(tombstones_stay_ms);
  drain(member);
  if (member.is_up()) compare_committed(member);
  return {};
}

void Cluster::start_everyone() {
  for (auto& [id, member] : members_) {
    if (!member.is_up()) EXPECT_OK(start(member));
  }
}

void Cluster::stop(Member& member) {
  member.replica.reset();
  member.votes.reset();
  member.unsaved.reset();
  member.saving.reset();
  member.vote_flush.reset();
  member.flush.reset();
  member.pass.reset();
  member.cold.clear();
}

void Cluster::crash(Member& member, fakes::Survives survives) {
  stop(member);
  member.env->crash(survives, rng);
}

void Cluster::restart(Member& member, fakes::Survives survives) {
  crash(member, survives);
  EXPECT_OK(start(member));
}

// --- work

void Cluster::drain(Member& member) {
  if (member.is_up()) take(member, member->take_output());
}

void Cluster::take(Member& member, ReplicaOutput output) {
  for (PeerMessage& message : output.messages) network.push_back(std::move(message));
  if (output.save) {
    if (const Status put = member.votes->put(kGroup, *output.save); !put) {
      violation(member, "its vote cannot be stored: " + put.error().to_string());
    }
    member.unsaved = output.save;
  }
  member.cold.insert(member.cold.end(), output.cold_reads.begin(), output.cold_reads.end());
  if (output.truncated_to) {
    ++member.truncations;
    const ReplicaStats& stats = member->stats();
    const bool may_cut = stats.cuts_at_damage > 0 || stats.begun_anew > 0;
    if (*output.truncated_to < member.checked && !may_cut)
      violation(member, "it cut what was committed");
  }
  if (output.was_reset) {
    ++member.resets;
    member.checked = std::max(member.checked, member->log_start());
  }
  if (output.fault) {
    member.fault = output.fault;
    violation(member, "fault: " + *output.fault);
  }
  if (output.committed) compare_committed(member);
  if (output.fatal) {
    member.fatal = output.fatal;
    stop(member);
  }
}

void Cluster::tick(Member& member) {
  if (!member.is_up()) return;
  member->tick();
  drain(member);
}

bool Cluster::work(Member& member) {
  if (!member.is_up()) return false;
  const auto die = [&](const Error& error) {
    member.fatal = error;
    stop(member);
  };
  if (member.vote_flush) {
    const Status status = member.vote_flush->run();
    member.votes->complete_flush(*member.vote_flush, status);
    member.vote_flush.reset();
    if (!status) {
      if (status.error().code() != Errc::kDiskFull) die(status.error());
    } else if (const auto saved = std::exchange(member.saving, std::nullopt)) {
      member->saved(*saved);
      drain(member);
    }
    return true;
  }
  if (!member.cold.empty()) {
    const std::uint64_t ticket = member.cold.front();
    member.cold.pop_front();
    ++member.cold_reads;
    const storage::Log::FileRead read = member->take_cold_read(ticket);
    member->complete_cold_read(ticket, read.run());
    drain(member);
    return true;
  }
  if (member.holds_flushes) return false;
  if (member.votes->needs_flush()) {
    member.vote_flush = member.votes->begin_flush();
    if (member.unsaved) member.saving = std::exchange(member.unsaved, std::nullopt);
    return true;
  }
  if (member.flush) {
    const storage::FlushTicket ticket = *std::exchange(member.flush, std::nullopt);
    member->complete_flush(ticket, ticket.run());
    drain(member);
    return true;
  }
  if (member->needs_flush()) {
    member.flush = member->begin_flush();
    return true;
  }
  if (member->wants_checkpoint()) {
    const ReplicaCheckpoint ticket = member->begin_checkpoint();
    member->complete_checkpoint(ticket, ticket.run());
    drain(member);
    return true;
  }
  return false;
}

bool Cluster::deliver(std::size_t which) {
  const PeerMessage message = network[which];
  network.erase(network.begin() + static_cast<std::ptrdiff_t>(which));
  const raft::Envelope& envelope = message.envelope;
  const auto to = members_.find(envelope.to);
  if (cut_off_.contains(envelope.from) || cut_off_.contains(envelope.to) || loses(message) ||
      to == members_.end() || !to->second.is_up()) {
    return false;
  }
  to->second->receive(message);
  drain(to->second);
  return true;
}

void Cluster::settle() {
  for (int i = 0; i < 100'000; ++i) {
    bool worked = false;
    for (auto& [id, member] : members_) worked |= work(member);
    if (!worked && network.empty()) return;
    if (!network.empty()) deliver(0);
  }
  violations_.push_back("the members never come to rest");
}

void Cluster::run(std::int64_t ms) {
  for (std::int64_t passed = 0; passed < ms; passed += kStepMs) {
    clock.advance_ms(kStepMs);
    for (auto& [id, member] : members_) tick(member);
    settle();
  }
}

bool Cluster::run_until(const std::function<bool()>& done, std::int64_t ms) {
  settle();
  for (std::int64_t passed = 0; passed < ms && !done(); passed += kStepMs) run(kStepMs);
  return done();
}

// --- the client

Member* Cluster::leader() {
  Member* found = nullptr;
  for (auto& [id, member] : members_) {
    if (!member.is_up() || !member->is_ready() || cut_off_.contains(id)) continue;
    if (found == nullptr || (*found)->term() < member->term()) found = &member;
  }
  return found;
}

Member& Cluster::elect() {
  EXPECT_TRUE(run_until([&] { return leader() != nullptr; })) << "nobody is elected";
  return leader() != nullptr ? *leader() : members_.begin()->second;
}

Result<ReplicaAppend> Cluster::append(Member& member, std::size_t value_bytes) {
  std::string value = "record " + std::to_string(++produced_) + " ";
  value.resize(std::max(value.size(), value_bytes), '.');
  record::BatchBuilder builder;
  builder.append(clock.wall(), std::nullopt, as_bytes(value));
  return append_batch(member, *builder.build());
}

Result<ReplicaAppend> Cluster::append_batch(Member& member, Bytes batch) {
  auto appended = member->append(batch);
  if (appended) {
    waiting_.push_back({member.id, appended->term, appended->base_offset, appended->end, batch});
  }
  drain(member);
  return appended;
}

bool Cluster::produce(int count, std::size_t value_bytes) {
  const std::uint64_t wanted = acknowledged_ + static_cast<std::uint64_t>(count);
  return run_until(
      [&] {
        while (acknowledged_ < wanted) {
          Member* const to = leader();
          if (to == nullptr || !append(*to, value_bytes)) return false;
          settle();
        }
        return true;
      },
      60'000);
}

// --- key compaction

bool Cluster::compact_piece(Member& member) {
  if (!member.pass) {
    auto begun = member->begin_compaction(
        {.limit = storage::kNoLimit, .min_lag_ms = 0, .map_bytes = 4096, .hash_seed = rng.next()});
    if (begun && *begun) member.pass = **begun;
    drain(member);
    return member.pass.has_value();
  }
  const Status status = member.pass->run();
  const auto progress = member->complete_compaction(*member.pass, status);
  if (progress != storage::CompactionProgress::kMore) member.pass.reset();
  drain(member);
  return true;
}

void Cluster::compact(Member& member) {
  EXPECT_OK(member->seal());
  settle();
  const ReplicaCheckpoint ticket = member->begin_checkpoint();
  member->complete_checkpoint(ticket, ticket.run());
  drain(member);
  while (compact_piece(member)) {
  }
}

// --- judgement

bool Cluster::is_what_is_left(const record::BatchView& batch) const {
  auto records = record::Records::open(batch);
  while (records) {
    const auto left = records->next();
    if (!left) return false;
    if (!*left) return true;
    const auto known = committed_.upper_bound((*left)->offset);
    if (known == committed_.begin()) return false;
    const auto whole = record::BatchView::parse(std::prev(known)->second);
    if (!whole || whole->leader_epoch() != batch.leader_epoch()) return false;
    auto originals = record::Records::open(*whole);
    bool is_there = false;
    while (originals && !is_there) {
      const auto one = originals->next();
      if (!one || !*one) return false;
      is_there = (*one)->offset == (*left)->offset;
      const auto same = [](const auto& a, const auto& b) {
        return a.has_value() == b.has_value() && (!a || equal(*a, *b));
      };
      if (is_there && !(same((*one)->key, (*left)->key) && same((*one)->value, (*left)->value))) {
        return false;
      }
    }
  }
  return false;
}

void Cluster::violation(const Member& member, const std::string& what) {
  violations_.push_back(raft::to_string(member.id) + ": " + what);
}

void Cluster::compare_committed(Member& member) {
  const Offset until = std::min(member->committed(), member->log_end());
  Offset at = std::max(member.checked, member->log_start());
  while (at < until) {
    const auto read = member->read(at, 1U << 20, until, /*cached_only=*/false);
    if (!read) {
      // Reading can fail: the machine may be dying. What is damaged is told by is_damaged().
      if (read.error().code() == Errc::kOffsetOutOfRange)
        violation(member, "what it committed is not there");
      return;
    }
    for (ByteView rest = read->batches.view(); !rest.empty();) {
      const auto batch = record::BatchView::parse(rest);
      const Bytes bytes(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(batch->size()));
      const bool was_compacted = tombstones_stay_ms && batch->base_offset() < committed_end_;
      if (was_compacted) {
        if (!is_what_is_left(*batch)) {
          violation(member, "what is left at " + std::to_string(batch->base_offset().value()) +
                                " was never committed");
        }
        rest = rest.subspan(batch->size());
        continue;
      }
      const auto [known, is_new] = committed_.emplace(batch->base_offset(), bytes);
      if (is_new && batch->base_offset() < committed_end_) {
        violation(member, "another batch than others have at " +
                              std::to_string(batch->base_offset().value()));
      }
      if (known->second != bytes) {
        violation(member,
                  "committed records differ at " + std::to_string(batch->base_offset().value()));
      }
      if (is_new && on_committed) on_committed(bytes);
      committed_end_ = std::max(committed_end_, batch->end_offset());
      rest = rest.subspan(batch->size());
    }
    at = read->next;
    member.checked = at;
  }
  acknowledge(member);
}

void Cluster::acknowledge(Member& member) {
  if (member->role() != raft::Role::kLeader) return;
  std::erase_if(waiting_, [&](const Waiting& one) {
    if (one.leader != member.id || one.term != member->term()) return false;
    if (member->committed() < one.end) return false;
    ++acknowledged_;
    const auto found = committed_.find(one.base);
    // Acknowledged and removed, before anybody could look at it.
    if (found == committed_.end() && one.base < member->log_start()) return true;
    if (found == committed_.end() || found->second != one.batch) {
      violation(member, "acknowledged and not committed: " + std::to_string(one.base.value()));
    }
    return true;
  });
}

std::string Cluster::differences() {
  for (auto& [id, member] : members_) {
    if (!member.is_up()) continue;
    member.checked = member->log_start();
    compare_committed(member);
    if (member.checked < committed_end_) {
      return raft::to_string(id) + " has committed records up to " +
             std::to_string(member.checked.value()) + " of " +
             std::to_string(committed_end_.value()) + "; " + member->group().describe();
    }
  }
  return violations_.empty() ? "" : violations_.front();
}

}  // namespace penstock::broker
