// Operator: somebody who administers the simulated cluster at random: topics come, grow and go,
// change their replication factor, partitions move, brokers are drained, resumed and sent away.
//
// One command at a time; the next one when the last was answered, or not in time. Tells the
// invariants what it was told. Threads: one.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/post.h"

namespace penstock::sim {

class Operator {
 public:
  Operator(Scene& scene, Brokers& brokers);

  void start();
  void stop() { stopped_ = true; }
  // The last command was answered.
  bool is_idle() const { return !is_waiting_; }

 private:
  struct Topic {
    Uuid id;
    std::uint32_t partitions = 0;
    bool sure = false;  // told to be there
  };
  using Topics = std::map<std::string, Topic>;

  void next();
  void act();
  void create();
  void remove(const std::string& name);
  void grow(const std::string& name);
  void change_factor(const std::string& name);
  void move(const std::string& name);
  void change_broker();
  // Any broker's view; null: nobody is up.
  broker::ImagePtr some_image();
  raft::NodeId some_broker(const broker::ClusterImage& image);
  void use(const Uuid& topic, std::uint32_t from, std::uint32_t to);
  void leave(const Uuid& topic, std::uint32_t partitions);
  void tell(const ToldCommand& told);

  template <typename Command>
  void ask(Command command, std::function<void(bool done, bool maybe)> then);

  Scene& scene_;
  Brokers& brokers_;
  const std::int64_t between_ns_;
  const bool sends_brokers_away_;
  SimBroker* contact_;
  Topics topics_;
  std::uint32_t names_ = 0;
  bool is_waiting_ = false;
  bool stopped_ = false;
};

}  // namespace penstock::sim
