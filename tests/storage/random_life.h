// RandomLife: drives a log through random operations, one seed a life, and compares it with what a
// plain map remembers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/storage/log_scene.h"

namespace penstock::storage {

class RandomLife {
 public:
  explicit RandomLife(std::uint64_t seed);

  // One random operation, no crash among them. Errors are what the log answered: none without a
  // fault on the disk.
  Status step();
  // What step() did last, for a failure message.
  const std::string& doing() const { return doing_; }

  // Compares lookups (by timestamp, digests, terms) with the map; what differs, as text.
  std::string compare_lookups();
  std::string compare_terms();

  void forget_tickets();  // before a crash

  LogScene scene;

 private:
  Offset random_boundary();
  Status append();
  Status reset();
  std::string compare_digests();
  Status begin_or_complete_flush();
  Status begin_or_complete_checkpoint();

  std::string doing_;
  struct Pending {
    FlushTicket ticket;
    Status status;
    Offset end;
  };
  std::optional<Pending> flush_;
  std::optional<std::pair<CheckpointTicket, Status>> checkpoint_;
  std::int32_t epoch_ = 1;
};

}  // namespace penstock::storage
