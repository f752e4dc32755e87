#include "client/async_consumer.h"

#include <algorithm>
#include <utility>

#include "client/limits.h"
#include "client/offset_lookup.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"

namespace penstock::client {
namespace {

Status check(const ConsumerConfig& config) {
  constexpr std::size_t kLargest = std::numeric_limits<std::uint32_t>::max();
  if (config.memory_limit_bytes == 0 || config.fetch_bytes == 0 ||
      config.partition_fetch_bytes == 0) {
    return fail(Errc::kInvalidArgument, "a size limit of a consumer is 0");
  }
  if (config.fetch_bytes > kLargest || config.partition_fetch_bytes > kLargest ||
      config.min_fetch_bytes > kLargest) {
    return fail(Errc::kInvalidArgument, "a fetch size of a consumer is 4 GiB or more");
  }
  if (config.max_wait.count() < 0 || config.max_wait.count() > 3'600'000) {
    return fail(Errc::kInvalidArgument, "max_wait of a consumer is not between 0 and an hour");
  }
  return {};
}

std::function<void()> waker(asio::any_io_executor executor, std::shared_ptr<Wakeup> wakeup) {
  return [executor = std::move(executor), wakeup = std::move(wakeup)] {
    asio::post(executor, [wakeup] { wakeup->notify_all(); });
  };
}

}  // namespace

Result<std::unique_ptr<AsyncConsumer>> AsyncConsumer::open(Cluster& cluster, ConsumerConfig config,
                                                           const Clock& clock) {
  PENSTOCK_TRY(check(config));
  auto consumer =
      std::unique_ptr<AsyncConsumer>(new AsyncConsumer(cluster, std::move(config), clock));
  consumer->tasks_.spawn("consumer", consumer->run());
  return consumer;
}

AsyncConsumer::AsyncConsumer(Cluster& cluster, ConsumerConfig config, const Clock& clock)
    : cluster_(cluster),
      config_(std::move(config)),
      clock_(clock),
      wakeup_(std::make_shared<Wakeup>(cluster.executor())),
      filled_(cluster.executor()),
      shelf_(std::make_unique<Shelf>(config_, waker(cluster.executor(), wakeup_))),
      core_(config_, Backoff(cluster.config().retry_backoff, cluster.config().retry_backoff_max),
            Rng(cluster.rng().next())),
      tasks_(cluster.executor()) {}

AsyncConsumer::~AsyncConsumer() = default;

// Finds topics, partitions and leaders; positions that are given are set, others are 0.
Task<Result<std::vector<SeatStart>>> AsyncConsumer::locate(
    const std::vector<Assignment>& partitions, rpc::Deadline deadline) {
  std::vector<SeatStart> seats;
  for (const Assignment& wanted : partitions) {
    PENSTOCK_CO_TRY_ASSIGN(const TopicMetadata topic,
                           co_await cluster_.topic(wanted.topic, deadline));
    if (!topic.has(wanted.partition)) {
      co_return fail(Errc::kUnknownPartition, wanted.topic + " has " +
                                                  std::to_string(topic.partitions.size()) +
                                                  " partitions, and none of number " +
                                                  std::to_string(wanted.partition.value()));
    }
    const auto& known = topic.partitions[static_cast<std::size_t>(wanted.partition.value())];
    const bool given = wanted.start.kind == StartAt::Kind::kOffset;
    seats.push_back({.topic = wanted.topic,
                     .id = {topic.id, wanted.partition},
                     .leader = known.leader,
                     .leader_epoch = known.leader_epoch,
                     .replicas = known.replicas,
                     .position = Offset(given ? wanted.start.value : 0)});
  }
  co_return seats;
}

// Always asked for: partitions may have been added, leaders may have moved, and a topic of the same
// name may be another one.
Task<Status> AsyncConsumer::refresh_all(const std::vector<Assignment>& partitions,
                                        rpc::Deadline deadline) {
  std::set<std::string> names;
  for (const Assignment& wanted : partitions) names.insert(wanted.topic);
  while (!names.empty()) {
    std::vector<std::string> portion;
    while (!names.empty() && portion.size() < kMaxTopicsPerRequest) {
      portion.push_back(std::move(names.extract(names.begin()).value()));
    }
    PENSTOCK_CO_TRY(co_await cluster_.refresh(std::move(portion), deadline));
  }
  co_return Status{};
}

Task<Result<std::vector<SeatStart>>> AsyncConsumer::resolve_once(
    const std::vector<Assignment>& partitions, rpc::Deadline deadline) {
  PENSTOCK_CO_TRY(co_await refresh_all(partitions, deadline));
  PENSTOCK_CO_TRY_ASSIGN(auto seats, co_await locate(partitions, deadline));
  std::vector<OffsetQuery> queries;
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < seats.size(); ++i) {
    if (partitions[i].start.kind == StartAt::Kind::kOffset) continue;
    queries.push_back({.topic = seats[i].topic,
                       .id = seats[i].id,
                       .known = {seats[i].leader, seats[i].leader_epoch, seats[i].replicas},
                       .at = partitions[i].start});
    which.push_back(i);
  }
  PENSTOCK_CO_TRY_ASSIGN(const auto answers,
                         co_await look_up_offsets(cluster_, std::move(queries), deadline));
  for (std::size_t i = 0; i < which.size(); ++i) seats[which[i]].position = answers[i].offset;
  co_return seats;
}

