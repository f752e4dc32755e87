#include "broker/server/replica_upkeep.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/controller/retirement.h"
#include "broker/server/metadata_group.h"
#include "broker/server/upkeep_limits.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("replicas");
  return instance;
}

// Null: metadata knows no such partition.
PartitionPtr find_placement(const ClusterImage& image, const TopicPartition& id) {
  const TopicPtr topic = image.find(id.topic);
  const auto index = static_cast<std::size_t>(id.partition.value());
  return topic && index < topic->placement.size() ? topic->placement[index] : nullptr;
}

}  // namespace

ReplicaUpkeep::ReplicaUpkeep(const BrokerContext& broker, Shard& shard,
                             std::function<void(const TopicPartition&)> retire)
    : broker_(broker),
      shard_(shard),
      retire_(std::move(retire)),
      self_(broker.self()),
      changed_(shard.executor()) {}

Task<void> ReplicaUpkeep::run() {
  using std::chrono::steady_clock;
  while (true) {
    const std::uint64_t seen = changed_.version();
    const auto period = look_at_everything() ? kBusyUpkeepPeriod : kUpkeepPeriod;
    const Status woken = co_await changed_.wait(seen, steady_clock::now() + period);
    if (!woken && woken.error().code() == Errc::kCancelled) co_return;
    if (woken && !co_await sleep_for(kLeadershipGatherTime)) co_return;
  }
}

bool ReplicaUpkeep::look_at_everything() {
  now_ms_ = shard_.ticks().now_ms();
  ++pass_;
  present_ = 0;
  take_image();
  for (const std::shared_ptr<Partition>& partition : shard_.partitions()) look(partition);
  const bool is_busy = take_steps();
  announce();
  forget_gone();
  return is_busy;
}

void ReplicaUpkeep::take_image() {
  const ImagePtr& image = shard_.image();
  // Somebody is new, or has started again and knows nothing of leaders.
  const bool brokers_changed = !image_ || &image_->brokers() != &image->brokers();
  if (brokers_changed) must_not_lead_ = brokers_that_must_not_lead(*image);
  announces_all_ = brokers_changed || now_ms_ >= announce_all_at_ms_;
  if (announces_all_) announce_all_at_ms_ = now_ms_ + kAnnouncePeriod.count();
  image_ = image;
}

void ReplicaUpkeep::look(const std::shared_ptr<Partition>& partition) {
  Known& known = known_[partition->id()];
  known.seen_in_pass = pass_;
  ++present_;
  const bool leads = partition->replica().role() == raft::Role::kLeader;
  if (!leads) known.led.reset();
  const PartitionPtr placed = find_placement(*image_, partition->id());
  if (!placed) return;  // new, or deleted, which is the placer's to see
  const bool is_placed_here = placed->has(self_);
  if (is_placed_here) {
    known.placed_at = std::max(known.placed_at, placed->placed_at);
    known.retired = false;
  }
  if (leads) {
    look_at_led(partition, *placed, known);
  } else if (!is_placed_here) {
    look_at_unplaced(*partition, known);
  }
}

void ReplicaUpkeep::look_at_led(const std::shared_ptr<Partition>& partition,
                                const PartitionImage& placed, Known& known) {
  const raft::Group& group = partition->replica().group();
  if (!known.led || known.led->term != group.term()) {
    known.led = std::make_unique<Led>();
    known.led->term = group.term();
    known.led->since_ms = now_ms_;
  }
  Led& led = *known.led;
  led.ends.look(group.log_end(), now_ms_);
  note_news(*partition, placed, led);
  const bool should_lead =
      placed.replicas.front().broker == self_ && !contains(must_not_lead_, self_);
  if (should_lead && is_as_placed(placed, group.membership()) && group.membership_is_committed()) {
    return;  // as nearly all of them nearly always
  }
  // Older metadata wants what others may have undone since: a leader before this one has said so,
  // and the controller counts on it.
  if (!broker_.metadata->is_current(image_->applied(), led.since_ms)) return;
  open_.push_back({.partition = partition,
                   .led = &led,
                   .group = led_group(group, placed.brokers(), must_not_lead_, now_ms_)});
}

