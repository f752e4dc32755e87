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

std::optional<GroupNumber> SimReader::any_group() {
  const std::vector<GroupNumber>& groups = scene_.groups.in_use();
  if (groups.empty()) return std::nullopt;
  return groups[scene_.world.rng().below(groups.size())];
}

// Everybody is asked: there may be two who believe that they lead.
void SimReader::ask_next() {
  scene_.world.after(scene_.world.around(kBetweenQuestions), [this] {
    if (stopped_) return;
    const auto group = any_group();
    if (!group) return ask_next();
    for (auto& node : nodes_) {
      const std::uint64_t context = ++context_;
      for (auto& invariant : scene_.invariants) invariant->read_asked(*group, context);
      node->read_index(*group, context);
    }
    ask_next();
  });
}

void SimReader::reread_next() {
  scene_.world.after(scene_.world.around(kBetweenReads), [this] {
    if (stopped_) return;
    Node& node = *nodes_[scene_.world.rng().below(nodes_.size())];
    if (const auto group = any_group()) node.reread(*group, scene_.world.rng());
    reread_next();
  });
}

}  // namespace penstock::sim
