// FakeCluster: several FakeBrokers, numbered from 1, with one world between them.
//
// A story says who leads; nothing is elected by itself. Threads: the test's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/config.h"
#include "tests/client/fake_broker.h"
#include "tests/client/fake_world.h"

namespace penstock::client {

class FakeCluster {
 public:
  explicit FakeCluster(int brokers = 3) {
    for (int id = 1; id <= brokers; ++id) {
      brokers_.push_back(std::make_unique<FakeBroker>(world_, id));
    }
  }
  ~FakeCluster() {
    for (const auto& broker : brokers_) broker->shut_down();
    world_.join();
  }

  FakeBroker& operator[](int id) { return *brokers_.at(static_cast<std::size_t>(id - 1)); }
  FakeWorld& world() { return world_; }

  // Every partition is led by `leader`.
  void create_topic(const std::string& name, int partitions, int leader) {
    brokers_.front()->create_topic(name, partitions);
    for (int i = 0; i < partitions; ++i) lead(name, i, leader);
  }
  // A new term. -1: nobody leads for now; the term stays until somebody does.
  void lead(const std::string& name, int partition, int leader) {
    world_.on_thread([&] {
      FakeLog& log = world_.topics[name].logs.at(static_cast<std::size_t>(partition));
      log.leader = leader;
      if (leader >= 0) ++log.epoch;
      world_.changed().notify_all();
    });
  }
  std::vector<std::string> values(const std::string& name, int partition = 0) {
    return brokers_.front()->values(name, partition);
  }
  ClientConfig config(std::vector<int> bootstrap = {1, 2, 3}) {
    ClientConfig config;
    config.bootstrap.clear();
    for (const int id : bootstrap) config.bootstrap.push_back((*this)[id].endpoint());
    config.retry_backoff = milliseconds(1);
    config.retry_backoff_max = milliseconds(20);
    return config;
  }

 private:
  FakeWorld world_;
  std::vector<std::unique_ptr<FakeBroker>> brokers_;
};

}  // namespace penstock::client
