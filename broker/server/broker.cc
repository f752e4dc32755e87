#include "broker/server/broker.h"

#include <sys/resource.h>

#include <cstdlib>

#include "base/log.h"
#include "broker/server/broker_flags.h"
#include "broker/server/broker_state.h"
#include "broker/server/cluster_join.h"
#include "broker/server/registration.h"
#include "broker/server/reserved_port.h"

namespace penstock::broker {
namespace {

void end_the_process(const Error& error) {
  logger("broker").error(
      "the disk failed; ending at once so that nothing is acknowledged that is not on it error={}",
      error.to_string());
  std::_Exit(kExitDiskFailed);
}

// Every partition keeps a few files open; the soft limit is often a thousand.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // a refusal shows when files are opened, with its reason
}

// Where others reach this broker; without a host: where they did.
rpc::Endpoint told_address(const BrokerConfig& config, std::uint16_t port) {
  if (config.advertise) return *config.advertise;
  return {is_wildcard(config.listen.host) ? "" : config.listen.host, port};
}

// The same seeds may be given to all brokers: the first one begins the cluster, unless there is
// one.
Status become_member(DataDir& dir, const BrokerConfig& config, const rpc::Endpoint& address,
                     Timestamp now, Rng& rng) {
  std::vector<rpc::Endpoint> others = config.cluster_seed;
  std::erase(others, address);
  const bool may_begin = config.cluster_seed.front() == address;
  const auto request = join_request(dir.identity(), address, config, now);
  const auto joined =
      join_cluster(others, request, may_begin ? Patience::kOneRound : Patience::kForEver);
  if (joined) {
    PENSTOCK_TRY(dir.become_member(joined->cluster_id, joined->broker.value()));
    return AddressBook(dir.env(), dir.peers_file(), joined->broker).save(joined->brokers);
  }
  if (!may_begin || info(joined.error().code()).retry == Retry::kFinal) {
    return fail(Error(joined.error()).context("join the cluster"));
  }
  return dir.become_member(rng.uuid(), kFirstBrokerId);
}

}  // namespace

Result<std::unique_ptr<Broker>> Broker::start(const BrokerConfig& config,
                                              BrokerEnvironment environment) {
  PENSTOCK_TRY(validate(config));
  raise_descriptor_limit();
  if (!environment.on_fatal) environment.on_fatal = end_the_process;
  if (environment.seed == 0) environment.seed = random_seed();
  Rng rng(environment.seed);
  const NewFolder kind =
      config.cluster_seed.empty() ? NewFolder::kBeginsCluster : NewFolder::kJoinsCluster;
  PENSTOCK_TRY_ASSIGN(DataDir dir, DataDir::open(*environment.env, config.data_dir, kind, rng));
  PENSTOCK_TRY_ASSIGN(ReservedPort port, ReservedPort::reserve(config.listen));
  const rpc::Endpoint address = told_address(config, port.port());
  if (!dir.is_member()) {
    PENSTOCK_TRY(become_member(dir, config, address, environment.clock->wall(), rng));
  }
  environment.seed = rng.next();  // the topics' ids are another sequence than the directory's
  auto state = std::make_unique<State>(config, std::move(environment), std::move(dir),
                                       std::move(port), address);
  PENSTOCK_TRY(state->open());
  PENSTOCK_TRY(state->listen());
  state->run();
  return std::unique_ptr<Broker>(new Broker(std::move(state)));
}

Broker::Broker(std::unique_ptr<State> state) : state_(std::move(state)) {}

Broker::~Broker() {
  if (const Status stopped = stop(); !stopped) {
    logger("broker").warn("stopped uncleanly error={}", stopped.error().to_string());
  }
}

std::uint16_t Broker::port() const { return state_->port(); }
std::uint16_t Broker::metrics_port() const { return state_->metrics_port(); }
Status Broker::stop() { return state_->stop(); }

}  // namespace penstock::broker
