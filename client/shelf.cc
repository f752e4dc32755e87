#include "client/shelf.h"

#include <algorithm>
#include <utility>

#include "client/fetched.h"
#include "client/limits.h"

namespace penstock::client {

Shelf::Shelf(const ConsumerConfig& config, std::function<void()> wake)
    : config_(config), wake_(std::move(wake)) {}

void Shelf::assign(const std::vector<SeatStart>& seats) {
  const std::scoped_lock lock(mutex_);
  ++version_;
  rows_.clear();
  seats_.clear();
  damages_.clear();
  held_bytes_ = 0;
  turn_ = 0;
  for (const SeatStart& start : seats) {
    seats_[{start.topic, start.id.partition}] = static_cast<Seat>(rows_.size());
    Row& row = rows_.emplace_back();
    row.topic = start.topic;
    row.partition = start.id.partition;
    row.position = start.position;
  }
}

void Shelf::add(Seat seat, const SeatStart& start) {
  const std::scoped_lock lock(mutex_);
  if (seat >= rows_.size()) rows_.resize(seat + 1);
  seats_[{start.topic, start.id.partition}] = seat;
  rows_[seat] = Row();
  rows_[seat].topic = start.topic;
  rows_[seat].partition = start.id.partition;
  rows_[seat].position = start.position;
}

void Shelf::drop(Seat seat) {
  const std::scoped_lock lock(mutex_);
  Row& row = rows_[seat];
  forget_items(row);
  std::erase_if(damages_, [&](const Damage& damage) { return damage.seat == seat; });
  seats_.erase({row.topic, row.partition});
  row = Row();
  row.paused = true;
}

void Shelf::put(Seat seat, Item item) {
  {
    const std::scoped_lock lock(mutex_);
    held_bytes_ += item.batches.size();
    stats_.bytes += item.batches.size();
    stats_.records += item.records;
    rows_[seat].high_watermark = item.high_watermark;
    rows_[seat].jump.reset();  // reading went on: the position follows the items
    rows_[seat].items.push_back(std::move(item));
  }
  filled_.notify_one();
}

void Shelf::note_high_watermark(Seat seat, Offset high_watermark) {
  const std::scoped_lock lock(mutex_);
  rows_[seat].high_watermark = high_watermark;
}

void Shelf::fail(Seat seat, Error error) {
  {
    const std::scoped_lock lock(mutex_);
    rows_[seat].error = std::move(error);
  }
  filled_.notify_one();
}

void Shelf::forget_items(Row& row) {
  for (const Item& item : row.items) held_bytes_ -= item.batches.size();
  row.items.clear();
}

void Shelf::finish_jump(Row& row) {
  if (row.jump && row.items.empty() && !row.being_checked) {
    row.position = *std::exchange(row.jump, {});
  }
}

void Shelf::seek(Seat seat, Offset to) {
  const std::scoped_lock lock(mutex_);
  Row& row = rows_[seat];
  forget_items(row);
  std::erase_if(damages_, [&](const Damage& damage) { return damage.seat == seat; });
  row.error.reset();
  row.high_watermark.reset();
  row.jump.reset();
  row.position = to;
}

void Shelf::jump(Seat seat, Offset to) {
  const std::scoped_lock lock(mutex_);
  rows_[seat].jump = to;
  finish_jump(rows_[seat]);
}

void Shelf::pause(Seat seat) {
  const std::scoped_lock lock(mutex_);
  rows_[seat].paused = true;
}

void Shelf::resume(Seat seat) {
  {
    const std::scoped_lock lock(mutex_);
    rows_[seat].paused = false;
  }
  filled_.notify_one();
}

void Shelf::close() {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  filled_.notify_all();
}

void Shelf::interrupt() {
  {
    const std::scoped_lock lock(mutex_);
    interrupted_ = true;
  }
  filled_.notify_all();
}

bool Shelf::is_waiting(const Row& row) const {
  return !row.paused && (!row.items.empty() || row.error);
}

bool Shelf::has_takeable() const {
  return std::ranges::any_of(rows_, [&](const Row& row) { return is_waiting(row); });
}

std::vector<Shelf::Taken> Shelf::collect() {
  std::vector<Taken> taken;
  std::size_t bytes = 0;
  const auto count = static_cast<Seat>(rows_.size());
  for (Seat turns = 0; turns < count && bytes < kMaxPollBytes; ++turns) {
    const Seat seat = turn_++ % count;
    turn_ %= count;
    Row& row = rows_[seat];
    while (!row.paused && !row.items.empty() && bytes < kMaxPollBytes) {
      row.being_checked = true;
      bytes += row.items.front().batches.size();
      taken.push_back({seat, std::move(row.items.front())});
      row.items.pop_front();
    }
  }
  held_bytes_ -= bytes;
  return taken;
}

std::optional<Error> Shelf::take_error() {
  for (Row& row : rows_) {
    if (!row.paused && row.items.empty() && row.error) return std::exchange(row.error, {});
  }
  return std::nullopt;
}

Chunk Shelf::chunk_of(const Row& row, Item item) const {
  return {row.topic, row.partition,       std::move(item.batches), item.from,
          item.next, item.high_watermark, config_.decompress};
}

Result<std::vector<Chunk>> Shelf::take(Instant deadline) {
  std::unique_lock lock(mutex_);
  filled_.wait_until(lock, deadline, [&] { return closed_ || interrupted_ || has_takeable(); });
  interrupted_ = false;
  if (closed_) return penstock::fail(Errc::kShuttingDown, "the consumer is closed");
  std::vector<Taken> taken = collect();
  if (taken.empty()) {
    if (auto error = take_error()) return std::unexpected(*std::move(error));
    return std::vector<Chunk>();
  }
  const bool wake = std::exchange(starved_, false);
  const std::uint64_t version = version_;
  lock.unlock();
  if (wake) wake_();
  return check(std::move(taken), version);
}

void Shelf::show(const std::vector<Chunk>& chunks) const {
  for (const Chunk& chunk : chunks) {
    for (const ConsumerInterceptor& interceptor : config_.interceptors) interceptor(chunk);
  }
}

// Checksums outside the lock; then positions move past what is good.
std::vector<Chunk> Shelf::check(std::vector<Taken> taken, std::uint64_t version) {
  std::map<Seat, Error> damaged;
  std::vector<bool> good(taken.size());
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (damaged.contains(taken[i].seat)) continue;
    Status status = verify_checksums(taken[i].item.batches.view());
    good[i] = status.has_value();
    if (!status) damaged.emplace(taken[i].seat, std::move(status).error());
  }
  std::vector<Chunk> chunks;
  chunks.reserve(taken.size());
  const std::scoped_lock lock(mutex_);
  if (version != version_) return {};
  for (const Taken& one : taken) rows_[one.seat].being_checked = false;
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (!good[i]) continue;
    Row& row = rows_[taken[i].seat];
    row.position = taken[i].item.next;
    chunks.push_back(chunk_of(row, std::move(taken[i].item)));
  }
  for (auto& [seat, error] : damaged) {
    Row& row = rows_[seat];
    forget_items(row);
    // What came of reading behind the damage is found again.
    row.jump.reset();
    row.error.reset();
    damages_.push_back({seat, version_, row.position, std::move(error)});
  }
  for (const Taken& one : taken) finish_jump(rows_[one.seat]);
  if (!damaged.empty()) wake_();
  return chunks;
}

