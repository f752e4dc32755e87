#include "broker/server/topic_admin.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/assert.h"
#include "base/log.h"
#include "broker/server/hop.h"
#include "broker/server/limits.h"
#include "broker/server/partition_rules.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("admin");
  return instance;
}

// After these, what is on disk is not what is in memory.
bool ends_the_process(Errc code) {
  return code == Errc::kFsyncFailed || code == Errc::kIoError || code == Errc::kCorrupt;
}

void report_recovery(const std::string& name, const Replica::Opened& opened) {
  const storage::RecoveryReport& report = opened.report;
  if (opened.rebuilt_state) {
    log().warn("the file of memberships was lost, and made anew from the log partition={}", name);
  }
  if (report.truncated_bytes > 0) {
    log().info("cut off a torn tail partition={} bytes={}", name, report.truncated_bytes);
  }
  for (const std::string& note : report.notes) log().warn("partition={} {}", name, note);
  for (const auto& damage : report.damage) {
    log().error("damaged records partition={} offsets=[{},{}) reason={}", name,
                damage.begin.value(), damage.end.value(), damage.reason);
  }
}

}  // namespace

// Held by the one change that is under way.
class TopicAdmin::Turn {
 public:
  explicit Turn(TopicAdmin& admin) : admin_(&admin) { admin.busy_ = true; }
  Turn(Turn&& other) noexcept : admin_(std::exchange(other.admin_, nullptr)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (admin_ == nullptr) return;
    admin_->busy_ = false;
    admin_->free_.notify_all();
  }

 private:
  TopicAdmin* admin_;
};

TopicAdmin::TopicAdmin(BrokerContext& broker, const DataDir& dir,
                       std::unique_ptr<MetadataStore> metadata, VoteQueue& votes,
                       asio::any_io_executor background, std::function<void(const Error&)> on_fatal,
                       Rng rng)
    : broker_(broker),
      metadata_(std::move(metadata)),
      folders_(
          dir, *broker.clock, [&votes](const TopicPartition& group) { return votes.find(group); },
          rng.next()),
      background_(std::move(background)),
      on_fatal_(std::move(on_fatal)),
      rng_(rng),
      image_(metadata_->image()),
      free_(broker.admin_shard().executor()) {}

Task<Result<TopicAdmin::Turn>> TopicAdmin::take_turn() {
  if (waiting_ >= kMaxAdminWaiting) {
    co_return fail(Errc::kOverloaded,
                   std::to_string(waiting_) + " administrative requests wait already; back off");
  }
  ++waiting_;
  Status waited;
  while (busy_ && waited) waited = co_await free_.wait(free_.version());
  --waiting_;
  if (!waited) co_return fail(std::move(waited).error());
  co_return Turn(*this);
}

// --- commands

template <typename Command>
Task<Result<Uuid>> TopicAdmin::commit(Command command) {
  auto done = co_await run_on(
      background_, [this, command = std::move(command)] { return metadata_->carry_out(command); });
  if (!done && ends_the_process(done.error().code())) {
    on_fatal_(Error(done.error()).context("metadata log"));
  }
  image_ = metadata_->image();
  co_return done;
}

Task<Result<Uuid>> TopicAdmin::create(CreateTopic command, Mode mode) {
  PENSTOCK_CO_TRY_ASSIGN(const Turn turn, co_await take_turn());
  command.id = rng_.uuid();
  command.now = broker_.clock->wall();
  if (mode == Mode::kValidateOnly) {
    PENSTOCK_CO_TRY(metadata_->check(command));
    co_return Uuid{};
  }
  const std::string name = command.name;
  PENSTOCK_CO_TRY_ASSIGN(const Uuid id, co_await commit(std::move(command)));
  const TopicPtr topic = image_->find(id);
  if (Status placed = co_await place(topic, 0); !placed) {
    log().error("could not place topic={} error={}", name, placed.error().to_string());
    if (const auto undone =
            co_await commit(DeleteTopic{.name = name, .now = broker_.clock->wall()});
        !undone) {
      co_await publish(image_);  // it is there, so it must be seen
      co_return fail(Errc::kIoError,
                     "the topic was made, but not its partitions: " + placed.error().message() +
                         "; and it could not be taken back: " + undone.error().message() +
                         "; delete or alter it");
    }
    unplaced_.erase(topic->id);
    co_await retire(topic);
    broker_.admin_shard().tasks().spawn("remove files", remove_files(topic->id, topic->name));
    co_return fail(std::move(placed).error());
  }
  co_await publish(image_);
  log().info("created topic={} id={} partitions={}", name, id.to_string(), topic->partitions);
  co_return id;
}

