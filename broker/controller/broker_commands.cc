// Decisions about brokers that depend on what they hold.
#include <algorithm>
#include <limits>

#include "broker/controller/cluster_state.h"

namespace penstock::broker {
namespace {

std::string broker_name(raft::NodeId broker) { return "broker " + std::to_string(broker.value()); }

}  // namespace

Result<Decision<Term>> ClusterState::handle(const StartBroker& command) const {
  if (leader_epoch_.value() == std::numeric_limits<std::int32_t>::max()) {
    return fail(Errc::kInternal, "leader epochs are used up");
  }
  PENSTOCK_TRY(brokers_.check_start(raft::NodeId(command.broker_id), command.directory));
  const Term next(leader_epoch_.value() + 1);
  return Decision<Term>{
      .records = {BrokerStarted{command.broker_id, command.directory, next, command.now}},
      .answer = next};
}

Result<Decision<raft::NodeId>> ClusterState::handle(const RegisterBroker& command) const {
  PENSTOCK_TRY_ASSIGN(auto registration, brokers_.decide(command));
  Decision<raft::NodeId> decision{.records = {}, .answer = registration.broker};
  if (registration.record) decision.records = {std::move(*registration.record)};
  return decision;
}

Result<Decision<BrokerMode>> ClusterState::change_mode(raft::NodeId broker, BrokerMode wanted,
                                                       Timestamp now) const {
  PENSTOCK_TRY_ASSIGN(const BrokerImage* found, brokers_.find(broker));
  PENSTOCK_TRY_ASSIGN(const BrokerMode mode, brokers_.decide_mode(broker, wanted));
  Decision<BrokerMode> decision{.records = {}, .answer = mode};
  if (mode == found->mode) return decision;
  const std::size_t others = brokers_.active() - (found->is_active() ? 1 : 0);
  const bool leaves = mode == BrokerMode::kDraining || mode == BrokerMode::kDecommissioning;
  for (const auto& [name, topic] : topics_) {
    if (!leaves || topic->replication_factor <= others) continue;
    // Its own, or those of another one that leaves, of which it would be the last refuge.
    const auto must_move = [&](const ReplicaImage& replica) {
      return replica.broker == broker || brokers_.all().at(replica.broker).is_leaving();
    };
    const bool is_concerned =
        std::ranges::any_of(topic->placement, [&](const PartitionPtr& placed) {
          return std::ranges::any_of(placed->replicas, must_move);
        });
    if (!is_concerned) continue;
    return fail(Errc::kNotEnoughBrokers,
                broker_name(broker) + " holds replicas of '" + name + "', which has " +
                    std::to_string(topic->replication_factor) + " of each partition, and " +
                    std::to_string(others) +
                    " other brokers are active; add a broker or lower the replication factor");
  }
  decision.records = {BrokerModeChanged{broker, mode, now}};
  return decision;
}

Result<Decision<BrokerMode>> ClusterState::handle(const DrainBroker& command) const {
  return change_mode(command.broker, BrokerMode::kDraining, command.now);
}

Result<Decision<BrokerMode>> ClusterState::handle(const FinishDrain& command) const {
  if (holds_replicas(command.broker)) {
    return fail(Errc::kNotReady,
                broker_name(command.broker) + " holds replicas that are still to be moved");
  }
  return change_mode(command.broker, BrokerMode::kDrained, command.now);
}

Result<Decision<BrokerMode>> ClusterState::handle(const ResumeBroker& command) const {
  return change_mode(command.broker, BrokerMode::kActive, command.now);
}

Result<Decision<BrokerMode>> ClusterState::handle(const DecommissionBroker& command) const {
  return change_mode(command.broker, BrokerMode::kDecommissioning, command.now);
}

Result<Decision<raft::NodeId>> ClusterState::handle(const RemoveBroker& command) const {
  PENSTOCK_TRY_ASSIGN(const BrokerImage* found, brokers_.find(command.broker));
  if (found->mode == BrokerMode::kDecommissioning) {
    return fail(Errc::kNotReady, broker_name(command.broker) + " is not empty yet");
  }
  if (found->mode != BrokerMode::kDecommissioned) {
    return fail(Errc::kInvalidArgument, broker_name(command.broker) + " is " +
                                            std::string(to_string(found->mode)) +
                                            "; decommission it first");
  }
  return Decision<raft::NodeId>{.records = {BrokerRemoved{command.broker, command.now}},
                                .answer = command.broker};
}

}  // namespace penstock::broker
