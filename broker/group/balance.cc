#include "broker/group/balance.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace penstock::group {
namespace {

// An assignment in the making: members and topics by their index.
//
// First everybody keeps what they had, then what is nobody's is given to who has least, then
// partitions are passed on along the shortest way from who has most to somebody with two less,
// until there is no such way. A way of one step passes one partition; a longer one lets each member
// on it give one and get one. Every step makes the sum of squares of loads smaller, so it ends.
class Balance {
 public:
  Balance(const AssignmentTask& task, Racks racks) : task_(task), racks_(racks) {
    held_.resize(task.members.size());
    load_.resize(task.members.size());
    fresh_.resize(task.members.size());
    subscribers_.resize(task.topics.size());
    owned_.resize(task.topics.size());
    for (std::size_t t = 0; t < task.topics.size(); ++t) {
      owned_[t].resize(task.topics[t].partitions);
    }
    for (std::size_t m = 0; m < task.members.size(); ++m) {
      for (const std::size_t topic : task.members[m].topics) subscribers_[topic].push_back(m);
    }
  }

  Shares run() {
    keep();
    if (racks_ == Racks::kPreferred) place_near();
    place();
    while (level()) {
    }
    Shares shares;
    for (std::size_t m = 0; m < held_.size(); ++m) {
      PartitionSet share;
      for (const auto& [topic, slots] : held_[m]) {
        for (const Slot& slot : slots) share.push_back({task_.topics[topic].id, number(slot)});
      }
      shares[task_.members[m].id] = partition_set(std::move(share));
    }
    return shares;
  }

 private:
  struct Slot {
    std::size_t partition;
    bool kept;  // was this member's before
  };
  struct Step {  // of a way: who gets a partition of which topic from whom
    std::size_t from;
    std::size_t topic;
  };

  static PartitionId number(const Slot& slot) {
    return PartitionId(static_cast<std::int32_t>(slot.partition));
  }

  bool is_near(std::size_t member, std::size_t topic, std::size_t partition) const {
    const auto& racks = task_.topics[topic].racks;
    const std::string& rack = task_.members[member].rack;
    return racks_ == Racks::kPreferred && !rack.empty() && partition < racks.size() &&
           std::ranges::count(racks[partition], rack) > 0;
  }

  void give(std::size_t member, std::size_t topic, Slot slot) {
    held_[member][topic].push_back(slot);
    owned_[topic][slot.partition] = true;
    ++load_[member];
    if (!slot.kept) ++fresh_[member];
  }

  void keep() {
    for (std::size_t m = 0; m < task_.members.size(); ++m) {
      const auto before = task_.previous.find(task_.members[m].id);
      if (before == task_.previous.end()) continue;
      for (const std::size_t topic : task_.members[m].topics) {
        const Uuid& id = task_.topics[topic].id;
        for (auto one = std::ranges::lower_bound(before->second, TopicPartition{id, {}});
             one != before->second.end() && one->topic == id; ++one) {
          const auto partition = static_cast<std::size_t>(one->partition.value());
          if (partition < owned_[topic].size() && !owned_[topic][partition]) {
            give(m, topic, {partition, true});
          }
        }
      }
    }
  }

  std::size_t held_of(std::size_t member, std::size_t topic) const {
    const auto found = held_[member].find(topic);
    return found == held_[member].end() ? 0 : found->second.size();
  }

  // Who has least, and least of the topic, of those for whom `may` holds.
  template <typename May>
  std::optional<std::size_t> least(std::size_t topic, May may) const {
    std::optional<std::size_t> best;
    for (const std::size_t m : subscribers_[topic]) {
      if (!may(m)) continue;
      if (!best || std::tuple(load_[m], held_of(m, topic)) <
                       std::tuple(load_[*best], held_of(*best, topic))) {
        best = m;
      }
    }
    return best;
  }

  void place() {
    for (std::size_t t = 0; t < owned_.size(); ++t) {
      for (std::size_t p = 0; p < owned_[t].size(); ++p) {
        if (owned_[t][p]) continue;
        const auto member = least(t, [](std::size_t) { return true; });
        if (member) give(*member, t, {p, false});
      }
    }
  }

