// What a compaction by key may leave of a log of group records.
#pragma once

#include <map>
#include <vector>

#include "base/random.h"
#include "broker/group/group_record.h"

namespace penstock::group {

// Drops superseded records at random: all of them, none, or some; and tombstones that are the last
// of their key when nothing of the key is left before them.
inline std::vector<GroupRecord> compacted(const std::vector<GroupRecord>& log, Rng& rng) {
  std::map<Bytes, std::size_t> last;
  for (std::size_t i = 0; i < log.size(); ++i) last[encode(log[i]).key] = i;
  const std::uint64_t one_stays_in = 1 + rng.below(4);
  const bool tombstones_go = rng.one_in(2);
  std::vector<GroupRecord> left;
  std::map<Bytes, std::size_t> left_of;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const KeyedBytes bytes = encode(log[i]);
    const bool is_last = last[bytes.key] == i;
    if (!is_last && !rng.one_in(one_stays_in)) continue;
    if (is_last && !bytes.value && tombstones_go && left_of[bytes.key] == 0) continue;
    ++left_of[bytes.key];
    left.push_back(log[i]);
  }
  return left;
}

}  // namespace penstock::group