Task<Result<std::vector<SeatStart>>> AsyncConsumer::resolve(std::vector<Assignment> partitions) {
  const auto deadline = now_of(clock_) + cluster_.config().request_timeout;
  std::optional<Error> reason;  // why the attempt before failed
  for (std::uint32_t failures = 0;;) {
    auto seats = co_await resolve_once(partitions, cluster_.attempt_deadline(deadline));
    if (seats) co_return seats;
    const Error& error = seats.error();
    // An attempt that ran out of time says less than the one before it.
    const bool ran_out = error.code() == Errc::kTimeout && now_of(clock_) >= deadline;
    if (ran_out && reason) co_return fail(*std::move(reason));
    const Instant retry_at = now_of(clock_) + cluster_.pause(++failures);
    if (!error.retriable() || retry_at >= deadline) co_return seats;
    reason = error;
    PENSTOCK_CO_TRY(co_await sleep_for(retry_at - now_of(clock_)));
  }
}

Task<Status> AsyncConsumer::assign(std::vector<Assignment> partitions) {
  if (partitions.size() > kMaxAssignedPartitions) {
    co_return fail(
        Errc::kInvalidArgument,
        "a consumer takes at most " + std::to_string(kMaxAssignedPartitions) + " partitions");
  }
  std::set<std::pair<std::string, PartitionId>> seen;
  for (const Assignment& wanted : partitions) {
    if (!seen.emplace(wanted.topic, wanted.partition).second) {
      co_return fail(
          Errc::kInvalidArgument,
          wanted.topic + "/" + std::to_string(wanted.partition.value()) + " is assigned twice");
    }
    if (wanted.start.kind == StartAt::Kind::kOffset && wanted.start.value < 0) {
      co_return fail(Errc::kInvalidArgument, "offsets begin with 0");
    }
  }
  PENSTOCK_CO_TRY_ASSIGN(seats_, co_await resolve(std::move(partitions)));
  free_seats_.clear();
  shelf_->assign(seats_);
  core_.assign(seats_);
  wakeup_->notify_all();
  co_return Status{};
}

void AsyncConsumer::add(std::vector<SeatStart> seats) {
  for (SeatStart& start : seats) {
    Seat seat = static_cast<Seat>(seats_.size());
    if (free_seats_.empty()) {
      seats_.emplace_back();
    } else {
      seat = free_seats_.back();
      free_seats_.pop_back();
    }
    seats_[seat] = std::move(start);
    shelf_->add(seat, seats_[seat]);
    core_.add(seat, seats_[seat]);
  }
  wakeup_->notify_all();
}

void AsyncConsumer::drop(const std::string& topic, PartitionId partition) {
  const auto seat = shelf_->seat_of(topic, partition);
  if (!seat) return;
  core_.drop(*seat);
  shelf_->drop(*seat);
  free_seats_.push_back(*seat);
  // What it held may be what kept others from being fetched.
  wakeup_->notify_all();
}

Task<Status> AsyncConsumer::seek(std::string topic, PartitionId partition, StartAt to) {
  const std::uint64_t version = shelf_->version();
  PENSTOCK_CO_TRY_ASSIGN(const Seat seat, shelf_->seat_of(topic, partition));
  if (to.kind == StartAt::Kind::kOffset && to.value < 0) {
    co_return fail(Errc::kInvalidArgument, "offsets begin with 0");
  }
  std::vector<Assignment> wanted{{topic, partition, to}};
  PENSTOCK_CO_TRY_ASSIGN(const auto found, co_await resolve(std::move(wanted)));
  if (version != shelf_->version()) {
    co_return fail(Errc::kCancelled, "the partitions were assigned anew during seek()");
  }
  core_.seek(seat, found.front());
  shelf_->seek(seat, found.front().position);
  wakeup_->notify_all();
  co_return Status{};
}

