// SimReader: asks whoever believes to lead for the end of a log, and reads old records again from
// any replica, as consumers do.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tests/sim/node.h"

namespace penstock::sim {

class SimReader {
 public:
  SimReader(Scene& scene, std::vector<std::unique_ptr<Node>>& nodes)
      : scene_(scene), nodes_(nodes) {}

  void start();
  void stop() { stopped_ = true; }

 private:
  void ask_next();
  void reread_next();
  // None: there is no group yet.
  std::optional<GroupNumber> any_group();

  Scene& scene_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  std::uint64_t context_ = 0;
  bool stopped_ = false;
};

}  // namespace penstock::sim
