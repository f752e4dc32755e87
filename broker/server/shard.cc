#include "broker/server/shard.h"

#include <pthread.h>

#include "base/assert.h"
#include "broker/partition/limits.h"
#include "broker/server/limits.h"
#include "broker/server/replica_upkeep.h"

namespace penstock::broker {

Shard::Shard(std::size_t index, const ShardServices& services)
    : index_(index),
      flushes_(io_.get_executor(), services.flush_pool, *services.clock, kMaxFlushesUnderWay),
      checkpoints_(io_.get_executor(), services.background_pool, *services.clock),
      ticks_(io_.get_executor(), *services.clock),
      scrubs_(io_.get_executor(), services.background_pool, *services.clock,
              services.scrub_bytes_per_second),
      compactions_(io_.get_executor(), services.background_pool, *services.clock,
                   {.bytes_per_second = services.compaction_bytes_per_second,
                    .map_bytes = services.compaction_map_bytes,
                    .seed = services.compaction_seed + index}),
      catch_up_(services.catch_up_bytes_per_second),
      services_{.shard = io_.get_executor(),
                .background = services.background_pool,
                .clock = services.clock,
                .flushes = &flushes_,
                .checkpoints = &checkpoints_,
                .ticks = &ticks_,
                .votes = services.votes,
                .send = [this](const TopicPartition& group,
                               PeerMessage message) { peers_.send(group, std::move(message)); },
                .leadership_changed =
                    [this] {
                      if (upkeep_) upkeep_->leadership_changed();
                    },
                .disk = services.disk,
                .catch_up = &catch_up_,
                .observer = services.observer,
                .on_fatal = services.on_fatal,
                .scrubs = &scrubs_,
                .compactions = &compactions_},
      peers_(io_.get_executor(), services.self),
      self_(services.self.broker),
      tasks_(io_.get_executor()),
      groups_have_work_(io_.get_executor()),
      waiting_timer_(io_) {}

Shard::~Shard() { PENSTOCK_ASSERT(!thread_.joinable(), "stop_thread() comes first"); }

void Shard::run_until(const std::function<bool()>& done) {
  while (!done()) io_.run_one();
}

void Shard::run_until_settled() {
  for (const auto& [id, placed] : partitions_) {
    if (!placed.partition) continue;
    run_until([&partition = *placed.partition] { return partition.is_settled(); });
  }
}

void Shard::start_thread() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), ("shard-" + std::to_string(index_)).c_str());
    io_.run();
  });
}

void Shard::stop_thread() {
  if (!thread_.joinable()) return;
  // What is ready still runs: completions of disk work, sockets that close.
  busy_.reset();
  asio::post(io_, [this] { io_.stop(); });
  thread_.join();
}

Result<Partition*> Shard::find(const TopicPartition& id) const {
  const auto found = partitions_.find(id);
  if (found != partitions_.end()) {
    if (found->second.partition) return found->second.partition.get();
    return fail(found->second.why);
  }
  const TopicPtr topic = image_->find(id.topic);
  if (!topic) {
    return fail(Errc::kUnknownTopic,
                "no topic has id " + id.topic.to_string() + "; it may have been deleted");
  }
  const auto number = static_cast<std::uint32_t>(id.partition.value());
  if (number >= topic->partitions) {
    return fail(Errc::kUnknownPartition, topic->name + " has partitions 0 to " +
                                             std::to_string(topic->partitions - 1) + ", not " +
                                             std::to_string(id.partition.value()));
  }
  const PartitionImage& placed = topic->partition(id.partition);
  const std::string name = topic->name + "/" + std::to_string(number);
  if (placed.has(self_)) return fail(Errc::kNotReady, name + " is being opened on this broker");
  return fail(Errc::kNotLeader, name + " is on brokers " + to_string(placed.brokers()) +
                                    ", not on this one; refresh metadata");
}

void Shard::hear(const LeaderNews& news) { leaders_.hear(news); }

KnownLeader Shard::leader_of(const TopicPartition& id) const {
  KnownLeader known;
  if (const auto partition = find(id)) {
    known = {(*partition)->replica().leader(), (*partition)->epoch()};
  }
  const auto news = leaders_.find(id);
  return news && news->term > known.term ? KnownLeader{news->leader, news->term} : known;
}

