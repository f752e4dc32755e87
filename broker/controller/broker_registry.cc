#include "broker/controller/broker_registry.h"

#include <algorithm>
#include <limits>

#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

// The largest number has no successor.
constexpr std::int32_t kEndOfNumbers = std::numeric_limits<std::int32_t>::max();

std::string number(raft::NodeId broker) { return std::to_string(broker.value()); }
bool is_number(raft::NodeId broker) {
  return broker.value() >= 0 && broker.value() < kEndOfNumbers;
}

Status check_address(const RegisterBroker& command) {
  if (command.directory.is_nil()) {
    return fail(Errc::kInvalidArgument, "a broker registers with the identity of its directory");
  }
  if (command.host.empty() || command.host.size() > kMaxHostBytes || command.port == 0) {
    return fail(Errc::kInvalidArgument, "a broker registers with a host of 1 to " +
                                            std::to_string(kMaxHostBytes) +
                                            " bytes and a port above 0");
  }
  if (command.rack.size() > kMaxRackBytes) {
    return fail(Errc::kInvalidArgument,
                "a rack's name has at most " + std::to_string(kMaxRackBytes) + " bytes");
  }
  return {};
}

// Mode of a broker that is `now` in some mode when `wanted` is asked for; none: not allowed.
std::optional<BrokerMode> transition(BrokerMode now, BrokerMode wanted) {
  using enum BrokerMode;
  if (now == wanted) return now;
  switch (wanted) {
    case kActive:
      return now == kDecommissioned ? std::nullopt : std::optional(kActive);
    case kDraining:  // what is on its way out already stays on its way
      return now == kActive ? kDraining : now;
    case kDrained:  // asked for by the controller when nothing is left there
      if (now == kDraining) return kDrained;
      if (now == kDecommissioning) return kDecommissioned;
      return now == kDecommissioned ? std::optional(now) : std::nullopt;
    case kDecommissioning:
      return now == kDrained || now == kDecommissioned ? kDecommissioned : kDecommissioning;
    case kDecommissioned:
      return std::nullopt;  // only by way of the others
  }
  return std::nullopt;
}

}  // namespace

Result<const BrokerImage*> BrokerRegistry::find(raft::NodeId broker) const {
  const auto found = brokers_.find(broker);
  if (found == brokers_.end()) return fail(Errc::kUnknownBroker, "no broker " + number(broker));
  return &found->second;
}

const BrokerImage* BrokerRegistry::find(const Uuid& directory) const {
  const auto found = std::ranges::find_if(
      brokers_, [&](const auto& entry) { return entry.second.directory == directory; });
  return found == brokers_.end() ? nullptr : &found->second;
}

std::size_t BrokerRegistry::active() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(brokers_, [](const auto& entry) { return entry.second.is_active(); }));
}

Result<raft::NodeId> BrokerRegistry::number_for(const RegisterBroker& command) const {
  const BrokerImage* known = find(command.directory);
  if (known != nullptr) {
    if (command.known_as != raft::kNobody && command.known_as != known->id) {
      return fail(Errc::kForeignData, "the directory calls itself broker " +
                                          number(command.known_as) + " but belongs to broker " +
                                          number(known->id));
    }
    return known->id;
  }
  if (command.known_as != raft::kNobody) {
    // The very first broker has its number before there is anybody to ask.
    if (brokers_.empty() && is_number(command.known_as) &&
        command.known_as.value() >= next_number_) {
      return command.known_as;
    }
    return fail(Errc::kForeignData,
                "the directory of broker " + number(command.known_as) +
                    " is not known here: the broker was removed, or its disk is a copy of another "
                    "one; to join anew, start it with an empty data directory");
  }
  if (brokers_.size() >= kMaxBrokers) {
    return fail(Errc::kOverloaded, "the cluster has " + std::to_string(kMaxBrokers) +
                                       " brokers; remove those that are gone for good");
  }
  if (next_number_ == kEndOfNumbers) {
    return fail(Errc::kInternal, "broker numbers are used up");
  }
  return next_number();
}

