// GroupCoordinator: the groups of one partition of the topic __consumer_offsets on this broker.
//
// Every replica of the partition applies its records; the one whose broker leads the partition
// coordinates: it decides commands, keeps the sessions of members, removes the dead, and follows
// changes of topics. Invariants: a member is declared dead by a decision that looks at its session
// once more: heartbeats that waited for the disk have counted by then. A new leader gives everybody
// a fresh session.
// Threads: open() blocks, on any; everything else on the partition's shard. Lifetime: the partition
// keeps it (as its follower); stop() before the partition is closed or retired. Failure: commands
// as StateHost.submit() and GroupState.handle() say; kNotLeader where another broker coordinates. A
// log that cannot be applied takes its groups out of service, and is logged: the others go on.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/result.h"
#include "base/task.h"
#include "broker/controller/cluster_image.h"
#include "broker/group/explain.h"
#include "broker/group/group_sessions.h"
#include "broker/group/group_state.h"
#include "broker/host/state_host.h"
#include "broker/partition/partition.h"
#include "broker/server/image_topics.h"

namespace penstock::broker {

// One group as its coordinator sees it.
struct GroupView {
  group::Group group;
  group::GroupSessions::OfGroup sessions;
  std::vector<group::Reason> reasons;  // when asked for
  std::int64_t now_ms = 0;             // of the clock of the sessions
};

struct GroupSummary {
  std::string name;
  std::size_t members = 0;
  std::size_t away = 0;
  std::size_t positions = 0;
  bool is_moving = false;
};

class GroupCoordinator : public std::enable_shared_from_this<GroupCoordinator> {
 public:
  using Machine = StateOf<group::GroupState, &group::decode_group_record>;

  // The newest snapshot in `dir` and what is committed behind it. Blocking.
  static Result<std::shared_ptr<GroupCoordinator>> open(Env& env, const Clock& clock,
                                                        std::string dir, TopicPartition id,
                                                        Replica& replica);
  // Before the partition is started. `wake`: tick() has work again.
  void attach(const std::shared_ptr<Partition>& partition, const PartitionServices& services,
              std::function<void()> wake);
  void set_image(ImagePtr image);
  // Answers all who wait; later commands are refused with kShuttingDown.
  void stop();

  // --- commands; `topics` and `now` are filled in here
  Task<Result<group::Assignment>> heartbeat(group::JoinOrHeartbeat command,
                                            std::int64_t since_poll_ms);
  Task<Result<group::Epoch>> leave(group::Leave command);
  Task<Result<group::Committed>> commit(group::CommitOffsets command);
  Task<Result<std::vector<group::FetchedPosition>>> fetch(group::FetchOffsets command);
  Task<Result<std::vector<group::ResetPosition>>> reset(group::ResetOffsets command);
  Task<Status> remove(group::DeleteGroup command);

  // --- views; this broker led when they were true
  using LogEnds = std::map<TopicPartition, Offset>;
  Task<Result<GroupView>> describe(std::string name, std::optional<LogEnds> explain_with);
  Task<Result<std::vector<GroupSummary>>> list();

  bool coordinates() const { return leads_in_.has_value(); }
  // Removes who is dead, takes in changes of topics. True: there may be more to do later on.
  bool tick();

 private:
  GroupCoordinator(const Clock& clock, TopicPartition id) : clock_(clock), id_(id) {}

  bool follow(const ReplicaOutput& output);
  void notice_role();
  void make_snapshot();
  std::int64_t now_ms() const { return clock_.steady_ns() / 1'000'000; }
  void drive() const;
  void wake();

  template <typename Command>
  auto carry_out(Command command)
      -> Task<Result<decltype(std::declval<const group::GroupState&>().handle(command)->answer)>>;
  Task<Status> confirm();
  // A command of the group was carried out: it may have changed.
  void changed(const std::string& group);

  void remove_the_dead();
  void follow_topics();
  void take_in_topics(const std::string& group);
  group::TopicsChanged topics_changed(const std::string& name);

  const Clock& clock_;
  const TopicPartition id_;
  Machine machine_;
  std::unique_ptr<StateSnapshots> snapshots_;
  std::unique_ptr<StateHost> host_;
  std::weak_ptr<Partition> partition_;
  const PartitionServices* services_ = nullptr;
  std::function<void()> wake_;

  ImagePtr image_ = std::make_shared<const ClusterImage>();
  group::TopicViewPtr topics_ = std::make_shared<const ImageTopics>(image_);
  PatternMatches patterns_;
  std::set<Uuid> gone_topics_;  // seen, and deleted since

  group::GroupSessions sessions_;
  Offset followed_;  // sessions are those of the state there: what was applied was answered since
  std::optional<Term> leads_in_;
  std::set<std::string> expiring_;  // a decision about their dead is under way
  std::set<std::string> moving_;    // one about their topics is
  bool topics_are_new_ = false;
  bool idle_ = true;
  bool stopped_ = false;
  bool told_fatal_ = false;
};

}  // namespace penstock::broker
