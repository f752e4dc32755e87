// KeyedReplicas: keyed records for the replicas of a compacted log, and what readers of any of them
// must end up with.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "tests/broker/host/cluster.h"
#include "tests/storage/keyed_batches.h"

namespace penstock::broker {

class KeyedReplicas {
 public:
  explicit KeyedReplicas(Cluster& cluster) : cluster_(cluster) {
    cluster_.has_state = false;
    cluster_.on_committed = [this](ByteView batch) {
      for (const auto& [offset, record] : records_of(batch)) {
        if (record.key) last_[*record.key] = {offset, record.value};
      }
    };
  }

  // The last of each key, as far as it was ever committed.
  struct Written {
    Offset offset;
    std::optional<std::string> value;
  };
  const std::map<std::string, Written>& last() const { return last_; }

  // Every key as the member's readers find it last, tombstones included.
  static std::map<std::string, Written> read(Member& member) {
    std::map<std::string, Written> found;
    const Offset end = member->committed();
    for (Offset at = member->log_start(); at < end;) {
      const auto read = member->read(at, 1U << 20, end, /*cached_only=*/false);
      if (!read) break;
      for (ByteView rest = read->batches.view(); !rest.empty();) {
        const auto batch = record::BatchView::parse(rest);
        for (const auto& [offset, record] : records_of(rest.first(batch->size()))) {
          if (record.key) found[*record.key] = {offset, record.value};
        }
        rest = rest.subspan(batch->size());
      }
      at = read->next;
    }
    return found;
  }

  // What is wrong for a reader of all of the member's log; since offsets stay, also for one that
  // begins anywhere. Precondition: it has all that was committed.
  std::string wrong_at(Member& member) const {
    const auto found = read(member);
    const std::string who = raft::to_string(member.id) + ": ";
    for (const auto& [key, seen] : found) {
      const auto known = last_.find(key);
      if (known == last_.end()) return who + "a key that nobody wrote: " + key;
      if (known->second.offset == seen.offset && known->second.value == seen.value) continue;
      if (!known->second.value) return who + "deleted, and it came back: " + key;
      return who + "an older value: " + key + " of " + std::to_string(seen.offset.value());
    }
    for (const auto& [key, written] : last_) {
      const bool must_be_there = written.value && written.offset >= member->log_start();
      if (must_be_there && !found.contains(key)) return who + "lost: " + key;
    }
    return "";
  }

 private:
  static std::vector<storage::PlacedRecord> records_of(ByteView batch) {
    const auto view = record::BatchView::parse(batch);
    if (!view || view->is_control()) return {};
    return storage::records_of(batch);
  }

  Cluster& cluster_;
  std::map<std::string, Written> last_;
};

}  // namespace penstock::broker
