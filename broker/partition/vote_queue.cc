#include "broker/partition/vote_queue.h"

#include <future>

#include "base/assert.h"
#include "base/log.h"
#include "broker/partition/limits.h"

namespace penstock::broker {

VoteQueue::VoteQueue(asio::any_io_executor pool, std::function<void(const Error&)> on_fatal)
    : strand_(std::move(pool)), on_fatal_(std::move(on_fatal)), retry_(strand_) {}

Status VoteQueue::open(Env& env, const std::string& dir, Uuid owner) {
  PENSTOCK_TRY_ASSIGN(store_, VoteStore::open(env, dir, owner));
  return {};
}

void VoteQueue::save(Vote vote, asio::any_io_executor home, Saved saved) {
  asio::post(strand_, [this, vote, home = std::move(home), saved = std::move(saved)]() mutable {
    if (const Status queued = put(vote); !queued) return on_fatal_(queued.error());
    waiting_.push_back({std::move(home), std::move(saved)});
    ask_for_flush();
  });
}

void VoteQueue::forget(const TopicPartition& group) {
  asio::post(strand_, [this, group] {
    // A store that is fenced has ended the process already.
    if (store_->forget(group)) ask_for_flush();
  });
}

Status VoteQueue::put(const Vote& vote) {
  Status queued = store_->put(vote.first, vote.second);
  if (queued) return queued;
  return fail(std::move(queued).error().context("save a vote"));
}

// Behind whatever waits for the strand already: all of that is covered.
void VoteQueue::ask_for_flush() {
  if (flush_asked_) return;
  flush_asked_ = true;
  asio::post(strand_, [this] { flush(); });
}

Status VoteQueue::flush_now() {
  if (!store_->needs_flush()) return {};
  const auto ticket = store_->begin_flush();
  Status status = ticket.run();
  store_->complete_flush(ticket, status);
  if (status) return status;
  return fail(std::move(status).error().context("flush of votes"));
}

void VoteQueue::flush() {
  flush_asked_ = false;
  if (const Status flushed = flush_now(); !flushed) {
    if (flushed.error().code() == Errc::kDiskFull) return flush_later();
    return on_fatal_(flushed.error());
  }
  for (Waiting& one : std::exchange(waiting_, {})) asio::post(one.home, std::move(one.saved));
  if (store_->needs_flush()) ask_for_flush();  // the watermark
}

void VoteQueue::flush_later() {
  if (stopped_) return;
  logger("partition").warn("votes cannot be saved: the disk is full; trying again");
  retry_.expires_after(kVoteRetryPeriod);
  retry_.async_wait([this](boost::system::error_code error) {
    if (!error) ask_for_flush();
  });
}

void VoteQueue::stop() {
  asio::post(strand_, [this] {
    stopped_ = true;
    retry_.cancel();
  });
}

std::optional<raft::HardState> VoteQueue::find(const TopicPartition& group) {
  std::promise<std::optional<raft::HardState>> found;
  asio::post(strand_, [this, &found, group] { found.set_value(store_->find(group)); });
  return found.get_future().get();
}

}  // namespace penstock::broker