Result<BrokerRegistry::Registration> BrokerRegistry::decide(const RegisterBroker& command) const {
  PENSTOCK_TRY(check_address(command));
  PENSTOCK_TRY_ASSIGN(const raft::NodeId broker, number_for(command));
  const auto known = brokers_.find(broker);
  if (known != brokers_.end()) {
    const BrokerImage& now = known->second;
    if (now.mode == BrokerMode::kDecommissioned) {
      return fail(Errc::kForeignData, "broker " + number(broker) +
                                          " is decommissioned; to join anew, start it with an "
                                          "empty data directory");
    }
    if (now.host == command.host && now.port == command.port && now.rack == command.rack &&
        now.started_at == command.started_at) {
      return Registration{broker, std::nullopt};
    }
  }
  return Registration{broker, BrokerRegistered{.broker = broker,
                                               .directory = command.directory,
                                               .host = command.host,
                                               .port = command.port,
                                               .rack = command.rack,
                                               .started_at = command.started_at}};
}

Status BrokerRegistry::check_start(raft::NodeId broker, const Uuid& directory) const {
  const auto known = brokers_.find(broker);
  if (known == brokers_.end() || known->second.directory == directory) return {};
  if (brokers_.size() == 1 && known->second.host.empty()) return {};
  return fail(Errc::kForeignData,
              "broker " + number(broker) + " registered with another data directory");
}

Result<BrokerMode> BrokerRegistry::decide_mode(raft::NodeId broker, BrokerMode wanted) const {
  PENSTOCK_TRY_ASSIGN(const BrokerImage* found, find(broker));
  const auto mode = transition(found->mode, wanted);
  if (!mode) {
    return fail(Errc::kInvalidArgument, "broker " + number(broker) + " is " +
                                            std::string(to_string(found->mode)) +
                                            " and cannot become " + std::string(to_string(wanted)));
  }
  return *mode;
}

std::optional<std::string> BrokerRegistry::apply(const BrokerStarted& record) {
  const raft::NodeId id(record.broker_id);
  if (!is_number(id)) return "starts a broker without a number";
  if (!check_start(id, record.directory)) return "starts a broker in another directory";
  BrokerImage& broker = brokers_[id];
  broker.id = id;
  broker.directory = record.directory;
  broker.started_at = record.at;
  next_number_ = std::max(next_number_, record.broker_id + 1);
  last_started_ = id;
  return std::nullopt;
}

std::optional<std::string> BrokerRegistry::apply(const BrokerRegistered& record) {
  const auto known = brokers_.find(record.broker);
  if (!is_number(record.broker)) return "registers a broker without a number";
  if (known == brokers_.end()) {
    if (record.broker.value() < next_number_) return "gives the number of a removed broker again";
    if (brokers_.size() >= kMaxBrokers) return "registers one broker too many";
    if (find(record.directory) != nullptr) return "registers a directory under a second number";
    next_number_ = record.broker.value() + 1;
  } else if (known->second.directory != record.directory) {
    return "registers a broker with another directory";
  }
  // An address is whose who told it last: nobody shall look for a dead broker at a living one's.
  for (auto& [id, other] : brokers_) {
    if (other.host != record.host || other.port != record.port) continue;
    other.host.clear();
    other.port = 0;
  }
  BrokerImage& broker = brokers_[record.broker];
  broker.id = record.broker;
  broker.directory = record.directory;
  broker.host = record.host;
  broker.port = record.port;
  broker.rack = record.rack;
  broker.started_at = record.started_at;
  return std::nullopt;
}

std::optional<std::string> BrokerRegistry::apply(const BrokerModeChanged& record) {
  const auto found = brokers_.find(record.broker);
  if (found == brokers_.end()) return "changes the mode of an unknown broker";
  if (found->second.mode == BrokerMode::kDecommissioned) return "revives a decommissioned broker";
  found->second.mode = record.mode;
  return std::nullopt;
}

std::optional<std::string> BrokerRegistry::apply(const BrokerRemoved& record) {
  const auto found = brokers_.find(record.broker);
  if (found == brokers_.end()) return "removes an unknown broker";
  if (found->second.mode != BrokerMode::kDecommissioned) return "removes a broker that serves";
  brokers_.erase(found);
  return std::nullopt;
}

BrokerRegistry BrokerRegistry::restore(Brokers brokers, raft::NodeId next_number,
                                       raft::NodeId last_started) {
  BrokerRegistry registry;
  registry.brokers_ = std::move(brokers);
  registry.next_number_ = next_number.value();
  registry.last_started_ = last_started;
  return registry;
}

}  // namespace penstock::broker
