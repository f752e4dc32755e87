// ProducerCoreStory: a producer core, virtual time, and one word for each thing that can happen.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/producer_core.h"
#include "protocol/record/batch.h"
#include "protocol/record/builder.h"

namespace penstock::client {

inline constexpr BrokerId kBroker = 1;
inline constexpr BrokerId kOther = 2;

class ProducerCoreStory : public testing::Test {
 protected:
  void open(ProducerConfig config = {}) {
    config_ = config;
    core_.emplace(config, Backoff(milliseconds(100), milliseconds(1'000)), Rng(1));
    for (Slot slot = 0; slot < 4; ++slot) lead(slot, kBroker);
  }
  // A newer term each time.
  void lead(Slot slot, BrokerId broker, std::uint8_t topic_id = 1) {
    place(slot, broker, ++epoch_, topic_id);
  }
  void place(Slot slot, BrokerId broker, int epoch, std::uint8_t topic_id = 1) {
    Target target{.topic = "orders",
                  .id = {{}, PartitionId(static_cast<int>(slot))},
                  .leader = broker,
                  .leader_epoch = Term(epoch),
                  .replicas = {1, 2, 3}};
    target.id.topic.bytes[0] = static_cast<std::byte>(topic_id);
    core_->place(slot, target, now_);
  }
  // A batch with `records` records, known by the tag of its first one.
  void add(Slot slot, std::uint64_t tag, std::uint32_t records = 1, std::size_t value_bytes = 10) {
    record::BatchBuilder builder;
    Batch batch;
    for (std::uint32_t i = 0; i < records; ++i) {
      const std::string value(value_bytes, static_cast<char>('a' + i % 26));
      builder.append(Timestamp(1), std::nullopt, as_bytes(value));
      batch.ledger.tags.push_back(tag + i);
    }
    batch.id = tag;
    batch.slot = slot;
    batch.records = records;
    batch.bytes = SharedBytes(*builder.build());
    batch.created = now_;
    batch.memory_bytes = batch.bytes.size();
    added_bytes_ += batch.memory_bytes;
    core_->add(std::move(batch));
  }
  // The next request as text, "slot:records+records slot:...", or "nothing".
  std::string send(BrokerId broker = kBroker, std::size_t max_bytes = 1U << 20) {
    auto call = core_->next_call(broker, max_bytes, now_);
    if (!call) return "nothing";
    std::string text;
    for (const ProduceCall::Part& part : call->parts) {
      text += (text.empty() ? "" : " ") + std::to_string(part.slot) + ":";
      for (std::size_t i = 0; i < part.batches.size(); ++i) {
        const auto view = record::BatchView::parse(part.batches[i].view());
        text += (i == 0 ? "" : "+") + std::to_string(view->record_count());
      }
    }
    last_call_ = call->id;
    calls_[call->id] = *std::move(call);
    return text;
  }
  void acknowledge(std::int64_t base = 0) {
    std::vector<PartAnswer> answers;
    for (const ProduceCall::Part& part : calls_[last_call_].parts) {
      std::int64_t records = 0;
      for (const SharedBytes& batch : part.batches) {
        records += record::BatchView::parse(batch.view())->record_count();
      }
      answers.push_back({.error = {},
                         .base_offset = Offset(base),
                         .last_offset = Offset(base + records - 1),
                         .receipt = {.replicas_fsynced = 1, .replicas_written = 1, .replicas = 1}});
    }
    core_->on_answer(last_call_, answers, now_);
  }
  void refuse(Errc code) {
    const std::vector<PartAnswer> answers(calls_[last_call_].parts.size(),
                                          PartAnswer{Error(code), {}, {}, {}});
    core_->on_answer(last_call_, answers, now_);
  }
  void lose(Errc code = Errc::kConnectionLost, Stage stage = Stage::kSent) {
    core_->on_failure(last_call_, Error(code), stage, now_);
  }
  void pass(int ms) {
    now_ += milliseconds(ms);
    core_->tick(now_);
  }
  // Outcomes so far: "tag@offset", "tag failed Code" or "tag unknown Code".
  std::vector<std::string> outcomes() {
    std::vector<std::string> texts;
    for (const BatchOutcome& outcome : core_->take_outcomes()) {
      const std::string tag = std::to_string(outcome.ledger.tags.front());
      if (!outcome.error) {
        texts.push_back(tag + "@" + std::to_string(outcome.base_offset.value()));
      } else {
        const bool certain = outcome.error->outcome() == Outcome::kNotDone;
        texts.push_back(tag + (certain ? " failed " : " unknown ") +
                        std::string(info(outcome.error->code()).name));
        last_message_ = outcome.error->message();
      }
    }
    released_bytes_ += core_->take_released_bytes();
    return texts;
  }

  ProducerConfig config_;
  std::optional<ProducerCore> core_;
  Instant now_{std::chrono::hours(1)};
  std::map<std::uint64_t, ProduceCall> calls_;
  std::uint64_t last_call_ = 0;
  std::size_t added_bytes_ = 0;
  std::size_t released_bytes_ = 0;
  std::string last_message_;
  int epoch_ = 0;
};

}  // namespace penstock::client
