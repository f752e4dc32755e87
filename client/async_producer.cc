#include "client/async_producer.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "client/limits.h"
#include "client/produce_codec.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::client {
namespace {

using std::chrono::steady_clock;

Status check(const ProducerConfig& config) {
  const auto positive = [](std::string_view name, std::size_t value) -> Status {
    if (value > 0) return {};
    return fail(Errc::kInvalidArgument, std::string(name) + " of a producer is 0");
  };
  PENSTOCK_TRY(positive("batch_bytes", config.batch_bytes));
  PENSTOCK_TRY(positive("max_record_bytes", config.max_record_bytes));
  PENSTOCK_TRY(positive("memory_limit_bytes", config.memory_limit_bytes));
  PENSTOCK_TRY(positive("max_in_flight_requests", config.max_in_flight_requests));
  PENSTOCK_TRY(positive("max_request_bytes", config.max_request_bytes));
  PENSTOCK_TRY(positive("max_undelivered_reports", config.max_undelivered_reports));
  if (config.linger.count() < 0 || config.max_block.count() < 0 ||
      config.delivery_timeout.count() <= 0) {
    return fail(Errc::kInvalidArgument, "a time of a producer is negative");
  }
  if (!config.producer_name.empty() && !config.enable_idempotence) {
    return fail(Errc::kInvalidArgument, "producer_name needs enable_idempotence");
  }
  if (config.linger > kMaxSettingTime || config.delivery_timeout > kMaxSettingTime) {
    return fail(Errc::kInvalidArgument, "linger or delivery_timeout of a producer is over a year");
  }
  return {};
}

// What a broker may take of a request's time to reach its durability: it shall say that it did not
// before its client stops listening.
milliseconds broker_share(milliseconds timeout) { return timeout - timeout / 5; }

// What other threads call to have the sender look again.
std::function<void()> waker(asio::any_io_executor executor, std::shared_ptr<Wakeup> wakeup) {
  return [executor = std::move(executor), wakeup = std::move(wakeup)] {
    asio::post(executor, [wakeup] { wakeup->notify_all(); });
  };
}

}  // namespace

Result<std::unique_ptr<AsyncProducer>> AsyncProducer::open(Cluster& cluster, ProducerConfig config,
                                                           const Clock& clock) {
  PENSTOCK_TRY(check(config));
  auto producer =
      std::unique_ptr<AsyncProducer>(new AsyncProducer(cluster, std::move(config), clock));
  producer->tasks_.spawn("producer", producer->run());
  return producer;
}

AsyncProducer::AsyncProducer(Cluster& cluster, ProducerConfig config, const Clock& clock)
    : cluster_(cluster),
      config_(std::move(config)),
      clock_(clock),
      wakeup_(std::make_shared<Wakeup>(cluster.executor())),
      settled_(cluster.executor()),
      intake_(std::make_unique<Intake>(config_, clock,
                                       static_cast<std::uint32_t>(cluster.rng().next()),
                                       waker(cluster.executor(), wakeup_))),
      core_(config_, Backoff(cluster.config().retry_backoff, cluster.config().retry_backoff_max),
            Rng(cluster.rng().next())),
      instance_(cluster.rng().uuid()),
      tasks_(cluster.executor()) {
  if (!config_.enable_idempotence) return;
  core_.number_batches(config_.producer_name.empty() ? Naming::kUnnamed : Naming::kNamed);
}

AsyncProducer::~AsyncProducer() = default;

Task<void> AsyncProducer::run() {
  while (!stopping_) {
    const std::uint64_t seen = wakeup_->version();
    const Instant next = pump();
    co_await wakeup_->wait(seen, next);
  }
}

// One round: what became due goes to the core, what can be sent is sent, what was decided is told.
Instant AsyncProducer::pump() {
  const Instant now = now_of(clock_);
  take_drafts(now);
  core_.tick(now);
  look_for_identity();
  for (const BrokerId broker : core_.take_deserted()) {
    cluster_.give_up(broker, Lane::kRequests, channel_of(broker));
  }
  send_what_can_be_sent(now);
  refresh_what_is_stale(now);
  settle();
  return intake_->sleep_until(core_.next_deadline(now));
}

std::shared_ptr<rpc::Channel> AsyncProducer::channel_of(BrokerId broker) {
  return cluster_.channel(broker, Lane::kRequests);
}

