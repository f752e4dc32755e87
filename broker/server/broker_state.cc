#include "broker/server/broker_state.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/detached.hpp>
#include <future>
#include <limits>

#include "base/log.h"
#include "broker/server/dispatch.h"
#include "broker/server/hop.h"
#include "broker/server/limits.h"
#include "broker/server/registration.h"
#include "broker/server/replica_upkeep.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("broker");
  return instance;
}

std::uint64_t descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  return limit.rlim_cur;
}

}  // namespace

Broker::State::State(const BrokerConfig& config, BrokerEnvironment environment, DataDir dir,
                     ReservedPort reserved, const rpc::Endpoint& address)
    : environment_(std::move(environment)),
      dir_(std::move(dir)),
      reserved_(std::move(reserved)),
      flush_pool_(config.disk_threads / 2),
      background_pool_(config.disk_threads - config.disk_threads / 2),
      saves_(background_pool_.get_executor()),
      votes_(flush_pool_.get_executor(), environment_.on_fatal),
      addresses_(dir_.env(), dir_.peers_file(), raft::NodeId(dir_.identity().node_id)),
      reserve_(dir_.env(), dir_.reserve_file()),
      calls_("broker-" + std::to_string(dir_.identity().node_id)) {
  context_.config = config;
  context_.identity = dir_.identity();
  context_.software = "penstockd/" PENSTOCK_VERSION;
  context_.clock = environment_.clock;
  context_.started_ns = environment_.clock->steady_ns();
  context_.started_at = environment_.clock->wall();
  context_.address = address;
  context_.calls = &calls_;
  context_.disk = std::make_unique<DiskGuard>(*environment_.env, *environment_.clock, dir_.path(),
                                              config.disk_reserve_bytes);
  const std::uint32_t shards = config.shards == 0 ? default_shards() : config.shards;
  // A share is no less than a byte: 0 would be no limit.
  const std::uint64_t catch_up_share = (config.catch_up_bytes_per_second + shards - 1) / shards;
  const ShardServices services{
      .flush_pool = flush_pool_.get_executor(),
      .background_pool = background_pool_.get_executor(),
      .clock = environment_.clock,
      .disk = context_.disk.get(),
      .votes = &votes_,
      .observer = &context_.metrics,
      .on_fatal = environment_.on_fatal,
      .self = {dir_.identity().cluster_id, context_.self(), dir_.identity().directory_id},
      .scrub_bytes_per_second = kScrubBytesPerSecond / shards,
      .catch_up_bytes_per_second = catch_up_share,
      .compaction_bytes_per_second = config.compaction_bytes_per_second / shards,
      .compaction_map_bytes = config.compaction_memory_bytes / shards,
      .compaction_seed = rng_.next()};
  for (std::uint32_t i = 0; i < shards; ++i) {
    context_.shards.push_back(std::make_unique<Shard>(i, services));
  }
}

// What did not come to run is taken down here.
Broker::State::~State() {
  votes_.stop();
  flush_pool_.join();
  background_pool_.join();
}

Status Broker::State::open_metadata() {
  Shard& admin = context_.admin_shard();
  PENSTOCK_TRY_ASSIGN(metadata_,
                      MetadataGroup::open(dir_, admin.partition_services(), rng_.next()));
  context_.metadata = metadata_.get();
  metadata_->on_change([this] { metadata_changed(); });
  Partition& partition = metadata_->partition();
  admin.set_metadata(metadata_->partition_ptr());
  partition.start();
  admin.run_until([&] { return partition.is_settled(); });
  return {};
}

// A broker that decides alone begins a new leader epoch.
Status Broker::State::begin_epoch() {
  const raft::Membership& members = metadata_->partition().replica().group().membership();
  if (members.is_joint() || members.voters != std::vector{context_.self()}) return {};
  if (metadata_->applied() < placer_->placed()) {
    return fail(Errc::kCorrupt, "the metadata log ends at " +
                                    std::to_string(metadata_->applied().value()) +
                                    ", but partitions were placed up to " +
                                    std::to_string(placer_->placed().value()) +
                                    ": it was lost; restore the meta folder from a copy");
  }
  std::optional<Result<Term>> epoch;
  asio::co_spawn(
      context_.admin_shard().executor(),
      [&]() -> Task<void> {
        epoch = co_await metadata_->carry_out(StartBroker{.broker_id = dir_.identity().node_id,
                                                          .directory = dir_.identity().directory_id,
                                                          .now = context_.clock->wall()});
      },
      asio::detached);
  context_.admin_shard().run_until([&] { return epoch.has_value(); });
  return *epoch ? Status{} : fail(epoch->error());
}

