// Random lives of one producer's numbers against a partition's table: requests that are late or
// lost, answers that are lost, refusals, batches that are given up, a partition that forgets. What
// the producer is told is true, and nothing is in the log twice, overtaken or behind a gap.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "base/random.h"
#include "broker/producers/producer_table.h"
#include "client/sequences.h"

namespace penstock::client {
namespace {

constexpr Slot kSlot = 0;
constexpr int kSteps = 1'500;
constexpr std::uint64_t kLives = 300;

struct Tally {
  std::uint64_t delivered = 0;
  std::uint64_t unknown = 0;
  std::uint64_t not_written = 0;
  std::uint64_t durable = 0;
  std::uint64_t repeated = 0;
  std::uint64_t forgotten = 0;
};

class Life {
 public:
  Life(std::uint64_t seed, Tally& tally)
      : rng_(seed), tally_(tally), sequences_(rng_.one_in(2) ? Naming::kNamed : Naming::kUnnamed) {}

  std::string live() {
    for (int step = 0; step < 2 * kSteps && wrong_.empty(); ++step) {
      healed_ = step >= kSteps;
      if (sequences_.wants_identity()) sequences_.identify({7, epoch_ = next_epoch()});
      if (rng_.one_in(2)) send();
      if (rng_.one_in(2)) arrive();
      if (!healed_ && rng_.one_in(40)) abandon();
      if (!healed_ && rng_.one_in(100)) forget();
      for (const SettledBatch& one : sequences_.take_settled()) settle(one.key, one.fate);
    }
    if (!wrong_.empty()) return wrong_;
    if (sequences_.open(kSlot) > 0) wrong_ = "something has no outcome after all was well again";
    for (const auto& [key, fate] : fates_) {
      const bool there = in_log_.contains(key);
      const std::string name = "batch " + std::to_string(key);
      if (fate == Fate::kDurable && !there) wrong_ = name + " is lost";
      if (fate == Fate::kNotWritten && there) wrong_ = name + " was written after all";
    }
    return wrong_;
  }

 private:
  struct Request {
    std::vector<BatchKey> keys;
    std::vector<broker::NumberedBatch> batches;
    bool awaited = true;
  };

  std::int16_t next_epoch() const {
    return static_cast<std::int16_t>(sequences_.known() ? sequences_.known()->epoch + 1 : 0);
  }

  void send() {
    std::vector<Outgoing> part;
    const auto again = sequences_.next_again(kSlot);
    if (again) {
      for (const BatchKey key : open_) {
        if (under_way_.contains(key) || (again->alone && !part.empty())) continue;
        part.push_back({key, 10});
        if (rng_.one_in(3)) break;
      }
    } else if (!healed_ && sequences_.may_send_new(kSlot)) {
      const std::size_t room = record::kRememberedBatches - sequences_.open(kSlot);
      for (std::size_t left = std::min<std::size_t>(room, 1 + rng_.below(3)); left > 0; --left) {
        open_.push_back(next_key_);
        part.push_back({next_key_++, 10});
      }
    }
    if (part.empty()) return;
    Request request;
    const std::vector<Stamp> stamps = sequences_.send(kSlot, part);
    for (std::size_t i = 0; i < part.size(); ++i) {
      request.keys.push_back(part[i].key);
      request.batches.push_back(
          {stamps[i].producer.id, stamps[i].producer.epoch, stamps[i].first_sequence, 10});
      under_way_.insert(part[i].key);
    }
    network_.push_back(std::move(request));
  }

  void end(const Request& request) {
    for (const BatchKey key : request.keys) under_way_.erase(key);
  }

  void arrive() {
    if (network_.empty()) return;
    const std::size_t pick = rng_.one_in(4) ? rng_.below(network_.size()) : 0;
    Request& coming = network_[pick];
    // Nobody waits for it any more, and still it may arrive.
    if (coming.awaited && !healed_ && rng_.one_in(8)) {
      coming.awaited = false;
      end(coming);
      sequences_.failed(kSlot, coming.keys, Error(Errc::kConnectionLost, ""), Stage::kSent);
      return;
    }
    const Request request = std::move(coming);
    network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(pick));
    if (!request.awaited && rng_.one_in(2)) return;
    const auto refused = take(request);
    if (!request.awaited) return;
    end(request);
    if (!healed_ && rng_.one_in(6)) {
      sequences_.failed(kSlot, request.keys, Error(Errc::kTimeout, ""), Stage::kSent);
    } else if (refused) {
      sequences_.failed(kSlot, request.keys, *refused, Stage::kAnswered);
    } else {
      sequences_.delivered(kSlot, request.keys);
      for (const BatchKey key : request.keys) settle(key, Fate::kDurable);
    }
  }

