#include <limits>

#include "broker/server/handlers/handlers.h"
#include "broker/server/hop.h"
#include "broker/server/metadata_group.h"
#include "broker/server/producer_ids.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using wire::v1::InitProducerRequest;
using wire::v1::InitProducerResponse;

Result<RegisterProducer> command_of(const InitProducerRequest& request) {
  RegisterProducer command{.name = request.name(), .instance = {}, .known = {}, .now = {}};
  PENSTOCK_TRY_ASSIGN(command.instance, wire::uuid_from_wire(request.instance(), "instance"));
  if (request.known_producer_id() == 0) return command;
  if (request.known_epoch() < 0 ||
      request.known_epoch() > std::numeric_limits<std::int16_t>::max()) {
    return fail(Errc::kInvalidArgument,
                "epoch " + std::to_string(request.known_epoch()) + " is none");
  }
  command.known = record::ProducerIdentity{
      .id = request.known_producer_id(), .epoch = static_cast<std::int16_t>(request.known_epoch())};
  return command;
}

// On the admin shard.
Task<Result<InitProducerResponse>> give(BrokerContext& broker,
                                        std::optional<RegisterProducer> named) {
  Result<record::ProducerIdentity> identity = fail(Errc::kInternal);
  if (named) {
    identity = co_await broker.producer_ids->give(*std::move(named));
  } else {
    identity = co_await broker.producer_ids->give();
  }
  if (!identity) co_return fail(identity.error());
  InitProducerResponse response;
  response.set_producer_id(identity->id);
  response.set_producer_epoch(identity->epoch);
  response.set_metadata_offset(broker.metadata->applied().value());
  co_return response;
}

}  // namespace

Task<Result<InitProducerResponse>> init_producer(Call call, InitProducerRequest request) {
  std::optional<RegisterProducer> named;
  if (!request.name().empty()) {
    PENSTOCK_CO_TRY_ASSIGN(named, command_of(request));
  }
  co_return co_await call_on(call.broker.admin_shard().executor(),
                             give(call.broker, std::move(named)));
}

}  // namespace penstock::broker
