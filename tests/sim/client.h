// SimClient: produces batches one after the other, to whoever seems to lead, and keeps an honest
// record of what it was told.
#pragma once

#include <functional>
#include <map>
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
  // Time of the last acknowledgement in a group; -1: none.
  std::int64_t last_acknowledged_ns(GroupNumber group) const;

 private:
  void send_next();
  void attempt(GroupNumber group, BatchName name);
  void told(GroupNumber group, BatchName name, const Result<Offset>& outcome);
  std::size_t guess_after(std::size_t refused);

  Scene& scene_;
  const std::int64_t id_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  std::map<GroupNumber, std::size_t> leader_guess_;
  std::map<GroupNumber, std::int64_t> last_ns_;
  std::int32_t number_ = 0;
  std::uint64_t acknowledged_ = 0;
  bool stopped_ = false;
  bool healed_ = false;
};

}  // namespace penstock::sim
