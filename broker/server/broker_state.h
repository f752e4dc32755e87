// Broker::State: the parts of a running broker in the order in which they are built, and taken down
// in reverse. Internal to broker/server.
#pragma once

#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <optional>

#include "broker/server/address_book.h"
#include "broker/server/broker.h"
#include "broker/server/broker_calls.h"
#include "broker/server/broker_context.h"
#include "broker/server/controller_gate.h"
#include "broker/server/controller_upkeep.h"
#include "broker/server/data_dir.h"
#include "broker/server/http_listener.h"
#include "broker/server/metadata_group.h"
#include "broker/server/partition_placer.h"
#include "broker/server/producer_ids.h"
#include "broker/server/reserved_port.h"
#include "broker/server/start_reserve.h"
#include "broker/server/topic_admin.h"

namespace penstock::broker {

class Broker::State {
 public:
  State(const BrokerConfig& config, BrokerEnvironment environment, DataDir dir,
        ReservedPort reserved, const rpc::Endpoint& address);
  ~State();

  // Blocking. Nothing is served before it returns success.
  Status open();
  Status listen();
  void run();
  Status stop();

  std::uint16_t port() const { return port_; }
  std::uint16_t metrics_port() const { return http_->port(); }

 private:
  Status open_metadata();
  Status begin_epoch();
  void metadata_changed();
  void addresses_changed();
  void retire(const TopicPartition& id);
  Status listen_on_shard(Shard& shard);
  Task<HttpAnswer> answer_http(std::string path);
  Task<void> take_snapshot(Snapshot& now);
  Task<void> keep_house(Shard& shard);
  void give_memory_back();

  template <typename T>
  T wait_for(Shard& shard, Task<T> task);

  BrokerEnvironment environment_;
  DataDir dir_;
  ReservedPort reserved_;
  Rng rng_{environment_.seed};
  BrokerContext context_;
  asio::thread_pool flush_pool_;
  asio::thread_pool background_pool_;
  asio::strand<asio::thread_pool::executor_type> saves_;  // small files
  VoteQueue votes_;
  AddressBook addresses_;
  StartReserve reserve_;
  BrokerCalls calls_;
  std::unique_ptr<PartitionPlacer> placer_;
  std::unique_ptr<MetadataGroup> metadata_;
  std::unique_ptr<ControllerGate> gate_;
  std::unique_ptr<TopicAdmin> admin_;
  std::unique_ptr<ProducerIds> producer_ids_;
  std::unique_ptr<ControllerUpkeep> upkeep_;
  std::unique_ptr<HttpListener> http_;
  std::uint16_t port_ = 0;
  bool running_ = false;
  bool links_ = false;  // to other brokers, from run() on: a start that fails has none to close
  std::uint64_t requests_seen_ = 0;
  bool memory_given_back_ = false;
};

}  // namespace penstock::broker
