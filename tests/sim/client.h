// SimClient: produces batches one after the other, to whoever seems to lead, and keeps an honest
// record of what it was told.
//
// It numbers its batches, as producers do, a sequence in each group. One without a definite answer
// is sent again, unchanged, until it is acknowledged; or it is given up now and then, and the
// numbers begin anew in another epoch. Requests of both kinds may come late.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "tests/sim/invariants/invariant.h"
#include "tests/sim/node.h"

namespace penstock::sim {

class SimClient {
 public:
  SimClient(Scene& scene, std::int64_t id, std::vector<std::unique_ptr<Node>>& nodes);

  void start();
  void stop() { stopped_ = true; }
  // From now on every leader can be found: who is refused asks the next node, and misses nobody.
  void healed() { healed_ = true; }
  std::uint64_t acknowledged() const { return acknowledged_; }
  // When the last batch of a group that was acknowledged was sent for the first time; -1: none.
  std::int64_t last_acknowledged_ns(GroupNumber group) const;

 private:
  struct Batch {
    BatchName name;
    std::int32_t records = 0;
    Bytes bytes;
    std::int64_t begun_ns = 0;
    bool may_be_there = false;  // an attempt got no answer
  };
  // To one group.
  struct Sequence {
    std::int16_t epoch = 0;
    std::int32_t next = 0;
    std::optional<Batch> open;  // and not acknowledged yet
  };

  void send_next();
  void begin_batch(GroupNumber group, Sequence& sequence);
  void attempt(GroupNumber group);
  void told(GroupNumber group, const Result<Offset>& outcome);
  void not_acknowledged(GroupNumber group, const Error& error);
  void give_up(GroupNumber group, Sequence& sequence);
  std::size_t guess_after(std::size_t refused);

  Scene& scene_;
  const std::int64_t id_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  std::map<GroupNumber, std::size_t> leader_guess_;
  std::map<GroupNumber, std::int64_t> last_ns_;
  std::map<GroupNumber, Sequence> sequences_;
  std::uint64_t acknowledged_ = 0;
  bool stopped_ = false;
  bool healed_ = false;
};

}  // namespace penstock::sim