void AsyncProducer::take_drafts(Instant now) {
  const auto sendable = [&](Slot slot) { return core_.is_sendable(slot, now); };
  auto drafts = intake_->take(now, now - config_.delivery_timeout, sendable);
  for (DraftBatch& draft : drafts) {
    Batch batch{.id = draft.id,
                .slot = draft.slot,
                .unsent = {},
                .bytes = {},
                .ledger = std::move(draft.ledger),
                .records = static_cast<std::uint32_t>(draft.builder.record_count()),
                .created = draft.created,
                .memory_bytes = draft.memory_bytes,
                .doubt = {},
                .numbers = {}};
    auto bytes = draft.builder.build();
    intake_->give_back(draft.slot, std::move(draft.builder));
    if (bytes) {
      batch.unsent = std::move(*bytes);
      core_.add(std::move(batch));
    } else {
      core_.reject(std::move(batch), bytes.error());
    }
  }
}

// --- numbers

// Not before there is something to write to.
void AsyncProducer::look_for_identity() {
  if (asks_for_identity_ || topics_.empty() || !core_.wants_identity()) return;
  asks_for_identity_ = true;
  tasks_.spawn("identity", get_identity());
}

Task<void> AsyncProducer::get_identity() {
  wire::v1::InitProducerRequest request;
  if (!config_.producer_name.empty()) {
    request.set_name(config_.producer_name);
    request.set_instance(wire::to_wire(instance_));
    if (const auto known = core_.known(); known && is_known_) {
      request.set_known_producer_id(known->id);
      request.set_known_epoch(known->epoch);
    }
  }
  const auto judge = [](const SharedBytes& bytes) -> Status {
    wire::v1::InitProducerResponse response;
    if (!rpc::deserialize(bytes.view(), response)) return {};
    return wire::status_of(response);
  };
  const milliseconds timeout = cluster_.config().request_timeout;
  const auto patience = std::min<milliseconds>(timeout / kAttemptsPerCall, kIdentityPatience);
  const auto answer =
      co_await cluster_.ask_any(wire::Api::kInitProducer, rpc::serialize(request), judge, patience,
                                steady_clock::now() + timeout);
  take_identity(answer);
  wakeup_->notify_all();
  if (identity_failures_ > 0) co_await sleep_for(cluster_.pause(identity_failures_));
  asks_for_identity_ = false;
  wakeup_->notify_all();
}

void AsyncProducer::take_identity(const Result<SharedBytes>& answer) {
  wire::v1::InitProducerResponse response;
  Status status = answer ? Status() : fail(answer.error());
  if (status && !rpc::deserialize(answer->view(), response)) {
    status = fail(Errc::kBadFrame, "the answer to InitProducer is no such message");
  }
  if (status) status = wire::status_of(response);
  if (status) {
    identity_failures_ = 0;
    is_known_ = true;
    return core_.identify({.id = response.producer_id(),
                           .epoch = static_cast<std::int16_t>(response.producer_epoch())});
  }
  ++identity_failures_;
  const Errc code = status.error().code();
  const bool is_old = code == Errc::kUnsupported || code == Errc::kUnsupportedVersion;
  if (is_old && config_.producer_name.empty() && !core_.known()) {
    logger("client").warn(
        "producer writes without numbers: a retry may write a record twice; the cluster does not "
        "offer more: {}",
        status.error().to_string());
    return core_.go_unnumbered();
  }
  if (code == Errc::kUnknownProducer && is_known_) {
    is_known_ = false;  // forgotten by an operator: it begins as a new one
  } else if (!status.error().retriable() && !is_old) {
    return core_.fence(status.error());
  }
  core_.on_no_identity(status.error());
}

void AsyncProducer::send_what_can_be_sent(Instant now) {
  for (const BrokerId broker : core_.brokers_with_work(now)) {
    auto channel = channel_of(broker);
    if (!channel) {
      core_.on_connecting(broker, now);
      if (connecting_.insert(broker).second) tasks_.spawn("connect", connect(broker));
      continue;
    }
    const std::uint64_t frame = channel->peer().max_frame_bytes;
    const std::size_t room = frame > kRequestOverheadBytes ? frame - kRequestOverheadBytes : 1;
    while (auto call = core_.next_call(broker, room, now)) {
      tasks_.spawn("produce", send(channel, std::move(*call)));
    }
  }
}

Task<void> AsyncProducer::connect(BrokerId broker) {
  const auto deadline = steady_clock::now() + cluster_.config().connect_timeout;
  auto channel = co_await cluster_.connect(broker, Lane::kRequests, deadline);
  connecting_.erase(broker);
  if (!channel) core_.on_unreachable(broker, std::move(channel).error());
  wakeup_->notify_all();
}

