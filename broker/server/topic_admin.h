// TopicAdmin: what the controller does with a client's command about topics.
//
// A reply is given when the change is durable on a majority and this broker has followed it:
// whoever was told of a topic can use it here on any connection. Threads: the admin shard's.
// Failure: a topic whose partitions cannot be opened here is deleted again and the error returned;
// partitions that an alteration adds stay damaged until the topic is altered again, be it to what
// it is. kNotLeader when this broker is not the controller.
#pragma once

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "broker/controller/cluster_state.h"
#include "broker/server/broker_context.h"

namespace penstock::broker {

class TopicAdmin {
 public:
  TopicAdmin(BrokerContext& broker, Rng rng) : broker_(broker), rng_(rng) {}

  struct Done {
    Uuid topic;       // nil when the command was only validated
    Offset known_at;  // the change stands before it in the metadata log
  };
  enum class Mode : std::uint8_t { kCarryOut, kValidateOnly };
  Task<Result<Done>> create(CreateTopic command, Mode mode);
  Task<Result<Done>> remove(DeleteTopic command);
  Task<Result<Done>> alter(AlterTopic command);

 private:
  // Carries the command out and waits until this broker follows it.
  template <typename Command>
  Task<Result<Done>> commit(Command command);

  BrokerContext& broker_;
  Rng rng_;
};

}  // namespace penstock::broker