  // The partition: a part is refused by its first batch that is, and what was before it stays.
  std::optional<Error> take(const Request& request) {
    if (!healed_ && rng_.one_in(12)) return Error(Errc::kNotReady, "");
    if (!healed_ && rng_.one_in(40) && request.keys.size() == 1) {
      const auto verdict = table_.check(request.batches.front());
      if (std::holds_alternative<broker::NewBatch>(verdict)) {
        return Error(Errc::kUnsupportedCompression, "");
      }
    }
    for (std::size_t i = 0; i < request.keys.size(); ++i) {
      const broker::NumberedBatch& batch = request.batches[i];
      const broker::Verdict verdict = table_.check(batch);
      if (const auto* const refused = std::get_if<broker::RefusedBatch>(&verdict)) {
        const Errc code = i > 0 ? Errc::kNotReady : refused->code;
        if (i == 0 && request.keys.size() > 1 && code == Errc::kDuplicateSequence) {
          return Error(Errc::kOutOfOrderSequence, "");
        }
        // What was before it in the part is in the log: nobody says that it is not.
        return i > 0 ? Error(Errc::kTimeout, "") : Error(code, "");
      }
      if (std::holds_alternative<broker::RepeatedBatch>(verdict)) {
        ++tally_.repeated;
        if (!in_log_.contains(request.keys[i])) wrong_ = "a repetition of nothing";
        continue;
      }
      const BatchKey key = request.keys[i];
      if (!in_log_.insert(key).second) wrong_ = "batch " + std::to_string(key) + " is there twice";
      if (key < last_) wrong_ = "batch " + std::to_string(key) + " was overtaken";
      last_ = key;
      table_.appended({table_.end(), table_.end() + 10, batch, std::nullopt});
      table_.committed(table_.end());
    }
    return std::nullopt;
  }

  void abandon() {
    if (open_.empty()) return;
    const BatchKey key = open_.front();
    if (const auto fate = sequences_.abandon(kSlot, key)) settle(key, *fate);
  }

  // Never while something that begins at 0 may come again: brokers wait for longer than that.
  void forget() {
    if (table_.producers().size() == 0) return;
    for (const Request& request : network_) {
      for (const auto& batch : request.batches) {
        if (batch.first_sequence < 1'000) return;
      }
    }
    const auto* const known = table_.producers().find(7);
    if (known == nullptr || known->next_sequence() < 1'000) return;
    if (known->epoch != sequences_.known()->epoch) return;
    ++tally_.forgotten;
    table_.reset(table_.end());
  }

  void settle(BatchKey key, Fate fate) {
    if (std::erase(open_, key) == 0) return;
    fates_[key] = fate;
    if (fate == Fate::kDurable) ++tally_.delivered;
    if (fate == Fate::kUnknown) ++tally_.unknown;
    if (fate == Fate::kNotWritten) ++tally_.not_written;
  }

  Rng rng_;
  Tally& tally_;
  Sequences sequences_;
  broker::ProducerTable table_;
  std::int16_t epoch_ = 0;
  bool healed_ = false;
  BatchKey next_key_ = 1;
  std::vector<BatchKey> open_;  // without an outcome, in order
  std::set<BatchKey> under_way_;
  std::vector<Request> network_;
  std::set<BatchKey> in_log_;
  BatchKey last_ = 0;
  std::map<BatchKey, Fate> fates_;
  std::string wrong_;
};

TEST(SequencesSim, NothingIsWrittenTwiceAndWhatIsToldIsTrue) {
  Tally tally;
  for (std::uint64_t seed = 1; seed <= kLives; ++seed) {
    EXPECT_EQ(Life(seed, tally).live(), "") << "seed " << seed;
  }
  std::printf(
      "SEQUENCES seeds=%lu delivered=%lu unknown=%lu not_written=%lu repeated=%lu forgotten=%lu\n",
      kLives, tally.delivered, tally.unknown, tally.not_written, tally.repeated, tally.forgotten);
  EXPECT_GT(tally.unknown, 0U);
  EXPECT_GT(tally.not_written, 0U);
  EXPECT_GT(tally.forgotten, 0U);
}

}  // namespace
}  // namespace penstock::client
