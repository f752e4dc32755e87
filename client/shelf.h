// Shelf: what a consumer has fetched and the application has not taken, under one short lock.
//
// Invariants: items of a partition leave in the order they came; a partition's error leaves after
// its items, once; items of a paused partition stay. take() has checked the CRC of everything it
// returns, on the thread that takes, outside the lock. Threads: all methods from any thread; take()
// from one at a time. Lifetime: items share the receive buffers of their answers.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/consumer.h"
#include "client/consumer_core.h"

namespace penstock::client {

class Shelf {
 public:
  struct Item {
    SharedBytes batches;
    Offset from;
    Offset next;
    Offset high_watermark;
    std::uint64_t records = 0;
  };
  struct Damage {
    Seat seat = 0;
    std::uint64_t version = 0;  // of the assignment
    Offset from;
    Error error;
  };
  struct Dropped {
    Seat seat = 0;
    Offset position;
  };

  // `wake` makes the fetching side look again; called from any thread, must not block.
  Shelf(const ConsumerConfig& config, std::function<void()> wake);

  // Replaces the assignment; nothing is held any more.
  void assign(const std::vector<SeatStart>& seats);
  // Changes it: what stays is not touched. A seat is a new one or one that was dropped.
  void add(Seat seat, const SeatStart& start);
  void drop(Seat seat);
  void put(Seat seat, Item item);
  void note_high_watermark(Seat seat, Offset high_watermark);
  void fail(Seat seat, Error error);
  // Drops what is held of the partition, and its error.
  void seek(Seat seat, Offset to);
  // Where reading goes on behind what is held.
  void jump(Seat seat, Offset to);
  void pause(Seat seat);
  void resume(Seat seat);
  void close();
  // A take() that waits, or the next one that would, returns with what there is.
  void interrupt();

  // Everything there is, up to kMaxPollBytes; waits until `deadline` for the first. What fails its
  // checksum is not returned but put down for take_damages().
  Result<std::vector<Chunk>> take(Instant deadline);
  // To the application's interceptors, on its thread.
  void show(const std::vector<Chunk>& chunks) const;
  std::vector<Damage> take_damages();
  // When nothing that could be taken is held, gives up what paused partitions hold, so that others
  // can be fetched.
  std::vector<Dropped> drop_paused_if_alone();

  // kInvalidArgument: not assigned.
  Result<Seat> seat_of(const std::string& topic, PartitionId partition) const;
  Result<Offset> position(const std::string& topic, PartitionId partition) const;
  bool at_end() const;
  std::size_t held_bytes() const;
  std::uint64_t version() const;

  // The fetching side waits for memory: the next take() wakes it.
  void set_starved();
  void count_fetch();
  void note_error(std::optional<Error> error);
  ConsumerStats stats() const;

 private:
  struct Row {
    std::string topic;
    PartitionId partition;
    Offset position;  // of the next take()
    std::optional<Offset> high_watermark;
    bool paused = false;
    std::deque<Item> items;
    bool being_checked = false;  // items of it are with take()
    std::optional<Offset> jump;  // where reading goes on behind what is held and being checked
    std::optional<Error> error;
  };
  struct Taken {
    Seat seat = 0;
    Item item;
  };

  bool has_takeable() const;
  bool is_waiting(const Row& row) const;
  std::vector<Taken> collect();
  std::optional<Error> take_error();
  void forget_items(Row& row);
  void finish_jump(Row& row);
  Chunk chunk_of(const Row& row, Item item) const;
  std::vector<Chunk> check(std::vector<Taken> taken, std::uint64_t version);

  const ConsumerConfig config_;
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::vector<Row> rows_;
  std::map<std::pair<std::string, PartitionId>, Seat> seats_;
  std::uint64_t version_ = 0;
  Seat turn_ = 0;  // where the next take() begins
  std::size_t held_bytes_ = 0;
  bool starved_ = false;
  bool interrupted_ = false;
  bool closed_ = false;
  std::vector<Damage> damages_;
  ConsumerStats stats_;
};

}  // namespace penstock::client
