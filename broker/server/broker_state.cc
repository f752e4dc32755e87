#include "broker/server/broker_state.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <future>
#include <limits>

#include "base/log.h"
#include "broker/server/dispatch.h"
#include "broker/server/hop.h"
#include "broker/server/limits.h"

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

// Listeners that share a port by SO_REUSEPORT would also share it with another broker of the same
// user: whoever was there first is noticed here.
Status check_port_is_free(const rpc::Endpoint& listen) {
  using Tcp = asio::ip::tcp;
  asio::io_context io;
  boost::system::error_code error;
  const auto address = asio::ip::make_address(listen.host, error);
  if (error || listen.port == 0) return {};  // the listener itself will say what is wrong
  Tcp::acceptor probe(io);
  probe.open(Tcp::endpoint(address, listen.port).protocol(), error);
  if (!error) probe.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) probe.bind(Tcp::endpoint(address, listen.port), error);
  if (!error) probe.listen(1, error);
  if (error != asio::error::address_in_use) return {};
  return fail(Errc::kAlreadyExists,
              "--listen=" + listen.to_string() + ": port " + std::to_string(listen.port) +
                  " is in use by another process; choose another port (0: any free one) or stop "
                  "that process");
}

}  // namespace

Broker::State::State(const BrokerConfig& config, BrokerEnvironment environment, DataDir dir)
    : environment_(std::move(environment)),
      dir_(std::move(dir)),
      flush_pool_(config.disk_threads / 2),
      background_pool_(config.disk_threads - config.disk_threads / 2),
      votes_(flush_pool_.get_executor(), environment_.on_fatal) {
  context_.config = config;
  context_.identity = dir_.identity();
  context_.software = "penstockd/" PENSTOCK_VERSION;
  context_.clock = environment_.clock;
  context_.started_ns = environment_.clock->steady_ns();
  context_.disk = std::make_unique<DiskGuard>(*environment_.env, *environment_.clock, dir_.path(),
                                              config.disk_reserve_bytes);
  const ShardServices services{.flush_pool = flush_pool_.get_executor(),
                               .background_pool = background_pool_.get_executor(),
                               .clock = environment_.clock,
                               .disk = context_.disk.get(),
                               .votes = &votes_,
                               .observer = &context_.metrics,
                               .on_fatal = environment_.on_fatal};
  const std::uint32_t shards = config.shards == 0 ? default_shards() : config.shards;
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

Status Broker::State::open() {
  PENSTOCK_TRY_ASSIGN(auto metadata,
                      MetadataStore::open(dir_.env(), *context_.clock, dir_.meta_dir(),
                                          dir_.identity().cluster_id));
  const StartBroker start{.broker_id = dir_.identity().node_id,
                          .directory = dir_.identity().directory_id,
                          .now = context_.clock->wall()};
  PENSTOCK_TRY_ASSIGN(const Term epoch, metadata->carry_out(start));
  PENSTOCK_TRY(votes_.open(dir_.env(), dir_.path(), dir_.identity().directory_id));
  admin_ = std::make_unique<TopicAdmin>(context_, dir_, std::move(metadata), votes_,
                                        background_pool_.get_executor(), environment_.on_fatal,
                                        Rng(environment_.seed));
  context_.admin = admin_.get();
  PENSTOCK_TRY(admin_->place_everything());
  log().info("opened data_dir={} cluster={} epoch={} {}", dir_.path(),
             dir_.identity().cluster_id.to_string(), epoch.value(),
             dir_.created() ? "created=1" : "");
  return {};
}

Status Broker::State::listen_on_shard(Shard& shard) {
  rpc::ServerOptions options;
  options.listen = context_.config.listen;
  if (port_ != 0) options.listen.port = port_;
  options.reuse_port = context_.shards.size() > 1;
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
  PENSTOCK_TRY_ASSIGN(auto server, rpc::Server::start(shard.executor(), std::move(options),
                                                      make_handler(context_, shard)));
  port_ = server->port();
  shard.set_server(std::move(server));
  return {};
}

Status Broker::State::listen() {
  PENSTOCK_TRY(check_port_is_free(context_.config.listen));
  for (const auto& shard : context_.shards) PENSTOCK_TRY(listen_on_shard(*shard));
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
  }
  admin_->clean_up();
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
  shard.tasks().cancel();
  co_await shard.tasks().wait();
  co_return Status{};
}

}  // namespace

Status Broker::State::stop() {
  if (!running_) return {};
  running_ = false;
  log().info("stopping");
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
  http_.reset();
  for (const auto& shard : context_.shards) shard->stop_thread();
  if (Status s = admin_->close(); !s) status = s;
  log().info("stopped {}", status ? "cleanly" : status.error().to_string());
  return status;
}

}  // namespace penstock::broker