Status AsyncConsumer::pause(const std::string& topic, PartitionId partition) {
  PENSTOCK_TRY_ASSIGN(const Seat seat, shelf_->seat_of(topic, partition));
  core_.pause(seat);
  shelf_->pause(seat);
  // What it holds may be what keeps others from being fetched.
  wakeup_->notify_all();
  return {};
}

Status AsyncConsumer::resume(const std::string& topic, PartitionId partition) {
  PENSTOCK_TRY_ASSIGN(const Seat seat, shelf_->seat_of(topic, partition));
  core_.resume(seat);
  shelf_->resume(seat);
  wakeup_->notify_all();
  return {};
}

Task<Result<std::vector<Chunk>>> AsyncConsumer::poll(milliseconds wait) {
  const Instant deadline = deadline_after(now_of(clock_), wait);
  while (true) {
    const std::uint64_t seen = filled_.version();
    auto chunks = shelf_->take(Instant());
    if (!chunks || !chunks->empty()) co_return chunks;
    if (auto woken = co_await filled_.wait(seen, deadline); !woken) {
      if (woken.error().code() == Errc::kTimeout) co_return std::vector<Chunk>();
      co_return std::unexpected(std::move(woken).error());
    }
  }
}

Task<void> AsyncConsumer::run() {
  while (!stopping_) {
    const std::uint64_t seen = wakeup_->version();
    const Instant next = pump();
    filled_.notify_all();
    co_await wakeup_->wait(seen, next);
  }
}

// One round: what the application found damaged is fetched again, what can be fetched is fetched,
// what was decided is told.
Instant AsyncConsumer::pump() {
  const Instant now = now_of(clock_);
  for (const Shelf::Damage& damage : shelf_->take_damages()) {
    core_.on_damage(damage.seat, damage.from, damage.error, now);
  }
  core_.tick(now);
  for (const BrokerId broker : core_.take_deserted()) {
    cluster_.give_up(broker, Lane::kFetches, cluster_.channel(broker, Lane::kFetches));
  }
  fetch_what_can_be_fetched(now);
  tell_what_was_decided(now);
  return core_.next_deadline(now);
}

void AsyncConsumer::fetch_what_can_be_fetched(Instant now) {
  for (const BrokerId broker : core_.brokers_with_work(now)) {
    auto channel = cluster_.channel(broker, Lane::kFetches);
    if (!channel) {
      core_.on_connecting(broker, now);
      if (connecting_.insert(broker).second) tasks_.spawn("connect", connect(broker));
      continue;
    }
    while (auto plan = core_.next_fetch(broker, shelf_->held_bytes(), now)) {
      tasks_.spawn("fetch", fetch(channel, std::move(*plan)));
    }
  }
  if (!core_.take_starved()) return;
  shelf_->set_starved();
  for (const Shelf::Dropped& dropped : shelf_->drop_paused_if_alone()) {
    core_.seek(dropped.seat, dropped.position);
    wakeup_->notify_all();
  }
}

void AsyncConsumer::tell_what_was_decided(Instant /*now*/) {
  for (ConsumerCore::SeatError& failed : core_.take_errors()) {
    shelf_->fail(failed.seat, std::move(failed.error));
  }
  for (const ConsumerCore::Reset& wanted : core_.take_resets()) {
    tasks_.spawn("reset", reset(wanted));
  }
  for (const std::string& topic : core_.take_stale_topics()) {
    if (search_.begin(topic)) tasks_.spawn("refresh", refresh(topic));
  }
}

Task<void> AsyncConsumer::connect(BrokerId broker) {
  const auto deadline = now_of(clock_) + cluster_.config().connect_timeout;
  auto channel = co_await cluster_.connect(broker, Lane::kFetches, deadline);
  connecting_.erase(broker);
  if (!channel) {
    core_.on_unreachable(broker, now_of(clock_));
    shelf_->note_error(std::move(channel).error());
  }
  wakeup_->notify_all();
}

