// VoteQueue: group commit for terms and votes: the node's one VoteStore behind one strand.
//
// Everything that was asked for while a flush was under way shares the next one, so an election of
// a thousand groups costs a few flushes. Threads: any; the store is touched on the strand alone,
// which runs (and blocks) on the flush pool. Lifetime: open() before anything else; stop(), and
// the pool is joined, before destruction. Failure: a full disk is waited for; a flush that fails
// otherwise, or a vote that contradicts an older one, is handed to on_fatal() and nobody is told:
// what follows from a vote that may not be on the disk must never be said.
#pragma once

#include <boost/asio/strand.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/result.h"
#include "base/task.h"
#include "base/types.h"
#include "broker/host/vote_store.h"

namespace penstock::broker {

class VoteQueue {
 public:
  using Vote = std::pair<TopicPartition, raft::HardState>;
  using Saved = std::move_only_function<void()>;

  VoteQueue(asio::any_io_executor pool, std::function<void(const Error&)> on_fatal);

  // Blocking. `dir` exists.
  Status open(Env& env, const std::string& dir, Uuid owner);

  // `saved` runs on `home` when the vote is durable.
  void save(Vote vote, asio::any_io_executor home, Saved saved);
  // The group's replica is gone for good. Durable some time later.
  void forget(const TopicPartition& group);

  // No full disk is waited for any more.
  void stop();

  // Blocking, and never on the flush pool itself: the strand answers.
  std::optional<raft::HardState> find(const TopicPartition& group);

 private:
  struct Waiting {
    asio::any_io_executor home;
    Saved saved;
  };

  // --- on the strand
  Status put(const Vote& vote);
  void ask_for_flush();
  Status flush_now();
  void flush();
  void flush_later();

  asio::strand<asio::any_io_executor> strand_;
  std::function<void(const Error&)> on_fatal_;
  std::unique_ptr<VoteStore> store_;
  std::vector<Waiting> waiting_;  // their votes are put and not flushed
  bool flush_asked_ = false;
  bool stopped_ = false;
  asio::steady_timer retry_;
};

}  // namespace penstock::broker