Status Broker::State::open() {
  reserve_.give_back();
  PENSTOCK_TRY(votes_.open(dir_.env(), dir_.path(), dir_.identity().directory_id));
  PENSTOCK_TRY(addresses_.load());
  placer_ = std::make_unique<PartitionPlacer>(context_, dir_, votes_,
                                              background_pool_.get_executor(), rng_.next());
  context_.placer = placer_.get();
  PENSTOCK_TRY(placer_->load());
  PENSTOCK_TRY(open_metadata());
  PENSTOCK_TRY(begin_epoch());
  gate_ = std::make_unique<ControllerGate>(*metadata_, calls_, dir_.identity());
  context_.gate = gate_.get();
  admin_ = std::make_unique<TopicAdmin>(context_, Rng(rng_.next()));
  context_.admin = admin_.get();
  producer_ids_ = std::make_unique<ProducerIds>(context_);
  context_.producer_ids = producer_ids_.get();
  PENSTOCK_TRY(placer_->place_everything(metadata_->image()));
  log().info("opened data_dir={} cluster={} broker={} {}", dir_.path(),
             dir_.identity().cluster_id.to_string(), dir_.identity().node_id,
             dir_.created() ? "created=1" : "");
  return {};
}

// On the admin shard, within the metadata group's work: what is to be done is only begun.
void Broker::State::metadata_changed() {
  const ImagePtr& image = metadata_->image();
  placer_->follow(image);
  // Until it has caught up, what was known before the start is newer.
  if (placer_->may_follow(*image) && addresses_.learn(image->brokers())) addresses_changed();
}

void Broker::State::addresses_changed() {
  if (!links_) return;
  const PeerAddresses& peers = addresses_.peers();
  calls_.set_addresses(peers);
  for (const auto& shard : context_.shards) {
    asio::post(shard->executor(), [&shard = *shard, peers] { shard.peers().set_addresses(peers); });
  }
  // One after the other: the newest stays.
  asio::post(saves_, [this, peers] {
    // They only help to find the others again.
    if (const Status saved = addresses_.save(peers); !saved) {
      log().warn("cannot save the addresses of the other brokers error={}",
                 saved.error().to_string());
    }
  });
}

// On the partition's shard.
void Broker::State::retire(const TopicPartition& id) {
  asio::post(context_.admin_shard().executor(), [this, id] { placer_->retire(id); });
}

Status Broker::State::listen_on_shard(Shard& shard) {
  rpc::ServerOptions options;
  options.listen = context_.config.listen;
  options.listen.port = port_;
  options.reuse_port = true;  // with the other shards, and with the reservation
  options.cluster_id = context_.identity.cluster_id;
  options.broker_id = context_.identity.node_id;
  options.software = context_.software;
  options.max_connections = max_connections(descriptor_limit(), context_.shards.size());
  options.max_frame_bytes = kMaxFrameBytes;
  options.max_request_memory_bytes =
      std::max(context_.config.memory_limit_bytes / kRequestMemoryDivisor / context_.shards.size(),
               kMaxFrameBytes * 2);
  options.limits.outbound_total_bytes =
      std::max((context_.config.memory_limit_bytes -
                context_.config.memory_limit_bytes / kRequestMemoryDivisor) /
                   context_.shards.size(),
               options.limits.outbound_max_bytes);
  rpc::Handler handler = make_handler(context_, shard);
  if (environment_.around_requests) handler = environment_.around_requests(std::move(handler));
  PENSTOCK_TRY_ASSIGN(auto server,
                      rpc::Server::start(shard.executor(), std::move(options), std::move(handler)));
  port_ = server->port();  // when it could not be reserved
  shard.set_server(std::move(server));
  return {};
}

Status Broker::State::listen() {
  port_ = reserved_.port();
  for (const auto& shard : context_.shards) PENSTOCK_TRY(listen_on_shard(*shard));
  reserved_.release();
  PENSTOCK_TRY_ASSIGN(
      http_,
      HttpListener::start(context_.admin_shard().executor(), context_.config.metrics_listen,
                          [this](std::string path) { return answer_http(std::move(path)); }));
  return {};
}

void Broker::State::run() {
  running_ = true;
  for (const auto& shard : context_.shards) {
    shard->tasks().spawn("housekeeping", keep_house(*shard));
    shard->tasks().spawn("groups", shard->tend_groups());
  }
  Shard& admin = context_.admin_shard();
  admin.tasks().spawn("placer", placer_->run());
  admin.tasks().spawn("registration", register_self(context_));
  upkeep_ = std::make_unique<ControllerUpkeep>(context_);
  admin.tasks().spawn("controller upkeep", upkeep_->run());
  for (const auto& shard : context_.shards) {
    shard->start_upkeep(std::make_unique<ReplicaUpkeep>(
        context_, *shard, [this](const TopicPartition& id) { retire(id); }));
  }
  links_ = true;
  addresses_changed();
  asio::post(saves_, [this] { reserve_.take(); });
  for (const auto& shard : context_.shards) shard->start_thread();
  log().info("serving listen={}:{} metrics={}:{} shards={}", context_.config.listen.host, port_,
             context_.config.metrics_listen.host, http_->port(), context_.shards.size());
}