Task<Result<Uuid>> TopicAdmin::remove(DeleteTopic command) {
  PENSTOCK_CO_TRY_ASSIGN(const Turn turn, co_await take_turn());
  command.now = broker_.clock->wall();
  const TopicPtr topic = image_->find(command.name);
  PENSTOCK_CO_TRY_ASSIGN(const Uuid id, co_await commit(std::move(command)));
  unplaced_.erase(id);
  co_await publish(image_);
  co_await retire(topic);
  log().info("deleted topic={} id={}", topic->name, id.to_string());
  broker_.admin_shard().tasks().spawn("remove files", remove_files(id, topic->name));
  co_return id;
}

Task<Result<Uuid>> TopicAdmin::alter(AlterTopic command) {
  PENSTOCK_CO_TRY_ASSIGN(const Turn turn, co_await take_turn());
  const TopicPtr before = image_->find(command.name);
  PENSTOCK_CO_TRY_ASSIGN(const Uuid id, co_await commit(std::move(command)));
  const TopicPtr after = image_->find(id);
  const auto unplaced = unplaced_.find(id);
  const std::uint32_t placed_partitions =
      unplaced == unplaced_.end() ? before->partitions : unplaced->second;
  if (after == before && placed_partitions == after->partitions) co_return id;
  const Status placed = co_await place(after, placed_partitions);
  co_await publish(image_);
  for (const auto& shard : broker_.shards) {
    co_await run_on(shard->executor(), [&shard = *shard, after] {
      for (const auto& partition : shard.partitions()) {
        if (partition->id().topic != after->id) continue;
        partition->set_rules(partition_rules(after->settings));
        partition->apply_retention();  // a smaller limit is often set to make room now
      }
      return Status{};
    });
  }
  broker_.disk->measure();
  log().info("altered topic={} id={} partitions={}", after->name, id.to_string(),
             after->partitions);
  if (!placed) {
    co_return fail(Error(placed.error())
                       .context("the topic is altered, but its partitions from " +
                                std::to_string(placed_partitions) +
                                " could not be made; alter it again to try once more"));
  }
  co_return id;
}

// --- placing

namespace {

// Opening a partition is many small waits for the disk, which takes several at once. Blocking.
void in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  const auto do_some = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < std::min(kOpeningThreads, count); ++i) others.emplace_back(do_some);
  do_some();
}

}  // namespace

std::vector<OpenedPartition> TopicAdmin::open_partitions(const TopicImage& topic,
                                                         std::uint32_t from_partition) {
  std::vector<OpenedPartition> opened;
  for (std::uint32_t p = from_partition; p < topic.partitions; ++p) {
    opened.push_back({{topic.id, PartitionId(static_cast<std::int32_t>(p))},
                      fail(Errc::kInternal, "not opened")});
  }
  in_parallel(opened.size(), [&](std::size_t i) {
    opened[i].replica = folders_.open_partition(topic, opened[i].id.partition, term_floor());
  });
  if (std::ranges::all_of(opened, [](const auto& one) { return one.replica.has_value(); })) {
    const Status synced = folders_.sync_topic(topic);
    if (!synced && !opened.empty()) opened.back().replica = fail(synced.error());
  }
  return opened;
}

void TopicAdmin::hand_over(Shard& shard, const TopicImage& topic, OpenedPartition opened) {
  const std::string name = topic.name + "/" + std::to_string(opened.id.partition.value());
  if (!opened.replica) {
    log().error("cannot open partition={} error={}", name, opened.replica.error().to_string());
    Error why(Errc::kPartitionDamaged, name + ": " + opened.replica.error().to_string());
    return shard.place_broken(opened.id, std::move(why));
  }
  report_recovery(name, *opened.replica);
  shard.place(std::make_shared<Partition>(shard.partition_services(), opened.id, topic.name,
                                          partition_rules(topic.settings),
                                          std::move(opened.replica->replica)));
}

namespace {

// Whoever is told of the topic finds partitions that lead, when they are to lead at once.
Task<Status> settle_on(BrokerContext& broker, Shard& shard, TopicPtr topic) {
  for (std::uint32_t p = 0; p < topic->partitions; ++p) {
    const TopicPartition id{topic->id, PartitionId(static_cast<std::int32_t>(p))};
    if (broker.shard_index(id) != shard.index()) continue;
    const auto found = shard.find(id);
    if (found) co_await (*found)->settled();
  }
  co_return Status{};
}

}  // namespace

Term TopicAdmin::term_floor() const {
  return Term(std::max(image_->leader_epoch().value() - 1, raft::kFirstTerm.value()));
}