std::vector<Shelf::Damage> Shelf::take_damages() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(damages_, {});
}

std::vector<Shelf::Dropped> Shelf::drop_paused_if_alone() {
  const std::scoped_lock lock(mutex_);
  std::vector<Dropped> dropped;
  if (held_bytes_ == 0 || has_takeable()) return dropped;
  for (Seat seat = 0; seat < rows_.size(); ++seat) {
    if (rows_[seat].items.empty()) continue;
    forget_items(rows_[seat]);
    dropped.push_back({seat, rows_[seat].position});
  }
  return dropped;
}

Result<Seat> Shelf::seat_of(const std::string& topic, PartitionId partition) const {
  const std::scoped_lock lock(mutex_);
  const auto it = seats_.find({topic, partition});
  if (it != seats_.end()) return it->second;
  return penstock::fail(Errc::kInvalidArgument, topic + "/" + std::to_string(partition.value()) +
                                                    " is not assigned to this consumer");
}

Result<Offset> Shelf::position(const std::string& topic, PartitionId partition) const {
  PENSTOCK_TRY_ASSIGN(const Seat seat, seat_of(topic, partition));
  const std::scoped_lock lock(mutex_);
  return rows_[seat].position;
}

bool Shelf::at_end() const {
  const std::scoped_lock lock(mutex_);
  return std::ranges::all_of(rows_, [](const Row& row) {
    return row.paused || (row.high_watermark && row.position >= *row.high_watermark);
  });
}

std::size_t Shelf::held_bytes() const {
  const std::scoped_lock lock(mutex_);
  return held_bytes_;
}

std::uint64_t Shelf::version() const {
  const std::scoped_lock lock(mutex_);
  return version_;
}

void Shelf::set_starved() {
  const std::scoped_lock lock(mutex_);
  starved_ = true;
}

void Shelf::count_fetch() {
  const std::scoped_lock lock(mutex_);
  ++stats_.fetches;
}

void Shelf::note_error(std::optional<Error> error) {
  const std::scoped_lock lock(mutex_);
  stats_.last_error = std::move(error);
}

ConsumerStats Shelf::stats() const {
  const std::scoped_lock lock(mutex_);
  ConsumerStats stats = stats_;
  stats.prefetched_bytes = held_bytes_;
  return stats;
}

}  // namespace penstock::client
