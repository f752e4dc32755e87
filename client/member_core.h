// MemberCore: one member of a consumer group: when it tells the coordinator what, and what the
// coordinator's answers mean for the partitions that the application reads.
//
// The coordinator's answer says what the member owns. What the application reads and the member
// owns no more is to be let go of, by the application, at a moment of its choice (poll); until then
// the member says that it has it, and nobody else gets it. What it owns and the application does
// not read yet is prepared (its position is looked up) and then given to the application.
// Invariants: owned() and in_use() together are what heartbeats tell; one heartbeat at a time is
// under way; after the coordinator has declared the member dead (kUnknownMember), it joins anew
// only when the application has let go of everything. Threads: one. Time comes in.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "base/types.h"
#include "client/backoff.h"
#include "client/instant.h"

namespace penstock::client {

using GroupPartitions = std::set<TopicPartition>;

struct MemberTiming {
  std::chrono::milliseconds heartbeat_interval{2'000};
  // While partitions are on their way between members.
  std::chrono::milliseconds moving_interval{250};
};

class MemberCore {
 public:
  struct Heartbeat {
    Uuid member;
    std::int64_t epoch = 0;  // 0: joins
    GroupPartitions owned{};
  };
  struct Answer {
    std::int64_t epoch = 0;
    GroupPartitions owned{};
    GroupPartitions revoking{};
    std::uint32_t awaited = 0;
  };

  MemberCore(Uuid member, MemberTiming timing, Backoff backoff, Rng rng)
      : member_(member), timing_(timing), backoff_(backoff), rng_(rng) {}

  // --- the coordinator
  // The heartbeat that is due; take_answer() or take_failure() ends it.
  std::optional<Heartbeat> next_heartbeat(Instant now);
  void take_answer(const Answer& answer, Instant now);
  // Retriable errors are tried again after a pause; kUnknownMember is the end of this life; any
  // other is fatal().
  void take_failure(const Error& error, Instant now);
  // Another request was answered with kUnknownMember under that epoch.
  void declared_dead(std::int64_t epoch, Instant now);
  // The next heartbeat is due at once.
  void hurry() { due_ = Instant::min(); }
  // Instant::max(): nothing will be due before something else happens.
  Instant next_deadline() const;

  // --- the application
  // Owned, and neither read nor being prepared; they are being prepared from now on.
  GroupPartitions take_unprepared();
  // Without effect when the partition was somebody else's meanwhile: it is to be prepared again.
  void prepared(const TopicPartition& partition);
  // It did not work; it is tried again.
  void not_prepared(const TopicPartition& partition);

  struct Change {
    GroupPartitions lost;      // taken away while the member was taken for dead
    GroupPartitions revoked;   // to be let go of
    GroupPartitions assigned;  // prepared; the application reads them from now on
    bool empty() const { return lost.empty() && revoked.empty() && assigned.empty(); }
  };
  bool has_change() const;
  // In this order: what is revoked or lost is let_go() before what is assigned is begun.
  Change change() const;
  void let_go(const GroupPartitions& partitions);
  // Those of them that are still owned, and are read from now on.
  GroupPartitions begin(const GroupPartitions& partitions);

  // --- state
  const Uuid& member() const { return member_; }
  std::int64_t epoch() const { return epoch_; }  // 0: no member at the moment
  const GroupPartitions& owned() const { return owned_; }
  const GroupPartitions& in_use() const { return in_use_; }
  // Owns everything that it shall own, and the application reads it.
  bool is_settled() const;
  const std::optional<Error>& fatal() const { return fatal_; }
  const std::optional<Error>& last_error() const { return last_error_; }

 private:
  bool waits_for_application() const { return was_declared_dead_ && !in_use_.empty(); }
  bool is_moving() const;
  void end_life(Instant now);
  void forget_what_was_taken_away();

  const Uuid member_;
  const MemberTiming timing_;
  const Backoff backoff_;
  Rng rng_;

  std::int64_t epoch_ = 0;
  GroupPartitions owned_;
  GroupPartitions in_use_;
  GroupPartitions preparing_;
  GroupPartitions outdated_;  // of preparing_: taken away meanwhile, what is found out is of no use
  GroupPartitions prepared_;
  std::uint32_t awaited_ = 0;
  bool was_declared_dead_ = false;

  bool under_way_ = false;
  bool is_of_former_life_ = false;  // what is under way
  Instant due_ = Instant::min();
  std::uint32_t failures_ = 0;  // in a row
  std::optional<Error> fatal_;
  std::optional<Error> last_error_;
};

}  // namespace penstock::client
