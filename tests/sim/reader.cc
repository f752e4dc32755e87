#include "tests/sim/reader.h"

namespace penstock::sim {
namespace {

constexpr std::int64_t kBetweenQuestions = 200 * kMs;
constexpr std::int64_t kBetweenReads = 500 * kMs;

}  // namespace

void SimReader::start() {
  ask_next();
  reread_next();
}

GroupNumber SimReader::any_group() {
  return static_cast<GroupNumber>(scene_.world.rng().below(static_cast<std::uint64_t>(groups_)));
}

// Everybody is asked: there may be two who believe that they lead.
void SimReader::ask_next() {
  scene_.world.after(scene_.world.around(kBetweenQuestions), [this] {
    if (stopped_) return;
    const GroupNumber group = any_group();
    for (auto& node : nodes_) {
      const std::uint64_t context = ++context_;
      for (auto& invariant : scene_.invariants) invariant->read_asked(group, context);
      node->read_index(group, context);
    }
    ask_next();
  });
}

void SimReader::reread_next() {
  scene_.world.after(scene_.world.around(kBetweenReads), [this] {
    if (stopped_) return;
    nodes_[scene_.world.rng().below(nodes_.size())]->reread(any_group(), scene_.world.rng());
    reread_next();
  });
}

}  // namespace penstock::sim
