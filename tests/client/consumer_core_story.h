// ConsumerCoreStory: a consumer core, virtual time, and one word for each thing that can happen.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/consumer_core.h"

namespace penstock::client {

inline constexpr BrokerId kBroker = 1;
inline constexpr BrokerId kOther = 2;

class ConsumerCoreStory : public testing::Test {
 protected:
  // Seats 0, 1, ... of topic "orders", at offset 100 each, led by kBroker.
  void open(ConsumerConfig config = {}, int seats = 2) {
    core_.emplace(config, Backoff(milliseconds(100), milliseconds(1'000)), Rng(1));
    std::vector<SeatStart> starts;
    for (int i = 0; i < seats; ++i) {
      starts.push_back({.topic = "orders",
                        .id = {topic_id(1), PartitionId(i)},
                        .leader = kBroker,
                        .leader_epoch = Term(1),
                        .position = Offset(100)});
    }
    core_->assign(std::move(starts));
  }
  static Uuid topic_id(std::uint8_t number) {
    Uuid id;
    id.bytes[0] = static_cast<std::byte>(number);
    return id;
  }
  // The next fetch as text, "seat@offset seat@offset", or "nothing".
  std::string fetch(std::size_t held_bytes = 0, BrokerId broker = kBroker) {
    auto plan = core_->next_fetch(broker, held_bytes, now_);
    if (!plan) return "nothing";
    std::string text;
    for (const FetchPlan::Part& part : plan->parts) {
      text += (text.empty() ? "" : " ") + std::to_string(part.seat) + "@" +
              std::to_string(part.offset.value());
    }
    plan_ = *std::move(plan);
    return text;
  }
  static FetchedPart records_up_to(std::int64_t next, std::size_t bytes = 1'000) {
    return {.error = {},
            .bytes = bytes,
            .next = Offset(next),
            .log_start = Offset(0),
            .high_watermark = Offset(next)};
  }
  static FetchedPart nothing() { return {}; }
  static FetchedPart error(Errc code) { return {.error = Error(code)}; }
  std::vector<Disposition> answer(std::vector<FetchedPart> parts) {
    return core_->on_answer(plan_.id, parts, now_);
  }
  // Errors so far: "seat Code".
  std::vector<std::string> errors() {
    std::vector<std::string> texts;
    for (const auto& failed : core_->take_errors()) {
      texts.push_back(std::to_string(failed.seat) + " " +
                      std::string(info(failed.error.code()).name));
      last_message_ = failed.error.message();
    }
    return texts;
  }
  TopicMetadata orders(std::uint8_t id, BrokerId leader, int partitions = 2) {
    TopicMetadata topic{.name = "orders", .id = topic_id(id), .partitions = {}, .fetched_at = now_};
    topic.partitions.assign(static_cast<std::size_t>(partitions),
                            {.leader = leader, .leader_epoch = Term(5)});
    return topic;
  }

  std::optional<ConsumerCore> core_;
  Instant now_{std::chrono::hours(1)};
  FetchPlan plan_;
  std::string last_message_;
};

}  // namespace penstock::client