void Shard::set_image(ImagePtr image) {
  image_ = std::move(image);
  leaders_.forget_deleted(*image_);
  for (const auto& [id, groups] : coordinators_) groups->set_image(image_);
}

void Shard::place_groups(const std::shared_ptr<Partition>& partition,
                         const std::shared_ptr<GroupCoordinator>& groups) {
  groups->set_image(image_);
  groups->attach(partition, services_, [this] { groups_have_work_.notify_all(); });
  coordinators_.insert_or_assign(partition->id(), groups);
}

Result<std::shared_ptr<GroupCoordinator>> Shard::find_groups(const TopicPartition& id) const {
  const auto found = coordinators_.find(id);
  if (found != coordinators_.end()) return found->second;
  return fail(Errc::kNotLeader, "this broker does not coordinate the group; find its coordinator");
}

Task<void> Shard::tend_groups() {
  while (true) {
    const std::uint64_t seen = groups_have_work_.version();
    bool busy = false;
    for (const auto& [id, groups] : coordinators_) busy = groups->tick() || busy;
    const auto until = busy ? std::chrono::steady_clock::now() + kGroupTickPeriod
                            : std::chrono::steady_clock::time_point::max();
    const Status woken = co_await groups_have_work_.wait(seen, until);
    if (!woken && woken.error().code() == Errc::kCancelled) co_return;
  }
}

void Shard::stop_groups() {
  for (const auto& [id, groups] : coordinators_) groups->stop();
}

void Shard::start_upkeep(std::unique_ptr<ReplicaUpkeep> upkeep) {
  upkeep_ = std::move(upkeep);
  tasks_.spawn("replica upkeep", upkeep_->run());
}

void Shard::receive(const GroupMessage& message) {
  if (message.group.topic.is_nil()) {
    if (metadata_) metadata_->receive(message.message);
    return;
  }
  const auto found = partitions_.find(message.group);
  if (found == partitions_.end() || !found->second.partition) return;
  // It may be retired by what it receives.
  const std::shared_ptr<Partition> partition = found->second.partition;
  partition->receive(message.message);
}

void Shard::place(std::shared_ptr<Partition> partition) {
  const TopicPartition id = partition->id();
  const auto [at, is_new] =
      partitions_.insert_or_assign(id, Placed{.partition = std::move(partition)});
  at->second.partition->start();
}

void Shard::place_broken(const TopicPartition& id, Error why) {
  partitions_.insert_or_assign(id, Placed{.partition = nullptr, .why = std::move(why)});
}

std::shared_ptr<Partition> Shard::remove(const TopicPartition& id) {
  if (auto groups = coordinators_.extract(id)) groups.mapped()->stop();
  auto node = partitions_.extract(id);
  return node ? std::move(node.mapped().partition) : nullptr;
}

std::vector<std::shared_ptr<Partition>> Shard::partitions() const {
  std::vector<std::shared_ptr<Partition>> all;
  all.reserve(partitions_.size());
  for (const auto& [id, placed] : partitions_) {
    if (placed.partition) all.push_back(placed.partition);
  }
  return all;
}

std::vector<std::shared_ptr<Partition>> Shard::groups() const {
  auto all = partitions();
  if (metadata_) all.push_back(metadata_);
  return all;
}

std::size_t Shard::broken_partitions() const {
  std::size_t count = 0;
  for (const auto& [id, placed] : partitions_) {
    if (!placed.partition || placed.partition->damaged_ranges() > 0) ++count;
  }
  return count;
}

void Shard::add_waiting(Waiting& waiting) {
  waiting_.push_back(waiting);
  arm_waiting_timer();
}

void Shard::arm_waiting_timer() {
  if (waiting_timer_armed_ || waiting_.empty() || draining_) return;
  waiting_timer_armed_ = true;
  waiting_timer_.expires_after(kProduceTimeoutPeriod);
  waiting_timer_.async_wait([this](boost::system::error_code) {
    waiting_timer_armed_ = false;
    const std::int64_t now_ns = clock().steady_ns();
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      Waiting& waiting = *it++;  // it may take itself out
      waiting.time_passed(now_ns);
    }
    arm_waiting_timer();
  });
}

void Shard::begin_draining() {
  draining_ = true;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    Waiting& waiting = *it++;
    waiting.draining();
  }
}

}  // namespace penstock::broker