// Runs `task` on the shard and blocks until it is done.
template <typename T>
T Broker::State::wait_for(Shard& shard, Task<T> task) {
  std::promise<T> promise;
  auto future = promise.get_future();
  asio::co_spawn(shard.executor(), std::move(task),
                 [&promise](const std::exception_ptr& error, T value) {
                   if (error) die_of_exception(error);
                   promise.set_value(std::move(value));
                 });
  return future.get();
}

namespace {

Task<Status> drain_shard(Shard& shard) {
  shard.begin_draining();
  co_await shard.server().drain(std::chrono::steady_clock::now() + kDrainTime);
  co_return Status{};
}

// Commands that wait are answered now: a majority may never come.
Task<Status> stop_deciding(MetadataGroup& metadata) {
  metadata.stop();
  co_return Status{};
}

Task<Status> stop_groups(Shard& shard) {
  shard.stop_groups();
  co_return Status{};
}

// Another replica that is level takes over at once, without an election.
void offer_leadership(Partition& partition) {
  const Replica& replica = partition.replica();
  if (replica.role() != raft::Role::kLeader) return;
  const raft::Membership& members = replica.group().membership();
  const raft::PeerStatus* best = nullptr;
  const auto peers = replica.group().peers();
  for (const raft::PeerStatus& peer : peers) {
    if (!contains(members.voters, peer.node)) continue;
    if (best == nullptr || peer.durable_end > best->durable_end) best = &peer;
  }
  // What is refused is elected later.
  if (best != nullptr) static_cast<void>(partition.transfer_leadership(best->node));
}

Task<Status> hand_over_leadership(Shard& shard) {
  const auto until = std::chrono::steady_clock::now() + kHandOverTime;
  const auto groups = shard.groups();
  for (const auto& partition : groups) offer_leadership(*partition);
  const auto still_leads = [&] {
    return std::ranges::any_of(groups, [](const auto& partition) {
      return partition->replica().role() == raft::Role::kLeader &&
             partition->replica().group().membership().voters.size() > 1;
    });
  };
  while (still_leads() && std::chrono::steady_clock::now() < until) {
    if (!co_await sleep_for(kHandOverPause)) break;
  }
  co_return Status{};
}

Task<Status> close_metadata(MetadataGroup& metadata) {
  co_return co_await metadata.partition().close();
}

Task<Status> close_peers(Shard& shard) {
  co_await shard.peers().close();
  co_return Status{};
}

Task<Status> close_calls(BrokerCalls& calls) {
  co_await calls.close();
  co_return Status{};
}

Task<Status> stop_http(HttpListener& http) {
  co_await http.stop();
  co_return Status{};
}

// No request and no timer runs on any shard any more.
Task<Status> close_shard(Shard& shard) {
  shard.close_server();
  Status first;
  for (const auto& partition : shard.partitions()) {
    Status closed = co_await partition->close();
    if (!closed && first) first = std::move(closed);
    shard.remove(partition->id());
  }
  co_return first;
}

Task<Status> end_tasks(Shard& shard) {
  shard.checkpoints().stop();
  shard.ticks().stop();
  shard.scrubs().stop();
  shard.compactions().stop();
  shard.tasks().cancel();
  co_await shard.tasks().wait();
  co_return Status{};
}

}  // namespace

Status Broker::State::stop() {
  if (!running_) return {};
  running_ = false;
  log().info("stopping");
  wait_for(context_.admin_shard(), stop_deciding(*metadata_)).value();
  for (const auto& shard : context_.shards) wait_for(*shard, stop_groups(*shard)).value();
  std::vector<std::future<Status>> handed_over;
  for (const auto& shard : context_.shards) {
    handed_over.push_back(std::async(
        std::launch::async, [&] { return wait_for(*shard, hand_over_leadership(*shard)); }));
  }
  for (auto& one : handed_over) one.get().value();
  // All shards at once: a request may need partitions of several.
  std::vector<std::future<Status>> drained;
  for (const auto& shard : context_.shards) {
    drained.push_back(
        std::async(std::launch::async, [&] { return wait_for(*shard, drain_shard(*shard)); }));
  }
  Status status;
  for (auto& one : drained) {
    if (Status s = one.get(); !s) status = s;
  }
  wait_for(context_.admin_shard(), stop_http(*http_)).value();
  for (const auto& shard : context_.shards) {
    if (Status s = wait_for(*shard, end_tasks(*shard)); !s) status = s;
  }
  for (const auto& shard : context_.shards) {
    if (Status s = wait_for(*shard, close_shard(*shard)); !s) status = s;
  }
  if (Status s = wait_for(context_.admin_shard(), close_metadata(*metadata_)); !s) status = s;
  for (const auto& shard : context_.shards) wait_for(*shard, close_peers(*shard)).value();
  wait_for(context_.admin_shard(), close_calls(calls_)).value();
  http_.reset();
  for (const auto& shard : context_.shards) shard->stop_thread();
  log().info("stopped {}", status ? "cleanly" : status.error().to_string());
  return status;
}

}  // namespace penstock::broker