Task<Status> TopicAdmin::place(TopicPtr topic, std::uint32_t from_partition) {
  if (from_partition == topic->partitions) co_return Status{};
  std::vector<OpenedPartition> opened = co_await run_on(background_, [this, topic, from_partition] {
    return open_partitions(*topic, from_partition);
  });
  Status status;
  for (OpenedPartition& one : opened) {
    if (!one.replica && status) status = fail(one.replica.error());
  }
  if (!status) {  // all or none: the next attempt opens them all
    for (OpenedPartition& one : opened) one.replica = fail(status.error());
  }
  for (const auto& shard : broker_.shards) {
    co_await run_on(shard->executor(), [this, &shard = *shard, &opened, topic] {
      for (OpenedPartition& one : opened) {
        if (broker_.shard_index(one.id) == shard.index()) hand_over(shard, *topic, std::move(one));
      }
      return Status{};
    });
  }
  for (const auto& shard : broker_.shards) {
    co_await call_on(shard->executor(), settle_on(broker_, *shard, topic));
  }
  if (!status) {
    unplaced_[topic->id] = from_partition;
    co_return status;
  }
  unplaced_.erase(topic->id);
  co_return co_await run_on(background_, [this] { return mark_placed(); });
}

// With a partition that could not be placed, the mark stays: the next start makes its folder.
Status TopicAdmin::mark_placed() {
  if (start_failed_ || !unplaced_.empty()) return {};
  return folders_.mark_placed(image_->applied());
}

Task<void> TopicAdmin::publish(ImagePtr image) {
  for (const auto& shard : broker_.shards) {
    co_await run_on(shard->executor(), [&shard = *shard, image] {
      shard.set_image(image);
      return Status{};
    });
  }
}

namespace {

Task<Status> retire_on(BrokerContext& broker, Shard& shard, TopicPtr topic) {
  for (std::uint32_t p = 0; p < topic->partitions; ++p) {
    const TopicPartition id{topic->id, PartitionId(static_cast<std::int32_t>(p))};
    if (broker.shard_index(id) != shard.index()) continue;
    if (const auto partition = shard.remove(id)) co_await partition->retire();
  }
  co_return Status{};
}

}  // namespace

Task<void> TopicAdmin::retire(TopicPtr topic) {
  for (const auto& shard : broker_.shards) {
    co_await call_on(shard->executor(), retire_on(broker_, *shard, topic));
  }
}

Task<void> TopicAdmin::remove_files(Uuid id, std::string name) {
  const Status removed = co_await run_on(background_, [this, id, name]() -> Status {
    PENSTOCK_TRY(folders_.trash(id, name));
    return folders_.empty_trash(id, name);
  });
  if (!removed) {
    log().warn("files of a deleted topic stay until the next start topic={} error={}", name,
               removed.error().to_string());
    co_return;
  }
  auto turn = co_await take_turn();
  if (turn) co_await commit(ForgetTopic{id});
}

// --- start

Status TopicAdmin::place_everything() {
  PENSTOCK_TRY(folders_.load());
  struct Job {
    TopicPtr topic;
    TopicPartition id;
    Result<Replica::Opened> replica;
  };
  std::vector<Job> jobs;
  for (const auto& [name, topic] : image_->topics()) {
    for (std::uint32_t p = 0; p < topic->partitions; ++p) {
      jobs.push_back({topic,
                      {topic->id, PartitionId(static_cast<std::int32_t>(p))},
                      fail(Errc::kInternal, "not opened")});
    }
  }
  in_parallel(jobs.size(), [&](std::size_t i) {
    jobs[i].replica = folders_.open_partition(*jobs[i].topic, jobs[i].id.partition, term_floor());
  });
  for (Job& job : jobs) {
    if (!job.replica) start_failed_ = true;
  }
  for (const auto& [name, topic] : image_->topics()) {
    if (!start_failed_) PENSTOCK_TRY(folders_.sync_topic(*topic));
  }
  // All at once, so that the votes of all of them share a flush.
  for (Job& job : jobs) {
    hand_over(broker_.shard_of(job.id), *job.topic, {job.id, std::move(job.replica)});
  }
  for (const auto& shard : broker_.shards) shard->run_until_settled();
  PENSTOCK_TRY(mark_placed());
  for (const auto& shard : broker_.shards) shard->set_image(image_);
  PENSTOCK_TRY_ASSIGN(const auto unknown, folders_.unknown_folders(*image_, metadata_->deleted()));
  for (const std::string& path : unknown) {
    log().warn("metadata knows nothing of this folder; it is left alone folder={}", path);
  }
  return {};
}

void TopicAdmin::clean_up() {
  for (const auto& [id, name] : metadata_->deleted()) {
    broker_.admin_shard().tasks().spawn("remove files", remove_files(id, name));
  }
}

}  // namespace penstock::broker
