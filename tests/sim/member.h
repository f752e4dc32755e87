// SimMember: a member of a consumer group: the client's core of one, around a loop that reads,
// commits and asks, as a process does; it crashes, sleeps and leaves at random.
//
// There are no records: it "processes" by moving its positions on. Tells the invariants what it was
// told. Threads: one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/member_core.h"
#include "tests/sim/group_home.h"

namespace penstock::sim {

class SimMember {
 public:
  SimMember(Scene& scene, std::string instance, const std::vector<std::unique_ptr<Node>>& nodes,
            const GroupHomes& homes);

  void start();
  void stop() { stopped_ = true; }
  // From now on nothing happens to it any more.
  void healed() { healed_ = true; }
  // Has what it shall have, and a commit of it that was asked since then succeeded.
  bool works(std::int64_t since_ns) const {
    return core_->is_settled() && (held_.empty() || committed_ns_ >= since_ns);
  }
  std::size_t holds() const { return held_.size(); }

 private:
  struct Held {
    std::int64_t begun_ns = 0;
    Offset position;
    Offset committed;
  };

  void new_process();
  void step();
  void meet_fate();
  void beat();
  void take(const Result<group::Assignment>& answer);
  void look_up(const client::GroupPartitions& partitions);
  void carry_out_changes();
  void commit();
  void committed(const std::vector<CommitSeen>& seen);
  bool is_asleep() const { return sleeps_until_ns_ > scene_.world.now_ns(); }
  bool is_lost();  // the next message
  void failed(const Error& error);
  template <typename Command, typename Done>
  void ask(Command command, Done done);
  client::Instant now() const;

  Scene& scene_;
  const std::string instance_;
  const std::vector<std::unique_ptr<Node>>& nodes_;
  const GroupHomes& homes_;
  std::size_t guess_ = 0;
  std::uint64_t process_ = 0;  // counts them
  std::optional<client::MemberCore> core_;
  std::map<TopicPartition, Held> held_;
  std::map<TopicPartition, Offset> starts_;  // of what is prepared
  bool is_committing_ = false;
  std::int64_t sleeps_until_ns_ = 0;
  std::int64_t committed_ns_ = -1;
  bool stopped_ = false;
  bool healed_ = false;
};

// What every member reads.
group::TopicViewPtr sim_topics();
std::size_t sim_partitions();

}  // namespace penstock::sim
