// ConsumerCore: decides what is fetched next, and what an answer means for positions.
//
// Invariants:
// - A partition is in at most one fetch whose answer counts, and its answers are taken in the order
//   of its offsets: what is kept of a partition is contiguous from its start position on.
// - One memory limit over all partitions: bytes held for the application and the largest answers of
//   the fetches under way together stay below it (a broker returns one whole batch even when it is
//   larger than asked for: each fetch may exceed its share by one batch).
// - An answer to a fetch from before a seek() or assign() changes nothing.
// - Each partition reports an error once and is not fetched again until seek().
// - A partition's leader is never replaced by an older one. A fetch that an older leader has not
//   answered is not waited for: it is asked again of the newer one, at the same offset.
// Threads: one. Time comes in; errors, resets and stale topics are taken out.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "client/backoff.h"
#include "client/config.h"
#include "client/instant.h"
#include "client/metadata.h"

namespace penstock::client {

// Number of a partition within one assignment.
using Seat = std::uint32_t;

struct SeatStart {
  std::string topic;
  TopicPartition id{};
  BrokerId leader = kNoBroker;
  Term leader_epoch{};
  std::vector<BrokerId> replicas{};
  Offset position{};
};

struct FetchPlan {
  struct Part {
    Seat seat = 0;
    TopicPartition id;
    Term leader_epoch;
    Offset offset;
    std::size_t max_bytes = 0;
  };
  std::uint64_t id = 0;
  BrokerId broker = kNoBroker;
  std::size_t max_bytes = 0;
  // False when the answer is wanted at once: of some part not even the high watermark is known.
  bool may_wait = true;
  bool any_replica = false;
  std::vector<Part> parts{};
};

// What came back for one part of a plan, already looked through (client/fetched.h).
struct FetchedPart {
  std::optional<Error> error{};
  std::size_t bytes = 0;
  Offset next{};  // behind the last batch, when bytes > 0
  Offset log_start{};
  Offset high_watermark{};
};

// What is to be done with a fetched part.
enum class Disposition : std::uint8_t {
  kKeep,   // belongs behind what is held of the partition; `offset` of the plan is its start
  kEmpty,  // nothing new, up to its high watermark
  kDrop,   // not wanted any more, or an error
};

class ConsumerCore {
 public:
  struct SeatError {
    Seat seat = 0;
    Error error;
  };
  struct Reset {
    Seat seat = 0;
    std::uint64_t generation = 0;
    StartAt to;
  };

  ConsumerCore(const ConsumerConfig& config, Backoff backoff, Rng rng);

  void assign(std::vector<SeatStart> seats);
  // Changes what is assigned: what stays is not touched. A seat is the next number, or one that was
  // dropped.
  void add(Seat seat, SeatStart start);
  void drop(Seat seat);
  void seek(Seat seat, Offset to);
  // The same, with the topic and leader as they are now: of a topic that was deleted and created
  // again, the new one is read.
  void seek(Seat seat, const SeatStart& to);
  // The answer to a Reset; ignored when the generation is over.
  void reset_done(const Reset& reset, Result<Offset> to, Instant now);
  bool is_current(const Reset& reset) const;
  void pause(Seat seat);
  void resume(Seat seat);
  // New leaders. A topic that now has another id was deleted: an error for its partitions.
  void place(const TopicMetadata& topic);
  void topic_gone(const std::string& topic, const Error& error);
  // Bytes that were kept turned out to be damaged at `from`: fetched again, or given up.
  void on_damage(Seat seat, Offset from, const Error& error, Instant now);

  // Partitions without a leader that answers make their topic stale.
  void tick(Instant now);
  std::vector<BrokerId> brokers_with_work(Instant now) const;
  // `held_bytes`: of kept parts that the application has not taken yet.
  std::optional<FetchPlan> next_fetch(BrokerId broker, std::size_t held_bytes, Instant now);
  // True when the memory limit alone kept a fetch from leaving since the last call.
  bool take_starved() { return std::exchange(starved_, false); }

  // How a plan ended: exactly one of these for each. on_answer() returns one entry for each part.
  std::vector<Disposition> on_answer(std::uint64_t plan, std::span<const FetchedPart> answers,
                                     Instant now);
  void on_failure(std::uint64_t plan, const Error& error, Instant now);
  void on_unreachable(BrokerId broker, Instant now);
  // There is no connection yet, and one is being made.
  void on_connecting(BrokerId broker, Instant now);
  void on_throttle(BrokerId broker, Instant until);

