// Decisions about producers.
#include <utility>

#include "broker/controller/cluster_state.h"

namespace penstock::broker {

Result<Decision<ProducerIdBlock>> ClusterState::handle(const AllocateProducerIds& command) const {
  PENSTOCK_TRY(brokers_.find(command.broker));
  PENSTOCK_TRY_ASSIGN(const auto block, producers_.decide(command.broker, command.count));
  return Decision<ProducerIdBlock>{.records = {block}, .answer = {block.first, block.count}};
}

Result<Decision<record::ProducerIdentity>> ClusterState::handle(
    const RegisterProducer& command) const {
  PENSTOCK_TRY_ASSIGN(auto registration, producers_.decide(command));
  Decision<record::ProducerIdentity> decision{.records = {}, .answer = registration.identity};
  if (registration.record) decision.records = {*std::move(registration.record)};
  return decision;
}

Result<Decision<record::ProducerIdentity>> ClusterState::handle(
    const ForgetProducer& command) const {
  PENSTOCK_TRY_ASSIGN(const auto found, producers_.find(command.name));
  return Decision<record::ProducerIdentity>{.records = {ProducerForgotten{command.name}},
                                            .answer = found.identity};
}

}  // namespace penstock::broker
