#include "broker/server/broker.h"

#include <sys/resource.h>

#include <cstdlib>

#include "base/log.h"
#include "broker/server/broker_flags.h"
#include "broker/server/broker_state.h"

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

}  // namespace

Result<std::unique_ptr<Broker>> Broker::start(const BrokerConfig& config,
                                              BrokerEnvironment environment) {
  PENSTOCK_TRY(validate(config));
  raise_descriptor_limit();
  if (!environment.on_fatal) environment.on_fatal = end_the_process;
  if (environment.seed == 0) environment.seed = random_seed();
  Rng rng(environment.seed);
  PENSTOCK_TRY_ASSIGN(DataDir dir, DataDir::open(*environment.env, config.data_dir, kNodeId, rng));
  environment.seed = rng.next();  // the topics' ids are another sequence than the directory's
  auto state = std::make_unique<State>(config, std::move(environment), std::move(dir));
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
