#include "broker/server/producer_ids.h"

#include "base/log.h"
#include "broker/server/broker_calls.h"
#include "broker/server/limits.h"
#include "broker/server/metadata_group.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("controller");
  return instance;
}

}  // namespace

Task<Status> ProducerIds::everybody_knows_producers() {
  const auto deadline = std::chrono::steady_clock::now() + kAskReleaseTime;
  const ImagePtr image = broker_.metadata->image();
  for (const auto& [id, other] : image->brokers()) {
    if (id == broker_.self() || other.mode == BrokerMode::kDecommissioned) continue;
    const auto offers = co_await broker_.calls->offers(id, wire::Api::kInitProducer, deadline);
    const std::string name = "broker " + std::to_string(id.value());
    if (!offers) {
      co_return fail(Errc::kNotReady, "no producer has a number in this cluster yet, and " + name +
                                          " cannot be asked whether it knows what that is: " +
                                          offers.error().to_string());
    }
    if (!*offers) {
      co_return fail(Errc::kUnsupported,
                     name + " is of a release without idempotent producers; upgrade it");
    }
  }
  co_return Status{};
}

Task<Status> ProducerIds::take_block() {
  // What stands in the log already, everybody has read.
  if (broker_.metadata->producers().is_untouched()) {
    PENSTOCK_CO_TRY(co_await everybody_knows_producers());
  }
  PENSTOCK_CO_TRY_ASSIGN(block_, co_await broker_.metadata->carry_out(AllocateProducerIds{
                                     .broker = broker_.self(), .count = kProducerIdBlock}));
  log().info("takes producer numbers first={} count={}", block_.first, block_.count);
  co_return Status{};
}

Task<Result<record::ProducerIdentity>> ProducerIds::give() {
  if (!broker_.metadata->is_controller()) {
    co_return fail(Errc::kNotLeader, "this broker is not the controller");
  }
  // Somebody else may have used the block up meanwhile.
  while (block_.count == 0) PENSTOCK_CO_TRY(co_await take_block());
  --block_.count;
  co_return record::ProducerIdentity{.id = block_.first++, .epoch = 0};
}

Task<Result<record::ProducerIdentity>> ProducerIds::give(RegisterProducer command) {
  if (broker_.metadata->producers().is_untouched()) {
    PENSTOCK_CO_TRY(co_await everybody_knows_producers());
  }
  command.now = broker_.clock->wall();
  const std::string name = command.name;
  PENSTOCK_CO_TRY_ASSIGN(const record::ProducerIdentity identity,
                         co_await broker_.metadata->carry_out(std::move(command)));
  log().info("producer registered name={} id={} epoch={}", name, identity.id, identity.epoch);
  co_return identity;
}

Task<void> ProducerIds::prepare() {
  const bool is_due = broker_.metadata->is_controller() &&
                      broker_.metadata->producers().is_untouched() &&
                      broker_.metadata->image()->brokers().size() > 1;
  if (!is_due) co_return;
  // Or else later, or by whoever asks.
  static_cast<void>(co_await take_block());
}

}  // namespace penstock::broker
