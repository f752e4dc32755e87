// What a log of keyed records promises, held against every record that was ever appended.
#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/record/batch.h"
#include "storage/run.h"
#include "tests/storage/keyed_scene.h"

namespace penstock::storage {
namespace {

std::string text(Offset offset) { return std::to_string(offset.value()); }

void apply(KeyedState& state, const KeyedRecord& record) {
  if (!record.key) return;
  if (record.value) {
    state[*record.key] = *record.value;
  } else {
    state.erase(*record.key);
  }
}

KeyedState replay(const std::map<Offset, KeyedRecord>& records, Offset begin, Offset end) {
  KeyedState state;
  for (auto it = records.lower_bound(begin); it != records.end() && it->first < end; ++it) {
    apply(state, it->second);
  }
  return state;
}

}  // namespace

std::string KeyedScene::read_on() {
  if (reader_at_ < log->log_start()) {
    begin_reader();
    reader_at_ = log->log_start();
    if (!originals.contains(reader_at_)) return begin_reader(), "";
  }
  const Offset began_at = reader_at_;
  const auto read = log->read(reader_at_, 400, ReadUpTo::kDurable);
  if (!read) return "a reader at " + text(began_at) + ": " + read.error().to_string();
  for (ByteView rest = read->batches.view(); !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    if (!batch->is_control()) {
      for (const auto& [offset, record] : records_of(batch->bytes())) {
        if (offset >= reader_at_) apply(reader_state_, record);
      }
    }
    rest = rest.subspan(batch->size());
  }
  reader_at_ = read->next;
  if (reader_at_ < log->durable_end()) return {};
  // Whoever gets to the end within the delay has seen what became of everything it read.
  const bool in_time = clock.wall().ms() - reader_began_ms_ < kTombstoneDelayMs;
  KeyedState expected = replay(records, log->log_start(), reader_at_);
  const KeyedState got = reader_state_;
  // What it read before the log's start was raised it may know better.
  for (const auto& [key, value] : replay(records, Offset(0), reader_at_)) {
    if (!expected.contains(key) && got.contains(key) && got.at(key) == value) expected[key] = value;
  }
  begin_reader();
  if (in_time && got != expected) return "a reader that was fast enough ends in another state";
  return {};
}

bool KeyedScene::is_superseded(Offset offset, const std::string& key) const {
  for (auto it = records.upper_bound(offset); it != records.end() && it->first < known_end; ++it) {
    if (it->second.key == key) return true;
  }
  return false;
}

bool KeyedScene::may_be_gone(Offset offset, const KeyedRecord& record) const {
  if (!record.key) return false;
  if (is_superseded(offset, *record.key)) return true;
  if (record.value) return false;
  return std::ranges::any_of(passes, [&](const CompactionMark& pass) {
    return offset < pass.end && clock.wall().ms() - pass.completed.ms() >= kTombstoneDelayMs;
  });
}

std::string KeyedScene::check_batches(const Seen& seen) const {
  Offset at = log->log_start();
  for (const auto& [base, bytes] : seen.batches) {
    const auto batch = record::BatchView::parse(bytes);
    if (base > at || (base < at && at != log->log_start())) return "a gap at " + text(at);
    const auto first = originals.find(base);
    if (first == originals.end()) return "no batch began at " + text(base);
    if (batch->leader_epoch() != first->second.epoch) return "another term at " + text(base);
    Offset end = first->second.end;
    auto last = first;
    while (end < batch->end_offset()) {
      if (++last == originals.end()) return "a batch reaches beyond all at " + text(base);
      if (last->second.epoch != first->second.epoch) return "two terms became one at " + text(base);
      end = last->second.end;
    }
    if (end != batch->end_offset())
      return "no batch ended where the one at " + text(base) + " does";
    const bool must_be_same = first->second.is_control || base >= log->compaction().rewritten_end;
    if (must_be_same && bytes != first->second.batch) return "altered at " + text(base);
    at = batch->end_offset();
  }
  return at == log->log_end() ? "" : "the log ends at " + text(log->log_end());
}

std::string KeyedScene::check_missing(const Seen& seen) const {
  for (const auto& [offset, record] : seen.records) {
    const auto original = records.find(offset);
    if (original == records.end()) return "phantom at " + text(offset);
    if (original->second != record) return "altered at " + text(offset);
  }
  for (auto it = records.lower_bound(log->log_start());
       it != records.end() && it->first < log->log_end(); ++it) {
    if (seen.records.contains(it->first) || may_be_gone(it->first, it->second)) continue;
    return "missing at " + text(it->first) + ": " + it->second.key.value_or("~") + "=" +
           it->second.value.value_or("-");
  }
  for (const Offset needed : needed_) {
    const auto original = originals.find(needed);
    const auto found = std::ranges::find(seen.batches, needed, &std::pair<Offset, Bytes>::first);
    if (original == originals.end() || needed < log->log_start()) continue;
    if (needed >= log->log_end()) continue;
    if (found == seen.batches.end()) return "a producer's last batch has gone at " + text(needed);
    const auto mine = record::BatchView::parse(found->second);
    const auto theirs = record::BatchView::parse(original->second.batch);
    if (mine->producer_id() != theirs->producer_id() ||
        mine->base_sequence() != theirs->base_sequence() ||
        mine->end_offset() != theirs->end_offset()) {
      return "a producer's last batch has lost its numbers at " + text(needed);
    }
  }
  return {};
}

std::string KeyedScene::check_readers(const Seen& seen) {
  const Offset start = log->log_start();
  const Offset end = log->log_end();
  if (replay(seen.records, start, end) != replay(records, start, end)) {
    return "who reads from the start ends in another state";
  }
  const KeyedState truth = replay(records, Offset(0), end);
  for (int i = 0; i < 3; ++i) {
    const auto span = static_cast<std::uint64_t>(end - start);
    const Offset from = start + static_cast<std::int64_t>(span == 0 ? 0 : rng.below(span));
    KeyedState state = replay(records, Offset(0), from);
    for (auto it = seen.records.lower_bound(from); it != seen.records.end(); ++it) {
      apply(state, it->second);
    }
    for (const auto& [key, value] : state) {
      if (truth.contains(key) && truth.at(key) == value) continue;
      // Its tombstone may have gone, if its time was over; check_missing() has seen to that.
      auto last = std::prev(records.lower_bound(end));
      while (last->second.key != key) --last;
      if (!last->second.value && !seen.records.contains(last->first)) continue;
      return "who reads from " + text(from) + " has another " + key;
    }
    for (const auto& [key, value] : truth) {
      if (!state.contains(key)) return "who reads from " + text(from) + " lacks " + key;
    }
  }
  return {};
}

std::string KeyedScene::check_clean_part(const Seen& seen) const {
  std::set<std::string> keys;
  for (const auto& [offset, record] : seen.records) {
    if (offset >= log->compaction().clean_end) break;
    if (record.key && !keys.insert(*record.key).second) {
      return "below the clean end " + text(log->compaction().clean_end) + " the key " +
             *record.key + " is left twice";
    }
  }
  return {};
}

// Whoever copies the log goes on where one of his own batches ends, joined here or not.
std::string KeyedScene::check_copies() {
  for (auto it = originals.lower_bound(log->log_start()); it != originals.end(); ++it) {
    if (it->first >= log->log_end()) break;
    if (!rng.one_in(10)) continue;
    const auto read = log->read(it->first, 300, ReadUpTo::kEnd);
    if (!read) return "a copy at " + text(it->first) + ": " + read.error().to_string();
    const auto batch = record::BatchView::parse(read->batches.view());
    if (batch->base_offset() != it->first || batch->leader_epoch() != it->second.epoch ||
        !batch->verify_crc()) {
      return "nobody can go on copying at " + text(it->first);
    }
  }
  return {};
}

std::string KeyedScene::check_lookups(const Seen& seen) {
  const Timestamp at(clock.wall().ms() - static_cast<std::int64_t>(rng.below(3000)));
  std::optional<TimestampOffset> first;
  std::optional<TimestampOffset> largest;
  for (const auto& [offset, record] : seen.records) {
    if (offset < log->log_start() || offset >= log->durable_end()) continue;
    if (!first && record.timestamp >= at) first = TimestampOffset{record.timestamp, offset};
    if (!largest || record.timestamp > largest->timestamp) largest = {record.timestamp, offset};
  }
  const auto same = [](const auto& a, const auto& b) {
    return a.has_value() == b.has_value() &&
           (!a || (a->offset == b->offset && a->timestamp == b->timestamp));
  };
  const auto found = log->find_timestamp(at);
  if (!found) return "find_timestamp: " + found.error().to_string();
  if (!same(*found, first)) return "find_timestamp differs";
  const auto most = log->max_timestamp();
  if (!most) return "max_timestamp: " + most.error().to_string();
  if (!same(*most, largest)) return "max_timestamp differs";

  std::vector<TermStart> terms;
  std::uint64_t digest = 0;
  for (const auto& [base, bytes] : seen.batches) {
    const auto batch = record::BatchView::parse(bytes);
    if (base >= log->log_start()) digest += header_hash(*batch);
    if (!terms.empty() && terms.back().term == batch->leader_epoch()) continue;
    terms.push_back({batch->leader_epoch(), std::max(base, log->log_start())});
  }
  const auto told = log->terms();
  if (!told) return "terms: " + told.error().to_string();
  if (*told != terms) return "terms differ";
  const auto sum = log->digest(log->log_start(), log->log_end());
  if (!sum) return "digest: " + sum.error().to_string();
  return *sum == digest ? "" : "the digest differs";
}

std::string KeyedScene::check() {
  if (log->log_start() > may_start || log->log_start() < must_start) {
    return "starts at " + text(log->log_start());
  }
  if (log->durable_end() < acknowledged) {
    return "ends at " + text(log->durable_end()) + ", acknowledged up to " + text(acknowledged);
  }
  const auto seen = see();
  if (!seen) return "read: " + seen.error().to_string();
  if (std::string wrong = check_batches(*seen); !wrong.empty()) return wrong;
  if (std::string wrong = check_missing(*seen); !wrong.empty()) return wrong;
  // While what a pass knew of has not come again, nobody reads this copy.
  if (log->log_end() >= known_end) {
    if (std::string wrong = check_readers(*seen); !wrong.empty()) return wrong;
  }
  if (std::string wrong = check_clean_part(*seen); !wrong.empty()) return wrong;
  if (std::string wrong = check_copies(); !wrong.empty()) return wrong;
  return check_lookups(*seen);
}

}  // namespace penstock::storage