  // Gives what is nobody's to members that are near, up to an even load; first what few are near.
  void place_near() {
    struct Choice {
      std::size_t near;
      std::size_t topic;
      std::size_t partition;
    };
    std::vector<Choice> choices;
    std::size_t total = 0;
    for (std::size_t t = 0; t < owned_.size(); ++t) {
      if (!subscribers_[t].empty()) total += owned_[t].size();
      for (std::size_t p = 0; p < owned_[t].size(); ++p) {
        if (owned_[t][p]) continue;
        const auto near = static_cast<std::size_t>(std::ranges::count_if(
            subscribers_[t], [&](std::size_t m) { return is_near(m, t, p); }));
        if (near > 0) choices.push_back({near, t, p});
      }
    }
    std::ranges::sort(choices, {}, [](const Choice& one) {
      return std::tuple(one.near, one.topic, one.partition);
    });
    const std::size_t even = (total + load_.size() - 1) / std::max<std::size_t>(load_.size(), 1);
    for (const auto& [near, t, p] : choices) {
      const auto member = least(
          t, [&, t = t, p = p](std::size_t m) { return load_[m] < even && is_near(m, t, p); });
      if (member) give(*member, t, {p, false});
    }
  }

  // Passes partitions on until nobody has a way to; false when nobody had one at once.
  bool level() {
    bool any = false;
    std::vector<bool> settled(load_.size());
    while (true) {
      std::optional<std::size_t> most;
      for (std::size_t m = 0; m < load_.size(); ++m) {
        if (settled[m] || load_[m] < 2) continue;
        // Of two that have as much, who gives away what was not his before.
        if (!most ||
            std::tuple(load_[m], fresh_[m] > 0) > std::tuple(load_[*most], fresh_[*most] > 0)) {
          most = m;
        }
      }
      if (!most) return any;
      if (pass_on(*most)) {
        any = true;
      } else {
        settled[*most] = true;
      }
    }
  }

  bool pass_on(std::size_t from) {
    if (load_[from] < *std::ranges::min_element(load_) + 2) return false;
    std::vector<std::optional<Step>> way(load_.size());
    std::vector<bool> seen_topic(owned_.size());
    std::vector<std::size_t> frontier{from};
    while (!frontier.empty()) {
      std::vector<std::size_t> next;
      std::optional<std::size_t> end;
      for (const std::size_t m : frontier) {
        for (const auto& [topic, slots] : held_[m]) {
          if (slots.empty() || seen_topic[topic]) continue;
          seen_topic[topic] = true;
          for (const std::size_t reader : subscribers_[topic]) {
            if (reader == from || way[reader]) continue;
            way[reader] = Step{m, topic};
            next.push_back(reader);
            if (load_[reader] + 2 <= load_[from] && (!end || load_[reader] < load_[*end])) {
              end = reader;
            }
          }
        }
      }
      if (end) {
        walk(from, *end, way);
        return true;
      }
      frontier = std::move(next);
    }
    return false;
  }

  void walk(std::size_t from, std::size_t to, const std::vector<std::optional<Step>>& way) {
    while (to != from) {
      const Step& step = *way[to];
      pass(step.from, to, step.topic);
      to = step.from;
    }
  }

  // One partition of the topic: rather one that was not his before, and where it is nearer.
  void pass(std::size_t from, std::size_t to, std::size_t topic) {
    std::vector<Slot>& slots = held_[from][topic];
    const auto best = std::ranges::max_element(slots, {}, [&](const Slot& slot) {
      const int gain = static_cast<int>(is_near(to, topic, slot.partition)) -
                       static_cast<int>(is_near(from, topic, slot.partition));
      return std::tuple(!slot.kept, gain, slot.partition);
    });
    const Slot passed = *best;
    slots.erase(best);
    --load_[from];
    if (!passed.kept) --fresh_[from];
    give(to, topic, {passed.partition, was_of(to, topic, passed.partition)});
  }

  bool was_of(std::size_t member, std::size_t topic, std::size_t partition) const {
    const auto before = task_.previous.find(task_.members[member].id);
    return before != task_.previous.end() &&
           contains(before->second, {task_.topics[topic].id, number({partition, false})});
  }

  const AssignmentTask& task_;
  const Racks racks_;
  std::vector<std::map<std::size_t, std::vector<Slot>>> held_;  // by member, by topic
  std::vector<std::size_t> load_;                               // by member
  std::vector<std::size_t> fresh_;                              // of it, not theirs before
  std::vector<std::vector<std::size_t>> subscribers_;           // by topic
  std::vector<std::vector<bool>> owned_;                        // by topic and partition
};

}  // namespace

Shares balance(const AssignmentTask& task, Racks racks) {
  if (task.members.empty()) return {};
  return Balance(task, racks).run();
}

}  // namespace penstock::group