Task<void> AsyncConsumer::fetch(std::shared_ptr<rpc::Channel> channel, FetchPlan plan) {
  const auto deadline = now_of(clock_) + cluster_.config().request_timeout + config_.max_wait;
  auto reply = co_await channel->call(wire::Api::kFetch, rpc::serialize(to_wire(plan, config_)), {},
                                      deadline);
  if (!reply && reply.error().code() == Errc::kTimeout) {
    cluster_.give_up(plan.broker, Lane::kFetches, channel);
  }
  if (Status taken = take_reply(plan, std::move(reply)); !taken) {
    core_.on_failure(plan.id, taken.error(), now_of(clock_));
    shelf_->note_error(std::move(taken).error());
  }
  wakeup_->notify_all();
}

Status AsyncConsumer::take_reply(const FetchPlan& plan, Result<rpc::Reply> reply) {
  if (!reply) return std::unexpected(std::move(reply).error());
  wire::v1::FetchResponse response;
  if (!rpc::deserialize(reply->message.view(), response)) {
    return fail(Errc::kBadFrame, "the answer to Fetch is no such message");
  }
  const Instant now = now_of(clock_);
  if (response.throttle_ms() > 0) {
    core_.on_throttle(plan.broker, now + std::min(milliseconds(response.throttle_ms()),
                                                  cluster_.config().request_timeout));
  }
  PENSTOCK_TRY(wire::status_of(response));
  PENSTOCK_TRY_ASSIGN(auto answer, answer_from_wire(plan, response, reply->attachment));
  shelf_->count_fetch();
  shelf_->note_error({});
  keep(plan, std::move(answer), now);
  return {};
}

void AsyncConsumer::keep(const FetchPlan& plan, FetchAnswer answer, Instant now) {
  const auto dispositions = core_.on_answer(plan.id, answer.parts, now);
  for (std::size_t i = 0; i < dispositions.size(); ++i) {
    const FetchedPart& part = answer.parts[i];
    const Seat seat = plan.parts[i].seat;
    if (dispositions[i] == Disposition::kEmpty) {
      shelf_->note_high_watermark(seat, part.high_watermark);
    } else if (dispositions[i] == Disposition::kKeep) {
      shelf_->put(seat, {.batches = std::move(answer.batches[i]),
                         .from = plan.parts[i].offset,
                         .next = part.next,
                         .high_watermark = part.high_watermark,
                         .records = answer.records[i]});
    }
  }
}

Task<void> AsyncConsumer::refresh(std::string topic) {
  std::vector<PartitionMetadata> before;
  if (const TopicMetadata* known = cluster_.metadata().topic(topic)) before = known->partitions;
  Status status =
      co_await cluster_.refresh({topic}, now_of(clock_) + cluster_.config().request_timeout);
  const TopicMetadata* known = cluster_.metadata().topic(topic);
  const bool news = known != nullptr && known->partitions != before;
  const std::uint32_t fruitless = search_.answered(topic, news, now_of(clock_));
  refresh_failures_ = status ? 0 : refresh_failures_ + 1;
  if (status && known != nullptr) {
    core_.place(*known);
    if (auto want = core_.want_of_leader()) shelf_->note_error(std::move(want));
  } else if (!status && status.error().code() == Errc::kUnknownTopic) {
    core_.topic_gone(topic, status.error());
    search_.forget(topic);
  } else if (!status) {
    shelf_->note_error(std::move(status).error());
  }
  wakeup_->notify_all();
  // An answer that is not better yet must not be asked for again without a pause.
  co_await sleep_for(refresh_failures_ == 0 ? cluster_.search_pause(fruitless)
                                            : cluster_.pause(1 + refresh_failures_));
  search_.end(topic);
  wakeup_->notify_all();
}

Task<void> AsyncConsumer::reset(ConsumerCore::Reset reset) {
  const SeatStart seat = seats_[reset.seat];
  std::vector<Assignment> wanted{{seat.topic, seat.id.partition, reset.to}};
  auto found = co_await resolve(std::move(wanted));
  if (!core_.is_current(reset)) co_return;
  if (found) {
    shelf_->jump(reset.seat, found->front().position);
    core_.reset_done(reset, found->front().position, now_of(clock_));
  } else {
    core_.reset_done(reset, std::unexpected(std::move(found).error()), now_of(clock_));
  }
  wakeup_->notify_all();
}

Task<void> AsyncConsumer::close() {
  stopping_ = true;
  shelf_->close();
  filled_.notify_all();
  tasks_.cancel();
  co_await tasks_.wait();
}

}  // namespace penstock::client
