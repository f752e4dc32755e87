// Random histories of a producer that numbers its batches, against partitions that judge them as
// brokers do: whatever fails, nothing is in a log twice.
//
// Requests are lost, or come late and in any order, also after they were told to have failed;
// answers are lost; partitions refuse. At the end every record has one outcome; what was told
// "delivered" is in the log, there where it was told; what was told "failed" is not in the log; and
// every record is there at most once, in the order of produce().
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "broker/producers/note_batches.h"
#include "client/producer_core.h"
#include "protocol/record/batch.h"
#include "protocol/record/record.h"

namespace penstock::client {
namespace {

constexpr BrokerId kBroker = 1;
constexpr Slot kSlots = 3;

class World {
 public:
  explicit World(std::uint64_t seed) : rng_(seed), core_(config(rng_), backoff(), Rng(seed + 1)) {
    core_.number_batches(rng_.one_in(2) ? Naming::kNamed : Naming::kUnnamed);
    for (Slot slot = 0; slot < kSlots; ++slot) {
      core_.place(slot,
                  {.topic = "t",
                   .id = {{}, PartitionId(static_cast<int>(slot))},
                   .leader = kBroker,
                   .leader_epoch = Term(1)},
                  now_);
    }
  }

  void run() {
    for (int step = 0; step < 400; ++step) {
      switch (rng_.below(6)) {
        case 0:
        case 1:
          produce();
          break;
        case 2:
          send();
          break;
        case 3:
          answer_one();
          break;
        case 4:
          pass(rng_.below(80));
          break;
        case 5:
          something_late();
          break;
      }
      take();
    }
    finish();
    check();
  }

  std::uint64_t delivered() const { return delivered_; }
  std::uint64_t unknown() const { return unknown_; }
  std::uint64_t failed() const { return failed_; }

 private:
  struct Sent {
    ProduceCall call;
    std::vector<PartAnswer> answers;  // what the broker says, if it is heard
    std::optional<Error> error;
  };

  static ProducerConfig config(Rng& rng) {
    ProducerConfig config;
    config.max_request_bytes = 200 + rng.below(600);
    config.max_in_flight_requests = 1 + rng.below(8);
    config.delivery_timeout = milliseconds(400);
    return config;
  }
  static Backoff backoff() { return {milliseconds(5), milliseconds(40)}; }

  void produce() {
    const Slot slot = static_cast<Slot>(rng_.below(kSlots));
    const auto records = static_cast<std::uint32_t>(1 + rng_.below(4));
    record::BatchBuilder builder;
    Batch batch;
    for (std::uint32_t i = 0; i < records; ++i) {
      const std::string value = std::to_string(++last_tag_);
      builder.append(Timestamp(1), std::nullopt, as_bytes(value));
      batch.ledger.tags.push_back(last_tag_);
      home_[last_tag_] = slot;
    }
    batch.id = ++last_batch_;
    batch.slot = slot;
    batch.records = records;
    batch.bytes = SharedBytes(*builder.build());
    batch.created = now_;
    batch.memory_bytes = batch.bytes.size();
    held_ += batch.memory_bytes;
    core_.add(std::move(batch));
  }

  // The broker reads the request now, later, or never.
  void send() {
    if (core_.wants_identity() && rng_.one_in(3)) core_.identify({7, ++epoch_});
    auto call = core_.next_call(kBroker, 1U << 20, now_);
    if (!call) return;
    Sent sent{.call = *std::move(call), .answers = {}, .error = {}};
    const bool reaches = healed_ || !rng_.one_in(8);
    if (!reaches && rng_.one_in(2)) late_.push_back(sent.call);
    for (const ProduceCall::Part& part : sent.call.parts) {
      sent.answers.push_back(reaches ? write(part) : PartAnswer{});
    }
    if (!reaches || (!healed_ && rng_.one_in(6))) {
      sent.error = Error(rng_.one_in(2) ? Errc::kConnectionLost : Errc::kTimeout);
    }
    under_way_.push_back(std::move(sent));
  }