Task<void> AsyncProducer::send(std::shared_ptr<rpc::Channel> channel, ProduceCall call) {
  const milliseconds timeout = cluster_.config().request_timeout;
  const auto deadline = now_of(clock_) + timeout;
  auto reply = co_await channel->call(
      wire::Api::kProduce, rpc::serialize(to_wire(call, config_.durability, broker_share(timeout))),
      attachment_of(call), deadline);
  // A peer that is silent for that long is not trusted with another request on this connection.
  if (!reply && reply.error().code() == Errc::kTimeout) {
    cluster_.give_up(call.broker, Lane::kRequests, channel);
  }
  take_reply(call, std::move(reply));
  wakeup_->notify_all();
}

void AsyncProducer::take_reply(const ProduceCall& call, Result<rpc::Reply> reply) {
  const Instant now = now_of(clock_);
  if (!reply) {
    const Errc code = reply.error().code();
    const bool held_back = code == Errc::kOverloaded || code == Errc::kFrameTooLarge ||
                           code == Errc::kUnsupportedVersion;
    core_.on_failure(call.id, reply.error(), held_back ? Stage::kNotSent : Stage::kSent, now);
    return;
  }
  wire::v1::ProduceResponse response;
  if (!rpc::deserialize(reply->message.view(), response)) {
    core_.on_failure(call.id, Error(Errc::kBadFrame, "the answer to Produce is no such message"),
                     Stage::kSent, now);
    return;
  }
  if (response.throttle_ms() > 0) {
    core_.on_throttle(call.broker, now + std::min(milliseconds(response.throttle_ms()),
                                                  cluster_.config().request_timeout));
  }
  if (Status status = wire::status_of(response); !status) {
    core_.on_failure(call.id, status.error(), Stage::kAnswered, now);
    return;
  }
  core_.on_answer(call.id, answers_from_wire(response), now);
}

void AsyncProducer::refresh_what_is_stale(Instant now) {
  for (const std::string& topic : core_.take_stale_topics()) {
    if (search_.begin(topic)) tasks_.spawn("refresh", refresh(topic));
  }
  for (const auto& [topic, slots] : topics_) {
    if (cluster_.metadata().is_older_than(topic, cluster_.config().metadata_max_age, now) &&
        search_.begin(topic)) {
      tasks_.spawn("refresh", refresh(topic));
    }
  }
}

Task<void> AsyncProducer::refresh(std::string topic) {
  std::vector<PartitionMetadata> before;
  if (const TopicMetadata* known = cluster_.metadata().topic(topic)) before = known->partitions;
  Status status =
      co_await cluster_.refresh({topic}, steady_clock::now() + cluster_.config().request_timeout);
  const TopicMetadata* known = cluster_.metadata().topic(topic);
  const bool news = known != nullptr && known->partitions != before;
  const std::uint32_t fruitless = search_.answered(topic, news, steady_clock::now());
  refresh_failures_ = status ? 0 : refresh_failures_ + 1;
  if (status && known != nullptr) {
    place(*known);
  } else if (!status && status.error().code() == Errc::kUnknownTopic) {
    intake_->forget_topic(topic);
    core_.remove(topics_[topic], status.error());
    topics_.erase(topic);
    search_.forget(topic);
  }
  wakeup_->notify_all();
  // An answer that is not better yet must not be asked for again without a pause.
  co_await sleep_for(status ? cluster_.search_pause(fruitless)
                            : cluster_.pause(1 + refresh_failures_));
  search_.end(topic);
  wakeup_->notify_all();
}

void AsyncProducer::place(const TopicMetadata& topic) {
  const Instant now = now_of(clock_);
  auto slots = intake_->set_topic(topic.name, static_cast<std::uint32_t>(topic.partitions.size()));
  const std::size_t count = std::min(slots.size(), topic.partitions.size());
  for (std::size_t i = 0; i < count; ++i) {
    const PartitionId partition(static_cast<std::int32_t>(i));
    core_.place(slots[i],
                {.topic = topic.name,
                 .id = {topic.id, partition},
                 .leader = topic.partitions[i].leader,
                 .leader_epoch = topic.partitions[i].leader_epoch,
                 .replicas = topic.partitions[i].replicas},
                now);
  }
  auto& known = topics_[topic.name];
  for (std::size_t i = slots.size(); i < known.size(); ++i) {
    core_.remove({&known[i], 1}, Error(Errc::kUnknownPartition,
                                       topic.name + " was created again with fewer partitions"));
  }
  known = std::move(slots);
}

