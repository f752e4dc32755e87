// NumberedClients: producers that number their batches and repeat what got no answer, against a
// Cluster; and the judge of what they see.
//
// Each sends one batch at a time, to whoever leads, and again until it is acknowledged. Whatever
// happens to the members, every batch is committed at most once and in order, an honest producer is
// never refused for good, and what is acknowledged is in the log, there where the answer says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/broker/host/cluster.h"

namespace penstock::broker {

// A batch of `records` records, numbered from `sequence` on.
Bytes numbered_batch(std::int64_t producer, std::int16_t epoch, std::int32_t sequence,
                     std::int32_t records, Timestamp at);

class NumberedClients {
 public:
  // Watches what the cluster commits. Outlives it.
  NumberedClients(Cluster& cluster, int producers);

  // One of them does something: asks after its answer, or sends to that member.
  void step(Member& member);
  // Everybody who waits gets an answer; for the end of a life.
  bool settle(std::int64_t ms = 60'000);

  // In words; empty: nothing was wrong.
  const std::string& wrong() const { return wrong_; }
  std::uint64_t acknowledged() const { return acknowledged_; }
  std::uint64_t repeated() const { return repeated_; }

 private:
  struct Sent {
    raft::NodeId to;
    Term term;
    Offset base;
    Offset end;
  };
  struct Producer {
    std::int64_t id = 0;
    std::int32_t next = 0;     // sequence of the batch that is open, or of the next one
    std::int32_t records = 0;  // of the open one; 0: none is open
    Timestamp at;
    std::optional<Sent> sent;  // and no answer yet
  };

  void committed(ByteView batch);
  void look_for_answer(Producer& producer);
  void send(Producer& producer, Member& member);
  void violation(const Producer& producer, const std::string& what);

  Cluster& cluster_;
  std::vector<Producer> producers_;
  std::map<std::int64_t, std::map<std::int32_t, Offset>> places_;  // of every sequence
  std::string wrong_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t repeated_ = 0;
};

}  // namespace penstock::broker
