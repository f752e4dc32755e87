#include "broker/raft/progress.h"

#include <algorithm>

#include "broker/raft/limits.h"

namespace penstock::raft {

void Progress::heard(std::uint64_t round, std::int64_t now_ms) {
  last_heard_ms_ = std::max(last_heard_ms_, now_ms);
  round_heard_ = std::max(round_heard_, round);
}

bool Progress::acknowledge(Offset end, std::int64_t now_ms) {
  if (end <= durable_) return false;
  durable_ = end;
  match_ = std::max(match_, end);
  const auto waiting =
      std::ranges::find_if(inflight_, [end](const Inflight& one) { return one.end > end; });
  for (auto done = inflight_.begin(); done != waiting; ++done) inflight_bytes_ -= done->bytes;
  inflight_.erase(inflight_.begin(), waiting);
  moved_ms_ = now_ms;
  if (next_ < end) {
    next_ = end;
    reading_ = false;
  }
  return true;
}

void Progress::forget_inflight() {
  inflight_.clear();
  inflight_bytes_ = 0;
  reading_ = false;
  read_paused_ = false;
}

void Progress::begin_probe(Offset next) {
  mode_ = Mode::kProbe;
  next_ = next;
  match_ = std::min(match_, next);
  durable_ = std::min(durable_, next);
  forget_inflight();
}

void Progress::begin_replicate(Offset next, std::uint64_t round) {
  mode_ = Mode::kReplicate;
  next_ = next;
  match_ = std::max(match_, next);
  replicating_since_ = round;
  forget_inflight();
}

void Progress::begin_install(Offset start, std::int64_t retry_at_ms) {
  mode_ = Mode::kInstall;
  next_ = start;
  install_retry_at_ms_ = retry_at_ms;
  forget_inflight();
}

bool Progress::has_window(const Options& options) const {
  return inflight_.size() < options.max_inflight_requests &&
         inflight_bytes_ < options.max_inflight_bytes;
}

std::uint64_t Progress::window_bytes(const Options& options) const {
  return std::min(options.max_request_bytes, options.max_inflight_bytes - inflight_bytes_);
}

std::uint64_t Progress::begin_read(std::int64_t now_ms) {
  reading_ = true;
  read_since_ms_ = now_ms;
  return ++ticket_;
}

bool Progress::answers_read(std::uint64_t ticket, Offset from) const {
  return mode_ == Mode::kReplicate && reading_ && ticket == ticket_ && from == next_;
}

void Progress::pause_reads() {
  reading_ = false;
  read_paused_ = true;
}

void Progress::resume_reads(const Options& options, std::int64_t now_ms) {
  read_paused_ = false;
  if (reading_ && now_ms - read_since_ms_ > kReadPatienceElections * options.election_timeout_ms) {
    reading_ = false;
  }
}

void Progress::sent(Offset end, std::uint64_t bytes, std::int64_t now_ms) {
  if (inflight_.empty()) moved_ms_ = now_ms;
  inflight_.push_back({end, bytes});
  inflight_bytes_ += bytes;
  next_ = end;
  reading_ = false;
}

bool Progress::is_stalled(const Options& options, std::int64_t now_ms) const {
  return !inflight_.empty() && now_ms - moved_ms_ >= 2 * options.heartbeat_ms;
}

}  // namespace penstock::raft