  void something_late() {
    if (late_.empty()) return;
    const std::size_t i = rng_.below(late_.size());
    for (const ProduceCall::Part& part : late_[i].parts) write(part);
    late_.erase(late_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  struct Partition {
    broker::ProducerTable table;
    std::vector<std::uint64_t> log;
  };

  PartAnswer write(const ProduceCall::Part& part) {
    PartAnswer answer;
    const std::uint64_t fate = healed_ ? 11 : rng_.below(12);
    if (fate == 0) answer.error = Error(Errc::kOverloaded);
    if (fate == 1) answer.error = Error(Errc::kPartitionDamaged);
    if (fate == 2) answer.error = Error(Errc::kBatchTooLarge);
    if (answer.error) return answer;
    Partition& own = partitions_[part.slot];
    Bytes bytes;
    for (const SharedBytes& batch : part.batches) {
      bytes.insert(bytes.end(), batch.view().begin(), batch.view().end());
    }
    const auto verdict = check_part(own.table, bytes);
    EXPECT_TRUE(verdict) << verdict.error().to_string();
    if (verdict->refused) {
      answer.error = *verdict->refused;
      return answer;
    }
    carry_out(own, part, verdict->batches, answer);
    if (fate == 3) answer.error = Error(Errc::kTimeout);
    if (fate == 4) answer.error = Error(Errc::kIoError);
    return answer;
  }

  static void carry_out(Partition& own, const ProduceCall::Part& part,
                        const std::vector<broker::Verdict>& verdicts, PartAnswer& answer) {
    std::vector<Offset> bases;
    Offset end;
    bool is_one_range = true;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      const auto view = *record::BatchView::parse(part.batches[i].view());
      EXPECT_TRUE(view.verify_crc());
      Offset base(static_cast<std::int64_t>(own.log.size()));
      if (const auto* const there = std::get_if<broker::RepeatedBatch>(&verdicts[i])) {
        base = there->base;
      } else {
        auto records = *record::Records::open(view);
        while (auto record = *records.next()) {
          own.log.push_back(std::stoull(std::string(as_text(*record->value))));
        }
        own.table.appended(
            {base, base + view.record_count(), *broker::numbers_of(view), std::nullopt});
        own.table.committed(base + view.record_count());
      }
      is_one_range = is_one_range && (i == 0 || base == end);
      end = base + view.record_count();
      bases.push_back(base);
    }
    answer.base_offset = bases.front();
    answer.last_offset = end - 1;
    if (!is_one_range) answer.batches = bases;
  }

  void answer_one() {
    if (under_way_.empty()) return;
    const std::size_t i = rng_.below(under_way_.size());
    const Sent sent = std::move(under_way_[i]);
    under_way_.erase(under_way_.begin() + static_cast<std::ptrdiff_t>(i));
    if (sent.error) {
      core_.on_failure(sent.call.id, *sent.error, Stage::kSent, now_);
    } else {
      core_.on_answer(sent.call.id, sent.answers, now_);
    }
  }

  void pass(std::uint64_t ms) {
    now_ += milliseconds(ms);
    core_.tick(now_);
  }

  void take() {
    for (const BatchOutcome& outcome : core_.take_outcomes()) {
      for (std::size_t i = 0; i < outcome.ledger.tags.size(); ++i) {
        const std::uint64_t tag = outcome.ledger.tags[i];
        ASSERT_TRUE(told_.insert(tag).second) << "record " << tag << " has two outcomes";
        if (!outcome.error) {
          ++delivered_;
          if (outcome.base_offset == kUnknownOffset) {
            durable_.insert(tag);
            continue;
          }
          const auto at = static_cast<std::size_t>(outcome.base_offset.value()) + i;
          ASSERT_EQ(partitions_[outcome.slot].log.at(at), tag)
              << "delivered at another offset than told";
        } else if (outcome.error->outcome() == Outcome::kNotDone) {
          ++failed_;
          certain_failures_.insert(tag);
        } else {
          ++unknown_;
        }
      }
    }
    held_ -= core_.take_released_bytes();
  }

  void finish() {
    healed_ = true;
    for (int i = 0; i < 2'000 && told_.size() < last_tag_; ++i) {
      send();
      answer_one();
      pass(10);
      take();
    }
    while (!under_way_.empty()) answer_one();
    while (!late_.empty()) something_late();
    take();
  }

  void check() {
    EXPECT_EQ(told_.size(), last_tag_) << "every record has an outcome";
    EXPECT_EQ(held_, 0U) << "and gives its memory back";
    EXPECT_EQ(core_.calls_under_way(), 0U);
    for (const auto& [slot, own] : partitions_) {
      std::uint64_t last = 0;
      for (const std::uint64_t tag : own.log) {
        EXPECT_EQ(home_[tag], slot);
        EXPECT_FALSE(certain_failures_.contains(tag)) << tag << " was told to have failed";
        EXPECT_GT(tag, last) << "twice, or overtaken, in partition " << slot;
        last = tag;
        durable_.erase(tag);
      }
    }
    EXPECT_TRUE(durable_.empty()) << "told to be durable, and in no log";
  }

  Rng rng_;
  ProducerCore core_;
  Instant now_{std::chrono::hours(1)};
  std::vector<Sent> under_way_;
  std::vector<ProduceCall> late_;
  std::map<Slot, Partition> partitions_;
  std::int16_t epoch_ = -1;
  bool healed_ = false;
  std::set<std::uint64_t> durable_;  // somewhere
  std::map<std::uint64_t, Slot> home_;
  std::set<std::uint64_t> told_;
  std::set<std::uint64_t> certain_failures_;
  std::uint64_t last_tag_ = 0;
  std::uint64_t last_batch_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint64_t unknown_ = 0;
  std::uint64_t failed_ = 0;
  std::size_t held_ = 0;
};

TEST(NumberedProducerSimTest, NothingIsWrittenTwiceWhateverFails) {
  const char* const given = std::getenv("PENSTOCK_SEEDS");
  const std::uint64_t seeds = given == nullptr ? 1'000 : std::strtoull(given, nullptr, 10);
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;
  std::uint64_t unknown = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(seed);
    world.run();
    delivered += world.delivered();
    failed += world.failed();
    unknown += world.unknown();
    if (HasFailure()) break;
  }
  std::printf("NUMBEREDSIM seeds=%llu delivered=%llu failed=%llu unknown=%llu\n",
              static_cast<unsigned long long>(seeds), static_cast<unsigned long long>(delivered),
              static_cast<unsigned long long>(failed), static_cast<unsigned long long>(unknown));
  EXPECT_GT(delivered, 0U);
  EXPECT_GT(failed, 0U);
  EXPECT_GT(unknown, 0U);
}

}  // namespace
}  // namespace penstock::client