  Instant next_deadline(Instant now) const;

  std::vector<SeatError> take_errors();
  std::vector<Reset> take_resets();
  std::set<std::string> take_stale_topics();
  // Brokers that are silent on fetches which nobody waits for any more: their connections are not
  // worth keeping.
  std::set<BrokerId> take_deserted();
  // Why nothing comes of some partition at the moment, when that is for want of a leader.
  std::optional<Error> want_of_leader() const;
  std::size_t reserved_bytes() const { return reserved_bytes_; }

 private:
  struct State {
    SeatStart place;  // position: of the next fetch
    std::uint64_t generation = 0;
    bool paused = false;
    bool dropped = false;
    bool stopped = false;  // an error was reported, or a reset is under way
    bool under_way = false;
    bool listed = false;    // in order_
    bool answered = false;  // since the last seek
    bool reached = false;   // the position, by reading: it was in the log
    std::uint32_t failures = 0;
    std::uint32_t damages = 0;  // in a row, at ...
    Offset damaged_at = Offset(-1);
    Instant retry_at = Instant::min();

    bool seeks_leader = false;  // the known one has failed
    std::uint32_t searches = 0;
    Instant search_at = Instant::min();
    std::optional<Instant> behind_end_since;  // the position is beyond what the leader knows

    // Reading from replicas:
    std::uint32_t turn = 0;                 // which one
    bool check_leader = false;              // next time: does it have more?
    Instant leader_until = Instant::min();  // after trouble
    std::optional<Instant> quiet_since;     // the replica has had nothing new
  };
  struct Broker {
    std::size_t fetches = 0;
    Instant throttled_until = Instant::min();
    std::optional<Instant> connecting_since;
  };
  struct PartUnderWay {
    Seat seat = 0;
    std::uint64_t generation = 0;
    bool from_replica = false;
  };
  struct PlanUnderWay {
    BrokerId broker = kNoBroker;
    std::size_t reserved_bytes = 0;
    Instant sent{};
    bool may_wait = true;
    bool deserted = false;
    std::vector<PartUnderWay> parts{};
  };

  // Where the partition is fetched from; kNoBroker: nobody leads it.
  BrokerId source(const State& state, Instant now) const;
  void distrust_replica(State& state, Instant now);
  void note_replica_answer(State& state, bool from_replica, std::size_t bytes, Instant now);
  // Forgets the fetch under way: another one may begin.
  void supersede(Seat seat);
  void look_for_leader(State& state, Instant now);
  void look_at_silent_plans(Instant now);
  void seek_leader(State& state);
  bool is_behind_end(State& state, const FetchedPart& part, Instant now);
  bool is_ready(const State& state, Instant now) const;
  bool has_capacity(BrokerId broker, Instant now) const;
  void list(Seat seat);
  void count_sources();
  std::size_t largest_fetch() const;
  PlanUnderWay end_plan(std::uint64_t id);
  // Null when the part belongs to an older generation or assignment.
  State* live(const PlanUnderWay& plan, std::size_t part);
  Disposition take_part(const PartUnderWay& under_way, State& state, const FetchedPart& part,
                        Instant now);
  void retry_later(State& state, Instant now);
  void stop(Seat seat, State& state, Error error);
  void out_of_range(Seat seat, State& state, const FetchedPart& part);
  void part_failed(const PartUnderWay& under_way, State& state, const FetchedPart& part,
                   Instant now);

  const ConsumerConfig config_;
  const Backoff backoff_;
  Rng rng_;
  const std::uint32_t salt_;  // so that consumers do not all choose the same replica
  std::vector<State> seats_;
  std::size_t sources_ = 0;  // distinct brokers that all seats are fetched from
  std::deque<Seat> order_;   // ready to be fetched or soon, next turn first
  std::map<BrokerId, Broker> brokers_;
  std::map<std::uint64_t, PlanUnderWay> plans_;
  std::uint64_t next_plan_ = 1;
  std::uint64_t next_generation_ = 1;
  std::size_t reserved_bytes_ = 0;
  bool starved_ = false;

  std::vector<SeatError> errors_;
  std::vector<Reset> resets_;
  std::set<std::string> stale_topics_;
  std::set<BrokerId> deserted_;
};

}  // namespace penstock::client
