// TopicAdmin: carries out changes of metadata, one at a time: decide, make durable, apply, place,
// reply.
//
// Placing means: the partitions' logs are opened or closed and every shard has the new image. A
// reply is given when all of it is done, so a client that was told of a topic can use it on any
// connection. Threads: the admin shard's. Failure: a topic that cannot be placed is deleted again
// and the error returned. Partitions that an alteration adds and that cannot be placed are damaged
// until the topic is altered again, be it to what it is. An error of the metadata log itself is
// fatal.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "broker/controller/cluster_state.h"
#include "broker/server/broker_context.h"
#include "broker/server/metadata_store.h"
#include "broker/server/topic_folders.h"

namespace penstock::broker {

// What one placement of a topic's partitions came to.
struct OpenedPartition {
  TopicPartition id;
  Result<Replica::Opened> replica;
};

class TopicAdmin {
 public:
  TopicAdmin(BrokerContext& broker, const DataDir& dir, std::unique_ptr<MetadataStore> metadata,
             VoteQueue& votes, asio::any_io_executor background,
             std::function<void(const Error&)> on_fatal, Rng rng);

  enum class Mode : std::uint8_t { kCarryOut, kValidateOnly };
  // The new topic's id; nil when only validated.
  Task<Result<Uuid>> create(CreateTopic command, Mode mode);
  Task<Result<Uuid>> remove(DeleteTopic command);
  Task<Result<Uuid>> alter(AlterTopic command);

  // --- before the shards run (blocking): opens what metadata says and hands it to the shards
  Status place_everything();
  // Removes what is left of deleted topics in the background. On the admin shard.
  void clean_up();
  // Blocking; after the shards have stopped.
  Status close() { return metadata_->close(); }

 private:
  class Turn;
  Task<Result<Turn>> take_turn();

  template <typename Command>
  Task<Result<Uuid>> commit(Command command);
  Task<Status> place(TopicPtr topic, std::uint32_t from_partition);
  Task<void> publish(ImagePtr image);
  Task<void> retire(TopicPtr topic);
  Task<void> remove_files(Uuid id, std::string name);
  std::vector<OpenedPartition> open_partitions(const TopicImage& topic,
                                               std::uint32_t from_partition);
  Status mark_placed();
  // What is led from now on is led in a newer term than whatever was led before this start.
  Term term_floor() const;
  void hand_over(Shard& shard, const TopicImage& topic, OpenedPartition opened);

  BrokerContext& broker_;
  std::unique_ptr<MetadataStore> metadata_;
  TopicFolders folders_;
  asio::any_io_executor background_;
  std::function<void(const Error&)> on_fatal_;
  Rng rng_;
  ImagePtr image_;
  bool start_failed_ = false;               // partitions could not be opened at the start
  std::map<Uuid, std::uint32_t> unplaced_;  // since then: none of the topic's from this one on
  bool busy_ = false;
  std::size_t waiting_ = 0;
  Wakeup free_;
};

}  // namespace penstock::broker
