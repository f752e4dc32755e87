// What a leader knows of one other member, and what it may send to it next.
//
//   probe      where do our logs agree? one empty append at `next` per heartbeat, nothing else
//   replicate  they agree up to `match`; appends flow without waiting, bounded by a window
//   install    it needs what our log no longer holds; state is on its way
//
// Invariants: durable <= match; match <= next while replicating; at most one read of the own log
// is outstanding; a lowered `durable` (a member whose log was found damaged) never lowers what is
// committed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broker/raft/options.h"
#include "broker/raft/types.h"

namespace penstock::raft {

class Progress {
 public:
  enum class Mode : std::uint8_t { kProbe, kReplicate, kInstall };

  Progress(Offset next, std::int64_t now_ms) : next_(next), last_heard_ms_(now_ms) {}

  Mode mode() const { return mode_; }
  Offset durable() const { return durable_; }
  Offset match() const { return match_; }
  Offset next() const { return next_; }
  std::int64_t last_heard_ms() const { return last_heard_ms_; }
  std::uint64_t round_heard() const { return round_heard_; }
  std::uint64_t inflight_bytes() const { return inflight_bytes_; }
  bool is_idle() const { return inflight_.empty(); }

  void heard(std::uint64_t round, std::int64_t now_ms);
  // The member has everything below `end` on its disk. True when that is news.
  bool acknowledge(Offset end, std::int64_t now_ms);

  // --- modes
  void begin_probe(Offset next);
  // An empty append at `next` left as round `round`: only the answer to it tells about that point.
  void probe_sent(std::uint64_t round, Offset next) {
    probe_round_ = round;
    next_ = next;
  }
  bool answers_probe(std::uint64_t round) const { return round == probe_round_; }
  // Appends flow from `next` on; refusals of what was sent before round `round` are history.
  void begin_replicate(Offset next, std::uint64_t round);
  bool is_history(std::uint64_t round) const { return round < replicating_since_; }
  void begin_install(Offset start, std::int64_t retry_at_ms);
  void retry_install_at(std::int64_t when_ms) { install_retry_at_ms_ = when_ms; }
  std::int64_t install_retry_at_ms() const { return install_retry_at_ms_; }

  // --- reads of the own log, and the window
  bool has_window(const Options& options) const;
  std::uint64_t window_bytes(const Options& options) const;
  bool is_reading() const { return reading_; }
  bool is_read_paused() const { return read_paused_; }
  std::uint64_t begin_read(std::int64_t now_ms);  // its ticket
  bool answers_read(std::uint64_t ticket, Offset from) const;
  void pause_reads();  // nothing could be read: until the next heartbeat
  void resume_reads(const Options& options, std::int64_t now_ms);
  void sent(Offset end, std::uint64_t bytes, std::int64_t now_ms);
  // Something was sent, and its disk has not moved for longer than a member ever takes that heard
  // everything: an append may be lost.
  bool is_stalled(const Options& options, std::int64_t now_ms) const;

  // --- the commit point that the member was last told
  Offset commit_sent() const { return commit_sent_; }
  void commit_told(Offset commit) { commit_sent_ = commit; }

 private:
  struct Inflight {
    Offset end;
    std::uint64_t bytes;
  };

  void forget_inflight();

  Mode mode_ = Mode::kProbe;
  Offset durable_;
  Offset match_;
  Offset next_;
  Offset commit_sent_;
  std::vector<Inflight> inflight_;  // ascending ends
  std::uint64_t inflight_bytes_ = 0;
  std::int64_t moved_ms_ = 0;  // when durable moved, or the window filled from empty
  std::uint64_t probe_round_ = 0;
  std::uint64_t replicating_since_ = 0;
  std::int64_t install_retry_at_ms_ = 0;
  std::uint64_t ticket_ = 0;
  std::int64_t read_since_ms_ = 0;
  bool reading_ = false;
  bool read_paused_ = false;
  std::int64_t last_heard_ms_;
  std::uint64_t round_heard_ = 0;
};

}  // namespace penstock::raft
