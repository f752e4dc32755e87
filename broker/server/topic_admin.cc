#include "broker/server/topic_admin.h"

#include "base/log.h"
#include "broker/server/limits.h"
#include "broker/server/metadata_group.h"
#include "broker/server/partition_placer.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("admin");
  return instance;
}

// Placing thousands of partitions takes a while; a disk that takes longer has failed.
std::chrono::steady_clock::time_point placing_deadline() {
  return std::chrono::steady_clock::now() + kPlacingTime;
}

}  // namespace

template <typename Command>
Task<Result<TopicAdmin::Done>> TopicAdmin::commit(Command command) {
  PENSTOCK_CO_TRY_ASSIGN(const Uuid id, co_await broker_.metadata->carry_out(std::move(command)));
  const Offset known_at = broker_.metadata->applied();
  PENSTOCK_CO_TRY(co_await broker_.placer->wait_for(known_at, placing_deadline()));
  co_return Done{id, known_at};
}

Task<Result<TopicAdmin::Done>> TopicAdmin::create(CreateTopic command, Mode mode) {
  command.id = rng_.uuid();
  command.now = broker_.clock->wall();
  if (mode == Mode::kValidateOnly) {
    PENSTOCK_CO_TRY(broker_.metadata->check(command));
    co_return Done{};
  }
  const std::string name = command.name;
  const std::uint32_t partitions = command.partitions;
  PENSTOCK_CO_TRY_ASSIGN(const Done done, co_await commit(std::move(command)));
  if (auto trouble = broker_.placer->trouble(done.topic)) {
    log().error("could not place topic={} error={}", name, trouble->to_string());
    const auto undone = co_await commit(DeleteTopic{.name = name, .now = broker_.clock->wall()});
    if (undone) co_return fail(*std::move(trouble));
    co_return fail(Errc::kIoError,
                   "the topic was made, but not its partitions: " + trouble->message() +
                       "; and it could not be taken back: " + undone.error().message() +
                       "; delete or alter it");
  }
  log().info("created topic={} id={} partitions={}", name, done.topic.to_string(), partitions);
  co_return done;
}

Task<Result<TopicAdmin::Done>> TopicAdmin::remove(DeleteTopic command) {
  command.now = broker_.clock->wall();
  const std::string name = command.name;
  PENSTOCK_CO_TRY_ASSIGN(const Done done, co_await commit(std::move(command)));
  log().info("deleted topic={} id={}", name, done.topic.to_string());
  co_return done;
}

Task<Result<TopicAdmin::Done>> TopicAdmin::alter(AlterTopic command) {
  const std::string name = command.name;
  PENSTOCK_CO_TRY_ASSIGN(const Uuid id, co_await broker_.metadata->carry_out(std::move(command)));
  const Done done{id, broker_.metadata->applied()};
  broker_.placer->try_again(done.topic);
  PENSTOCK_CO_TRY(co_await broker_.placer->wait_for(done.known_at, placing_deadline()));
  log().info("altered topic={} id={}", name, done.topic.to_string());
  if (auto trouble = broker_.placer->trouble(done.topic)) {
    co_return fail(std::move(*trouble).context(
        "the topic is altered, but some of its partitions could not be made; alter it again to try "
        "once more"));
  }
  co_return done;
}

}  // namespace penstock::broker
