#include "tests/sim/copies.h"

#include <algorithm>
#include <string>

#include "tests/sim/probes.h"

namespace penstock::sim {
namespace {

constexpr const char* kPlacedFile = "/data/placed";
constexpr std::size_t kMaxPlacedBytes = 64;

}  // namespace

bool Copies::load() {
  const auto folders = node_.disk().list("/data");
  if (!folders) {
    node_.die("folders: " + folders.error().to_string());
    return false;
  }
  for (const FileInfo& folder : *folders) {
    for (GroupNumber group = 1; group < scene_.groups.count(); ++group) {
      if ("/data/" + folder.name == Node::folder(group)) on_disk_.insert(group);
    }
  }
  const auto file = node_.disk().read_file(kPlacedFile, kMaxPlacedBytes);
  if (!file && file.error().code() == Errc::kNotFound) return true;
  if (!file) {
    node_.die("placed: " + file.error().to_string());
    return false;
  }
  placed_ = Offset(std::stoll(std::string(as_text(*file))));
  return true;
}

// False, with the node alive: the disk is full; again later.
bool Copies::mark_placed(Offset applied) {
  if (applied <= placed_) return true;
  const Status marked =
      node_.disk().replace_file(kPlacedFile, as_bytes(std::to_string(applied.value())));
  if (marked) placed_ = applied;
  if (!marked && marked.error().code() != Errc::kDiskFull) {
    node_.die("placed: " + marked.error().to_string());
  }
  return marked.has_value();
}

bool Copies::follow(const broker::ClusterImage& image) {
  // What older metadata wants may have been undone since: nothing is made because of it.
  const bool is_up_to_date = image.applied() >= placed_;
  bool all_are_there = true;
  for (const auto& [name, topic] : image.topics()) {
    for (std::uint32_t p = 0; p < topic->partitions; ++p) {
      const TopicPartition id{topic->id, PartitionId(static_cast<std::int32_t>(p))};
      const GroupNumber group = scene_.groups.number_of(id);
      const broker::PartitionImage& placed = *topic->placement[p];
      if (placed.has(node_.id())) placed_at_[group] = placed.placed_at;
      // The group may count on a copy that is to go.
      const bool is_wanted =
          on_disk_.contains(group) ||
          (is_up_to_date && topic->is_wanted_at(id.partition, node_.id(), placed_));
      if (!is_wanted || node_.replica(group) != nullptr) continue;
      all_are_there &= open(*topic, id);
      if (!node_.is_up()) return false;
    }
  }
  if (is_marking_due_ && all_are_there) is_marking_due_ = !mark_placed(image.applied());
  return node_.is_up();
}

// False, with the node alive: the disk is full; again later.
bool Copies::open(const broker::TopicImage& topic, const TopicPartition& id) {
  const GroupNumber group = scene_.groups.number_of(id);
  const auto founders = topic.first_voters(id.partition, node_.id(), placed_);
  if (!node_.open(group, {.voters = founders, .outgoing = {}, .learners = {}})) {
    // What a full disk left of it goes with its topic.
    if (node_.is_up() && node_.disk().exists(Node::folder(group)).value_or(false)) {
      on_disk_.insert(group);
    }
    return false;
  }
  if (founders.empty() && !on_disk_.contains(group)) probe(Probe::kJoinedLater);
  is_marking_due_ |= on_disk_.insert(group).second;
  node_.pump(group);
  return node_.is_up();
}

// --- giving up

void Copies::hear(const GroupReport& report) {
  GroupReport& known = reports_[report.group];
  const bool is_older =
      report.term < known.term || (report.term == known.term && report.number < known.number);
  if (!is_older) known = report;
}

broker::ReportedMemberships Copies::reported() const {
  broker::ReportedMemberships reported;
  for (const auto& [group, report] : reports_) {
    if (report.membership) reported.emplace(scene_.groups.name_of(group), *report.membership);
  }
  return reported;
}

broker::Retirement Copies::judge(const broker::ClusterImage& image, GroupNumber group) const {
  const auto report = reports_.find(group);
  const auto placed_at = placed_at_.find(group);
  const broker::Replica* const copy = node_.replica(group);
  return broker::retirement_of(
      {.id = scene_.groups.name_of(group),
       .broker = node_.id(),
       .placed_at = placed_at == placed_at_.end() ? Offset(0) : placed_at->second,
       .placed_before = placed_,
       .log_end = copy == nullptr ? broker::kNoOffset : copy->log_end()},
      image, report == reports_.end() ? std::nullopt : report->second.membership);
}

bool Copies::retire(const broker::ClusterImage& image) {
  const std::set<GroupNumber> candidates = on_disk_;
  for (const GroupNumber group : candidates) {
    const broker::Retirement verdict = judge(image, group);
    if (verdict.fate == broker::Fate::kKeep) continue;
    probe(Probe::kCopyRetired);
    // Or older metadata would make it anew after the next start.
    if (!mark_placed(image.applied())) return node_.is_up();
    if (!node_.can_trash()) return true;  // again later
    const bool is_placed = image.find(scene_.groups.name_of(group).topic) != nullptr;
    if (!node_.trash(group, is_placed ? Gone::kPlacedElsewhere : Gone::kTopicDeleted)) return false;
    on_disk_.erase(group);
    placed_at_.erase(group);
  }
  return true;
}

bool Copies::holds_nothing_of(const Uuid& topic) const {
  return std::ranges::none_of(
      on_disk_, [&](GroupNumber group) { return scene_.groups.name_of(group).topic == topic; });
}

}  // namespace penstock::sim
