#include "broker/server/partition_placer.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "base/log.h"
#include "broker/group/home.h"
#include "broker/server/controller_gate.h"
#include "broker/server/hop.h"
#include "broker/server/limits.h"
#include "broker/server/partition_rules.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("placer");
  return instance;
}

std::string name_of(const TopicImage& topic, const TopicPartition& id) {
  return topic.name + "/" + std::to_string(id.partition.value());
}

TopicPartition partition_of(const TopicImage& topic, std::uint32_t number) {
  return {topic.id, PartitionId(static_cast<std::int32_t>(number))};
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

PartitionPlacer::PartitionPlacer(BrokerContext& broker, const DataDir& dir, VoteQueue& votes,
                                 asio::any_io_executor background, std::uint64_t seed)
    : broker_(broker),
      folders_(
          dir, *broker.clock, [&votes](const TopicPartition& group) { return votes.find(group); },
          seed),
      background_(std::move(background)),
      self_(dir.identity().node_id),
      changed_(broker.admin_shard().executor()) {}

Status PartitionPlacer::load() {
  PENSTOCK_TRY(folders_.load());
  caught_up_at_ = std::max(folders_.placed(), Offset(1));
  return {};
}

// --- opening

std::set<TopicPartition> PartitionPlacer::on_disk(const ClusterImage& image) const {
  std::set<TopicPartition> found;
  for (const auto& [name, topic] : image.topics()) {
    const auto folders = folders_.folders_of(*topic);
    if (!folders) {
      log().warn("cannot list the folders of topic={} error={}", name, folders.error().to_string());
      continue;
    }
    for (const PartitionId partition : *folders) found.insert({topic->id, partition});
  }
  return found;
}

std::vector<Opening> PartitionPlacer::what_to_open(const ClusterImage& image,
                                                   const std::set<TopicPartition>& left_over) {
  std::vector<Opening> openings;
  for (const auto& [name, topic] : image.topics()) {
    const bool again = again_.erase(topic->id) > 0;
    if (!again && done_->find(topic->id) == topic) continue;
    for (std::uint32_t p = 0; p < topic->partitions; ++p) {
      const TopicPartition id = partition_of(*topic, p);
      if (here_.contains(id)) continue;
      const bool is_wanted = topic->is_wanted_at(id.partition, self_, folders_.placed());
      if (!is_wanted && !left_over.contains(id)) continue;
      if (!again && broken_.contains(id)) continue;
      openings.push_back(
          {.topic = topic, .id = id, .replica = fail(Errc::kInternal, "not opened")});
    }
  }
  return openings;
}

// On the background pool, or before anything runs.
void PartitionPlacer::open_all(std::vector<Opening>& openings, const ClusterImage& image) const {
  // What is led from now on by a broker that is alone is led in a newer term than whatever was led
  // before this start.
  const Term floor(std::max(image.leader_epoch().value() - 1, raft::kFirstTerm.value()));
  in_parallel(openings.size(), [&](std::size_t i) {
    Opening& one = openings[i];
    one.replica = folders_.open_partition(*one.topic, one.id.partition, floor);
    if (!one.replica || one.topic->name != group::kOffsetsTopic) return;
    auto groups = folders_.open_groups(*one.topic, one.id.partition, *one.replica->replica);
    if (groups) {
      one.groups = *std::move(groups);
    } else {
      one.replica = fail(std::move(groups).error().context("the groups in its log"));
    }
  });
  std::map<Uuid, Status> synced;  // a topic's folder once
  for (Opening& one : openings) {
    if (!one.replica) continue;
    const auto [at, is_new] = synced.try_emplace(one.topic->id);
    if (is_new) at->second = folders_.sync_topic(*one.topic);
    if (!at->second) one.replica = fail(at->second.error());
  }
}

void PartitionPlacer::remember(const std::vector<Opening>& openings) {
  for (const Opening& one : openings) {
    if (one.replica) {
      here_.insert(one.id);
      broken_.erase(one.id);
    } else {
      broken_.insert_or_assign(one.id, one.replica.error());
    }
  }
}

// On the shard.
void PartitionPlacer::hand_over(Shard& shard, Opening opening) {
  const std::string name = name_of(*opening.topic, opening.id);
  if (!opening.replica) {
    log().error("cannot open partition={} error={}", name, opening.replica.error().to_string());
    Error why(Errc::kPartitionDamaged, name + ": " + opening.replica.error().to_string());
    return shard.place_broken(opening.id, std::move(why));
  }
  report_recovery(name, *opening.replica);
  auto partition = std::make_shared<Partition>(
      shard.partition_services(), opening.id, opening.topic->name,
      partition_rules(opening.topic->settings), std::move(opening.replica->replica));
  if (opening.groups) shard.place_groups(partition, opening.groups);
  shard.place(std::move(partition));
}

namespace {

// Whoever is told of the topics finds partitions that lead, when they are to lead at once.
Task<Status> settle_on(Shard& shard, std::vector<TopicPartition> ids) {
  for (const TopicPartition& id : ids) {
    const auto found = shard.find(id);
    if (found) co_await (*found)->settled();
  }
  co_return Status{};
}

}  // namespace

Task<void> PartitionPlacer::place(std::vector<Opening>& openings) {
  std::vector<std::vector<TopicPartition>> ids(broker_.shards.size());
  for (const Opening& one : openings) ids[broker_.shard_index(one.id)].push_back(one.id);
  // All of them first, so that their votes share flushes.
  for (const auto& shard : broker_.shards) {
    co_await run_on(shard->executor(), [this, &shard = *shard, &openings] {
      for (Opening& one : openings) {
        if (broker_.shard_index(one.id) == shard.index()) hand_over(shard, std::move(one));
      }
      return Status{};
    });
  }
  for (const auto& shard : broker_.shards) {
    co_await call_on(shard->executor(), settle_on(*shard, ids[shard->index()]));
  }
}

// With a partition that could not be placed, the mark stays: the next start makes its folder.
Status PartitionPlacer::mark_placed(const ClusterImage& image) {
  if (!broken_.empty()) return {};
  return folders_.mark_placed(image.applied());
}

Status PartitionPlacer::place_everything(ImagePtr image) {
  newest_ = image;
  if (!may_follow(*image)) return {};
  std::vector<Opening> openings = what_to_open(*image, on_disk(*image));
  open_all(openings, *image);
  remember(openings);
  for (Opening& one : openings) hand_over(broker_.shard_of(one.id), std::move(one));
  for (const auto& shard : broker_.shards) shard->run_until_settled();
  if (Status marked = mark_placed(*image); !marked) {
    // Without a free byte it is said later (run()): until then no replica goes.
    if (marked.error().code() != Errc::kDiskFull) return marked;
    log().warn("cannot note what is placed, for now error={}", marked.error().to_string());
  }
  for (const auto& shard : broker_.shards) shard->set_image(image);
  done_ = image;
  broker_.has_caught_up = true;
  std::map<Uuid, std::string> deleted;
  for (const auto& [id, topic] : image->deleted()) deleted.emplace(id, topic.name);
  PENSTOCK_TRY_ASSIGN(const auto unknown, folders_.unknown_folders(*image, deleted));
  for (const std::string& path : unknown) {
    log().warn("metadata knows nothing of this folder; it is left alone folder={}", path);
  }
  return {};
}

// --- following

void PartitionPlacer::follow(ImagePtr image) {
  newest_ = std::move(image);
  changed_.notify_all();
}

void PartitionPlacer::try_again(const Uuid& topic) {
  const bool is_broken =
      std::ranges::any_of(broken_, [&](const auto& entry) { return entry.first.topic == topic; });
  if (!is_broken) return;
  again_.insert(topic);
  changed_.notify_all();
}

void PartitionPlacer::retire(const TopicPartition& id) {
  if (here_.contains(id) && retired_.insert(id).second) changed_.notify_all();
}

std::optional<Error> PartitionPlacer::trouble(const Uuid& topic) const {
  for (const auto& [id, why] : broken_) {
    if (id.topic == topic) return why;
  }
  return std::nullopt;
}

Task<Status> PartitionPlacer::wait_for(Offset offset,
                                       std::chrono::steady_clock::time_point deadline) {
  while (true) {
    const std::uint64_t seen = changed_.version();
    if (done_->applied() >= offset && again_.empty()) co_return Status{};
    PENSTOCK_CO_TRY(co_await changed_.wait(seen, deadline));
  }
}

Task<void> PartitionPlacer::run() {
  clean_up(*done_);
  while (true) {
    const std::uint64_t seen = changed_.version();
    if ((newest_ != done_ && may_follow(*newest_)) || !again_.empty()) {
      co_await bring_to(newest_);
    } else if (!retired_.empty() && is_marked()) {
      // With broken ones, or on a full disk, the mark of what was placed lags behind, and without
      // it the next start might take a replica that came and went for one that never was.
      co_await end_retired();
    } else {
      const bool is_due = broken_.empty() && !is_marked();
      const Status woken =
          co_await changed_.wait(seen, is_due ? std::chrono::steady_clock::now() + kMarkPause
                                              : std::chrono::steady_clock::time_point::max());
      if (!woken && woken.error().code() == Errc::kCancelled) co_return;  // the broker stops
      if (!woken) co_await note_placed(done_);
    }
  }
}

Task<void> PartitionPlacer::bring_to(ImagePtr image) {
  // What was placed elsewhere while this broker was away: its group may count on it all the same.
  std::set<TopicPartition> left_over;
  const bool is_first = done_->applied() == Offset(0);
  if (is_first) left_over = co_await run_on(background_, [&] { return on_disk(*image); });
  std::vector<Opening> openings = what_to_open(*image, left_over);
  if (!openings.empty()) {
    co_await run_on(background_, [&] {
      open_all(openings, *image);
      return Status{};
    });
    remember(openings);
    co_await place(openings);
  }
  co_await apply_settings(image);
  co_await publish(image);
  co_await end_deleted(image);
  co_await note_placed(image);
  done_ = image;
  broker_.has_caught_up = true;
  changed_.notify_all();
}

// What fails is tried again by run(). Until then the next start would know less: it would miss a
// folder that somebody removed, and nothing else, because no replica goes before.
Task<void> PartitionPlacer::note_placed(ImagePtr image) {
  const Status marked = co_await run_on(background_, [this, image] { return mark_placed(*image); });
  if (!marked) log().warn("cannot note what is placed error={}", marked.error().to_string());
}

Task<void> PartitionPlacer::apply_settings(ImagePtr image) {
  std::vector<TopicPtr> altered;
  for (const auto& [name, topic] : image->topics()) {
    const TopicPtr before = done_->find(topic->id);
    if (before && before != topic && before->own_settings != topic->own_settings) {
      altered.push_back(topic);
    }
  }
  if (altered.empty()) co_return;
  for (const auto& shard : broker_.shards) {
    co_await run_on(shard->executor(), [&shard = *shard, &altered] {
      for (const auto& partition : shard.partitions()) {
        for (const TopicPtr& topic : altered) {
          if (partition->id().topic != topic->id) continue;
          partition->set_rules(partition_rules(topic->settings));
          partition->apply_retention();  // a smaller limit is often set to make room now
        }
      }
      return Status{};
    });
  }
  broker_.disk->measure();
}

Task<void> PartitionPlacer::publish(ImagePtr image) {
  for (const auto& shard : broker_.shards) {
    co_await run_on(shard->executor(), [&shard = *shard, image] {
      shard.set_image(image);
      return Status{};
    });
  }
}

// --- ending

namespace {

Task<Status> retire_on(Shard& shard, std::vector<TopicPartition> ids) {
  for (const TopicPartition& id : ids) {
    if (const auto partition = shard.remove(id)) co_await partition->retire();
  }
  co_return Status{};
}

}  // namespace

Task<void> PartitionPlacer::end_deleted(ImagePtr image) {
  std::vector<std::vector<TopicPartition>> ids(broker_.shards.size());
  const auto is_deleted = [&](const TopicPartition& id) {
    return image->deleted().contains(id.topic) ||
           (!image->find(id.topic) && done_->find(id.topic));  // forgotten already
  };
  const auto end = [&](const TopicPartition& id) { ids[broker_.shard_index(id)].push_back(id); };
  for (const TopicPartition& id : here_) {
    if (is_deleted(id)) end(id);
  }
  for (const auto& [id, why] : broken_) {
    if (is_deleted(id)) end(id);
  }
  for (const auto& shard : broker_.shards) {
    const auto& gone = ids[shard->index()];
    if (gone.empty()) continue;
    co_await call_on(shard->executor(), retire_on(*shard, gone));
    for (const TopicPartition& id : gone) {
      here_.erase(id);
      broken_.erase(id);
    }
  }
  clean_up(*image);
}

Task<void> PartitionPlacer::end_retired() {
  for (const TopicPartition& id : std::exchange(retired_, {})) {
    const TopicPtr topic = done_->find(id.topic);
    if (topic && topic->partition(id.partition).has(self_)) continue;  // it came back meanwhile
    Shard& shard = broker_.shard_of(id);
    co_await call_on(shard.executor(), retire_on(shard, {id}));
    here_.erase(id);
    if (!topic) continue;
    const Status trashed = co_await run_on(
        background_, [this, topic, id] { return folders_.trash_partition(*topic, id.partition); });
    log().info("replica goes to trash: it is placed elsewhere partition={} {}", name_of(*topic, id),
               trashed ? "" : trashed.error().to_string());
  }
}

Task<void> PartitionPlacer::empty_trash() {
  const auto keeps = broker_.disk->refusing() ? std::chrono::milliseconds(0) : kTrashTime;
  const Timestamp before(broker_.clock->wall().ms() - keeps.count());
  const auto removed =
      co_await run_on(background_, [this, before] { return folders_.empty_old_trash(before); });
  if (!removed) {
    log().warn("cannot empty trash error={}", removed.error().to_string());
  } else if (*removed > 0) {
    log().info("removed replicas that were placed elsewhere count={}", *removed);
  }
}

// What is left of deleted topics goes in the background.
void PartitionPlacer::clean_up(const ClusterImage& image) {
  // The shard's tasks were told to end, or will be: what begins after that would not hear of it.
  if (broker_.admin_shard().is_draining()) return;
  for (const auto& [id, topic] : image.deleted()) {
    const bool awaited = topic.awaited.empty() || contains(topic.awaited, self_);
    if (!awaited || !cleaning_.insert(id).second) continue;
    broker_.admin_shard().tasks().spawn("remove files", remove_files(id, topic.name));
  }
}

Task<void> PartitionPlacer::remove_files(Uuid id, std::string name) {
  const Status removed = co_await run_on(background_, [this, id, name]() -> Status {
    PENSTOCK_TRY(folders_.trash(id, name));
    return folders_.empty_trash(id, name);
  });
  if (!removed) {
    log().warn("files of a deleted topic stay until the next start topic={} error={}", name,
               removed.error().to_string());
    co_return;
  }
  while (!co_await broker_.gate->forget_topic(id, self_)) {
    if (!co_await sleep_for(kForgetPause)) co_return;  // the broker stops
  }
  cleaning_.erase(id);
}

}  // namespace penstock::broker
