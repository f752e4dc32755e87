// GroupConsumer: a member of a consumer group: reads its share of the topics' partitions, which
// changes as members come and go, and commits how far it came.
//
//   GroupConfig config{.group = "billing", .topics = {"orders"}};
//   auto consumer = GroupConsumer::open(*client, config);
//   while (running) {
//     auto chunks = (*consumer)->poll(milliseconds(500));
//     for (Chunk& chunk : *chunks)
//       while (auto record = chunk.next()) { if (!*record) break; use(**record); }
//     (*consumer)->commit();
//   }
//   (*consumer)->close();
//
// Guarantees: a partition is read by one member of the group at a time, from the group's position
// on (or GroupConfig::start, while there is none). One that goes to another member does so between
// two calls of poll(), after the `revoked` callback, in which its last position may be committed;
// partitions that stay are read on. A commit is carried out as a whole or not at all, and only when
// the member still has the partitions: who was taken for dead gets kUnknownMember, and can spoil
// nothing. So what was committed is processed, and is not processed again by others; what was not
// committed is processed again by whoever gets the partition. docs/client.md, "Groups".
// Threads: one thread at a time, but for wake(); callbacks and interceptors run within poll() and
// close(), on their caller.
// Heartbeats go on by themselves on the client's thread, so long processing is no death as long as
// poll() is called again within max_poll_interval. Failure: poll() returns errors of partitions as
// Consumer does; one of the group that does not pass (kInvalidArgument and the like) each time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/consumer.h"

namespace penstock::client {

struct GroupPartition {
  std::string topic;
  PartitionId partition;
  friend auto operator<=>(const GroupPartition&, const GroupPartition&) = default;
};

enum class GroupAssignor : std::uint8_t {
  kUnchanged,  // what the group has; balanced-sticky when it begins
  kBalancedSticky,
  kRange,
  kRackAware,
};

struct GroupCallbacks {
  using Handler = std::function<void(const std::vector<GroupPartition>&)>;
  Handler assigned = {};  // are read from now on
  Handler revoked = {};   // go to others; their positions may be committed a last time
  Handler lost = {};      // went to others already: the member was taken for dead
};

struct GroupConfig {
  std::string group;
  // Either these topics, or those whose whole names match the pattern, now and later.
  std::vector<std::string> topics{};
  std::string pattern{};
  // A name that is the same after a restart: then the share waits for the member until its session
  // ends, and nothing moves. Empty: none.
  std::string instance{};
  std::string rack{};
  GroupAssignor assignor = GroupAssignor::kUnchanged;
  // Where to begin when the group has no position yet.
  StartAt start = StartAt::beginning();
  // Without a heartbeat for that long, the member is dead. 1 s to 30 min.
  milliseconds session_timeout{15'000};
  // Without poll() for that long, its partitions go to others. 0: no limit.
  milliseconds max_poll_interval{300'000};
  ConsumerConfig consumer{};
  GroupCallbacks callbacks{};
};

// A position to be committed.
struct GroupCommit {
  GroupPartition partition;
  Offset offset;          // of the next record to process
  std::string text = {};  // the application's own, at most 1 KiB
};

struct GroupStats {
  bool is_member = false;
  bool is_settled = false;  // has everything that it shall have
  std::uint64_t heartbeats = 0;
  std::uint64_t commits = 0;
  std::uint64_t times_lost = 0;          // it was taken for dead
  std::optional<Error> last_error = {};  // of the way to the coordinator; cleared by a success
  ConsumerStats consumer{};
};

class GroupConsumer {
 public:
  // The group is joined in the background; the first partitions come with some later poll().
  static Result<std::unique_ptr<GroupConsumer>> open(Client& client, GroupConfig config);
  ~GroupConsumer();  // close(), without callbacks

  // What has arrived of the member's partitions; waits up to `wait` for the first chunk.
  Result<std::vector<Chunk>> poll(milliseconds wait);
  // A poll() that waits returns with what there is, or else the next one does. From any thread.
  void wake();

  // Returned means durable. Everything that poll() has returned so far is processed:
  Status commit();
  // ... or as far as it says (at most 2,000 positions at once). kUnknownMember: taken for dead;
  // kNotOwner: a partition went to another member; nothing of the commit was taken. kTimeout,
  // kConnectionLost: an attempt may have been carried out, whatever a later one was told.
  Status commit(const std::vector<GroupCommit>& positions);
  // The group's positions of the partitions that this member reads.
  Result<std::vector<GroupCommit>> committed();

  std::vector<GroupPartition> assignment() const;
  Result<Offset> position(const std::string& topic, PartitionId partition) const;
  Status seek(const std::string& topic, PartitionId partition, StartAt to);
  // Until the partition goes to another member.
  Status pause(const std::string& topic, PartitionId partition);
  Status resume(const std::string& topic, PartitionId partition);

  GroupStats stats() const;
  // Lets go of everything, after the callback `revoked`, and leaves; a static member's share waits
  // for its return.
  Status close();

  class Core;

 private:
  explicit GroupConsumer(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace penstock::client
