#include "tests/broker/host/state_host_world.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/storage/expect.h"

namespace penstock::broker {
namespace {

const TopicPartition kMetadata{Uuid{}, PartitionId(0)};
constexpr std::int64_t kStepMs = 10;

Uuid disk_of(raft::NodeId id) {
  Uuid uuid;
  uuid.bytes.back() = static_cast<std::byte>(id.value());
  return uuid;
}

bool is_of_the_disk(const Error& error) {
  return error.code() == Errc::kIoError || error.code() == Errc::kFsyncFailed;
}

}  // namespace

StateWorld::StateWorld(std::vector<raft::NodeId> voters, MakeMachine make, std::uint64_t seed)
    : rng(seed), voters_(std::move(voters)), make_(std::move(make)) {
  raft_options.max_request_bytes = 2048;
  raft_options.election_timeout_ms = 200;
  raft_options.heartbeat_ms = 40;
  log_options.segment_bytes = 4096;
  log_options.index_interval_bytes = 256;
  log_options.retention_ms = std::nullopt;
  for (const raft::NodeId id : voters_) add(id);
}

StateNode& StateWorld::add(raft::NodeId id) {
  StateNode& node = nodes_[id];
  node.id = id;
  node.env = std::make_unique<fakes::FakeEnv>();
  EXPECT_OK(node.env->create_dirs(kWorldDir));
  EXPECT_OK(node.env->sync_dir("/"));
  return node;
}

Status StateWorld::start(StateNode& node) {
  PENSTOCK_TRY_ASSIGN(node.votes, VoteStore::open(*node.env, kWorldDir, disk_of(node.id)));
  node.machine = make_();
  PENSTOCK_TRY_ASSIGN(node.snapshots,
                      StateSnapshots::open(*node.env, kStateDir, {kMetadata}, *node.machine));
  ReplicaOptions options{.self = node.id,
                         .first_membership = {voters_, {}, {}},
                         .raft = raft_options,
                         .seed = rng.next(),
                         .state = node.snapshots.get()};
  PENSTOCK_TRY_ASSIGN(auto opened,
                      Replica::open(*node.env, clock, kLogDir, {kMetadata}, log_options,
                                    std::move(options), node.votes->find(kMetadata)));
  node.replica = std::move(opened.replica);
  node.fatal.reset();
  node.published = Offset(0);
  PENSTOCK_TRY_ASSIGN(
      node.host,
      StateHost::open(clock, *node.replica, *node.snapshots, *node.machine,
                      {.snapshot_after_bytes = snapshot_after_bytes,
                       .applied = [&](const StateMachine& machine) { publish(node, machine); },
                       .old_records = old_records}));
  pump(node);
  return {};
}

void StateWorld::start_everyone() {
  for (auto& [id, node] : nodes_) {
    if (!node.is_up()) EXPECT_OK(start(node));
  }
}

void StateWorld::stop(StateNode& node) {
  node.host.reset();
  node.replica.reset();
  node.snapshots.reset();
  node.machine.reset();
  node.votes.reset();
  node.unsaved.reset();
  node.saving.reset();
  node.vote_flush.reset();
  node.flush.reset();
  node.snapshot.reset();
  node.cold.clear();
}

void StateWorld::crash(StateNode& node, fakes::Survives survives) {
  stop(node);
  node.env->crash(survives, rng);
}

// --- work

void StateWorld::pump(StateNode& node) {
  bool more = node.is_up();
  while (more) {
    const ReplicaOutput output = node.replica->take_output();
    more = node.host->follow(output);
    take(node, output);
    more = is_alive(node) && more;
  }
}

void StateWorld::take(StateNode& node, const ReplicaOutput& output) {
  network.insert(network.end(), output.messages.begin(), output.messages.end());
  if (output.save) {
    if (const Status put = node.votes->put(kMetadata, *output.save); !put) {
      violation(node, "its vote cannot be stored: " + put.error().to_string());
    }
    node.unsaved = output.save;
  }
  node.cold.insert(node.cold.end(), output.cold_reads.begin(), output.cold_reads.end());
  if (output.was_reset) ++node.installs;
  if (output.fault) violation(node, "fault: " + *output.fault);
  if (output.fatal) node.fatal = output.fatal;
}

bool StateWorld::is_alive(StateNode& node) {
  if (!node.is_up()) return false;
  if (!node.fatal && node.host->fatal()) {
    node.fatal = node.host->fatal();
    if (!is_of_the_disk(*node.fatal)) violation(node, node.fatal->to_string());
  }
  if (node.fatal) stop(node);
  return node.is_up();
}

void StateWorld::tick(StateNode& node) {
  if (!node.is_up()) return;
  node.replica->tick();
  pump(node);
}

bool StateWorld::work(StateNode& node) {
  if (!node.is_up()) return false;
  if (node.vote_flush) {
    const Status status = node.vote_flush->run();
    node.votes->complete_flush(*node.vote_flush, status);
    node.vote_flush.reset();
    if (!status) {
      if (status.error().code() != Errc::kDiskFull) {
        node.fatal = status.error();
        stop(node);
      }
    } else if (const auto saved = std::exchange(node.saving, std::nullopt)) {
      node.replica->saved(*saved);
      pump(node);
    }
    return true;
  }
  if (!node.cold.empty()) {
    const std::uint64_t ticket = node.cold.front();
    node.cold.pop_front();
    const storage::Log::FileRead read = node.replica->take_cold_read(ticket);
    node.replica->complete_cold_read(ticket, read.run());
    pump(node);
    return true;
  }
  if (node.holds_flushes) return false;
  if (node.votes->needs_flush()) {
    node.vote_flush = node.votes->begin_flush();
    if (node.unsaved) node.saving = std::exchange(node.unsaved, std::nullopt);
    return true;
  }
  if (node.flush) {
    const storage::FlushTicket ticket = *std::exchange(node.flush, std::nullopt);
    node.replica->complete_flush(ticket, ticket.run());
    pump(node);
    return true;
  }
  if (node.replica->needs_flush()) {
    node.flush = node.replica->begin_flush();
    return true;
  }
  if (node.snapshot) {
    const StateSnapshots::Ticket ticket = *std::exchange(node.snapshot, std::nullopt);
    const Status status = ticket.run();
    node.host->complete_snapshot(ticket, status);
    if (status) ++node.snapshots_made;
    pump(node);
    return true;
  }
  if (node.host->wants_snapshot()) {
    node.snapshot = node.host->begin_snapshot();
    return true;
  }
  if (node.replica->wants_checkpoint()) {
    const ReplicaCheckpoint ticket = node.replica->begin_checkpoint();
    node.replica->complete_checkpoint(ticket, ticket.run());
    pump(node);
    return true;
  }
  return false;
}

bool StateWorld::deliver(std::size_t which) {
  const PeerMessage message = network[which];
  network.erase(network.begin() + static_cast<std::ptrdiff_t>(which));
  const auto to = nodes_.find(message.envelope.to);
  if (cut_off_.contains(message.envelope.from) || cut_off_.contains(message.envelope.to) ||
      to == nodes_.end() || !to->second.is_up()) {
    return false;
  }
  to->second.replica->receive(message);
  pump(to->second);
  return true;
}

void StateWorld::settle() {
  for (int i = 0; i < 100'000; ++i) {
    bool worked = false;
    for (auto& [id, node] : nodes_) worked |= work(node);
    if (!worked && network.empty()) return;
    if (!network.empty()) deliver(0);
  }
  violations_.push_back("the nodes never come to rest");
}

void StateWorld::run(std::int64_t ms) {
  for (std::int64_t passed = 0; passed < ms; passed += kStepMs) {
    clock.advance_ms(kStepMs);
    for (auto& [id, node] : nodes_) tick(node);
    settle();
  }
}

bool StateWorld::run_until(const std::function<bool()>& done, std::int64_t ms) {
  settle();
  for (std::int64_t passed = 0; passed < ms && !done(); passed += kStepMs) run(kStepMs);
  return done();
}

StateNode* StateWorld::leader() {
  StateNode* found = nullptr;
  for (auto& [id, node] : nodes_) {
    if (!node.is_up() || !node.host->is_ready() || cut_off_.contains(id)) continue;
    if (found == nullptr || found->replica->term() < node.replica->term()) found = &node;
  }
  return found;
}

StateNode& StateWorld::elect() {
  EXPECT_TRUE(run_until([&] { return leader() != nullptr; })) << "nobody is elected";
  return leader() != nullptr ? *leader() : nodes_.begin()->second;
}

// --- judgement

void StateWorld::violation(const StateNode& node, const std::string& what) {
  violations_.push_back(raft::to_string(node.id) + ": " + what);
}

void StateWorld::publish(StateNode& node, const StateMachine& machine) {
  const Offset at = machine.applied();
  if (at < node.published) violation(node, "its state went back");
  node.published = at;
  ++node.published_times;
  const auto [known, is_new] = states_.emplace(at, machine.snapshot());
  if (!is_new && known->second != machine.snapshot()) {
    violation(node, "another state than others had at " + std::to_string(at.value()));
  }
  if (const std::string wrong = judge ? judge(machine) : ""; !wrong.empty()) violation(node, wrong);
}

std::string StateWorld::differences() {
  Offset furthest;
  for (auto& [id, node] : nodes_) {
    if (node.is_up())
      furthest = std::max({furthest, node.host->applied(), node.replica->log_end()});
  }
  for (auto& [id, node] : nodes_) {
    if (node.is_up() && node.host->applied() < furthest) {
      return raft::to_string(id) + " has applied up to " +
             std::to_string(node.host->applied().value()) + " of " +
             std::to_string(furthest.value()) + "; " + node.replica->group().describe();
    }
  }
  return violations_.empty() ? "" : violations_.front();
}

std::vector<std::string> StateWorld::snapshot_files(const StateNode& node) const {
  return node.env->files(kStateDir);
}

}  // namespace penstock::broker