std::vector<Delivery> AsyncProducer::take_deliveries() {
  auto deliveries = intake_->poll(Instant());
  settled_.notify_all();  // there may be room for reports again
  return deliveries;
}

void AsyncProducer::settle() {
  auto outcomes = core_.take_outcomes();
  const std::size_t released = core_.take_released_bytes();
  if (outcomes.empty() && released == 0) return;
  intake_->settle(std::move(outcomes), released, core_.requests() - requests_settled_,
                  core_.retries() - retries_settled_);
  requests_settled_ = core_.requests();
  retries_settled_ = core_.retries();
  settled_.notify_all();
}

Task<Status> AsyncProducer::resolve(std::string topic, rpc::Deadline deadline) {
  PENSTOCK_CO_TRY_ASSIGN(const TopicMetadata known, co_await cluster_.topic(topic, deadline));
  if (known.partitions.empty()) {
    co_return fail(Errc::kUnknownPartition, topic + " has no partitions");
  }
  place(known);
  co_return Status{};
}

Task<Status> AsyncProducer::look_again(std::string topic, rpc::Deadline deadline) {
  PENSTOCK_CO_TRY(co_await cluster_.refresh({topic}, deadline));
  co_return co_await resolve(std::move(topic), deadline);
}

Task<Status> AsyncProducer::produce(ProducerRecord record) { co_return co_await accept(record, 0); }

Task<Status> AsyncProducer::accept(ProducerRecord record, Ticket ticket) {
  const auto deadline = deadline_after(steady_clock::now(), config_.max_block);
  for (bool looked_again = false;;) {
    const std::uint64_t seen = settled_.version();
    const auto admission = intake_->append(record, ticket);
    if (!admission) {
      const bool grown = admission.error().code() == Errc::kUnknownPartition && !looked_again;
      if (!grown) co_return std::unexpected(admission.error());
      looked_again = true;
      PENSTOCK_CO_TRY(co_await look_again(std::string(record.topic), deadline));
      continue;
    }
    if (*admission == Intake::Admission::kAccepted) co_return Status{};
    if (*admission == Intake::Admission::kTopicNotKnown) {
      PENSTOCK_CO_TRY(co_await resolve(std::string(record.topic), deadline));
      continue;
    }
    if (auto waited = co_await settled_.wait(seen, deadline); !waited) {
      if (waited.error().code() == Errc::kTimeout) co_return fail(intake_->no_room());
      co_return waited;
    }
  }
}

Task<Result<Delivery>> AsyncProducer::produce_and_wait(ProducerRecord record) {
  const Ticket ticket = intake_->new_ticket();
  if (Status accepted = co_await accept(record, ticket); !accepted) {
    intake_->drop_ticket(ticket);
    co_return std::unexpected(std::move(accepted).error());
  }
  while (true) {
    const std::uint64_t seen = settled_.version();
    if (auto delivery = intake_->take_ticket(ticket)) co_return *std::move(delivery);
    if (auto waited = co_await settled_.wait(seen); !waited) {
      intake_->drop_ticket(ticket);
      co_return std::unexpected(std::move(waited).error());
    }
  }
}

Task<Status> AsyncProducer::flush(milliseconds timeout) {
  const auto deadline = deadline_after(steady_clock::now(), timeout);
  const std::uint64_t mark = intake_->start_flush();
  while (true) {
    const std::uint64_t seen = settled_.version();
    if (intake_->is_flushed(mark)) co_return Status{};
    if (auto waited = co_await settled_.wait(seen, deadline); !waited) {
      if (waited.error().code() != Errc::kTimeout) co_return waited;
      co_return fail(Errc::kTimeout,
                     "records accepted before flush() still have no outcome after " +
                         std::to_string(timeout.count()) + " ms");
    }
  }
}

Task<Status> AsyncProducer::close(milliseconds timeout) {
  intake_->close();
  settled_.notify_all();  // whoever waits for room need not wait any more
  Status flushed = co_await flush(timeout);
  stopping_ = true;
  // Drafts that were never taken get their outcome from the core like everything else.
  take_drafts(Instant::max());
  core_.abort(Error(Errc::kShuttingDown, "the producer was closed before it could be sent"));
  settle();
  settled_.notify_all();
  tasks_.cancel();
  co_await tasks_.wait();
  // Calls that were under way have ended: their memory is free.
  settle();
  co_return flushed;
}

}  // namespace penstock::client