// --- telling

void ReplicaUpkeep::note_news(const Partition& partition, const PartitionImage& placed, Led& led) {
  if (image_->brokers().size() <= 1) return;  // nobody to tell
  const raft::Group& group = partition.replica().group();
  const bool is_committed = group.membership_is_committed() && !group.membership().is_joint();
  const bool is_there = is_committed && is_as_placed(placed, group.membership());
  const Offset placed_at = is_there ? placed.placed_at : Offset(0);
  const bool is_new = led.told_placed_at != placed_at || led.told_membership != is_committed;
  if (!is_new && !announces_all_) return;
  led.told_placed_at = placed_at;
  led.told_membership = is_committed;
  LeaderNews news{.partition = partition.id(), .leader = self_, .term = led.term};
  if (is_committed) news.membership = group.membership();
  news.placed_at = placed_at;
  news.log_end = group.log_end();
  news_.push_back(std::move(news));
}

void ReplicaUpkeep::announce() {
  for (const LeaderNews& news : std::exchange(news_, {})) {
    shard_.peers().announce(news);
    shard_.hear(news);  // the controller asks the shards how far moves are
  }
}

// --- replicas that are not wanted here

void ReplicaUpkeep::look_at_unplaced(const Partition& partition, Known& known) {
  if (known.retired || !broker_.has_caught_up) return;
  std::optional<ReportedMembership> reported;
  const auto news = shard_.leaders().find(partition.id());
  // A leader of an older term than the replica has seen may have been told otherwise since.
  if (news && news->term >= partition.epoch()) {
    reported = {.placed_at = news->placed_at,
                .membership = news->membership,
                .committed = !news->membership.voters.empty(),
                .log_end = news->log_end};
  }
  const Retirement verdict = retirement_of({.id = partition.id(),
                                            .broker = self_,
                                            .placed_at = known.placed_at,
                                            .placed_before = image_->applied(),
                                            .log_end = partition.log_end()},
                                           *image_, reported);
  if (verdict.fate == Fate::kKeep) return;
  known.retired = true;
  log().info("replica goes to trash partition={} reason={}", partition.name(), verdict.why);
  retire_(partition.id());
}

// --- steps

bool ReplicaUpkeep::take_steps() {
  std::vector<Open> open = std::exchange(open_, {});
  const auto copies = static_cast<std::size_t>(
      std::ranges::count_if(open, [](const Open& one) { return copies_its_log(one.group); }));
  PassBudget budget{.copies = kMaxCopiesUnderWay - std::min(copies, kMaxCopiesUnderWay),
                    .handovers = kMaxHandoversPerPass};
  bool is_busy = false;
  for (Open& one : open) {
    is_busy |= one.group.membership.is_joint() || !one.group.membership_is_committed;
    const Step step = paced_step(std::move(one.group), one.led->memory, budget);
    is_busy |= carry_out(step, *one.partition);
  }
  return is_busy;
}

bool ReplicaUpkeep::carry_out(const Step& step, Partition& partition) {
  Status status;
  if (const auto* change = std::get_if<ChangeMembership>(&step.action)) {
    status = partition.change_membership(change->voters, change->learners);
  } else if (const auto* transfer = std::get_if<TransferLeadership>(&step.action)) {
    status = partition.transfer_leadership(transfer->to);
  } else {
    return false;
  }
  if (status) {
    log().info("step taken partition={} step={}", partition.name(), step.why);
  } else {
    log().debug("step refused partition={} step={} error={}", partition.name(), step.why,
                status.error().to_string());
  }
  return status.has_value();
}

// --- status, memory

std::int64_t ReplicaUpkeep::behind_ms(const TopicPartition& id, Offset durable_end) const {
  const auto known = known_.find(id);
  if (known == known_.end() || !known->second.led) return 0;
  return known->second.led->ends.behind_ms(durable_end, shard_.ticks().now_ms());
}

void ReplicaUpkeep::forget_gone() {
  if (known_.size() == present_) return;
  std::erase_if(known_, [this](const auto& one) { return one.second.seen_in_pass != pass_; });
}

}  // namespace penstock::broker
