// Whether each verdict, and what is in the log in the end, is right.
#include <algorithm>
#include <sstream>

#include "protocol/record/sequence.h"
#include "tests/broker/producers/model_world.h"

namespace penstock::broker::model {

void World::judge(const Replica& at, const NumberedBatch& batch, std::uint64_t payload,
                  const Verdict& verdict) {
  std::ostringstream what;
  what << "payload " << payload << " (producer " << batch.producer << " epoch " << batch.epoch
       << " sequence " << batch.first_sequence << " records " << batch.records << ") is called "
       << verdict << ", ";
  const Entry* const there = at.find(payload);
  const Entry* last = nullptr;
  for (const Entry& entry : at.log) {
    if (entry.batch.numbers && entry.batch.numbers->producer == batch.producer) last = &entry;
  }
  const std::vector<std::int64_t> known = naively_known(at.log, at.table.applied(), options_);
  const bool is_known = last != nullptr && (last->batch.end > at.table.applied() ||
                                            std::ranges::count(known, batch.producer) > 0);
  const bool same_epoch = is_known && last->batch.numbers->epoch == batch.epoch;
  const std::int32_t expected = same_epoch
                                    ? record::sequence_after(last->batch.numbers->first_sequence,
                                                             last->batch.numbers->records)
                                    : 0;
  const auto require = [&](bool holds, const char* why) {
    if (!holds) complain(what.str() + why);
  };
  const bool fenced = is_known && last->batch.numbers->epoch > batch.epoch;
  if (std::holds_alternative<NewBatch>(verdict)) {
    require(there == nullptr, "and is in the log");
    require(!fenced, "of an epoch that is over");
    require(batch.first_sequence == expected, "and there is a gap before it");
  } else if (const auto* const repeated = std::get_if<RepeatedBatch>(&verdict)) {
    ++tally_.repeated;
    require(there != nullptr && there->batch.base == repeated->base &&
                there->batch.end == repeated->end,
            "and is elsewhere, or nowhere");
    require(repeated->committed == (repeated->end <= at.table.applied()), "which is not so");
    require(same_epoch, "of another epoch");
  } else {
    const auto& refused = std::get<RefusedBatch>(verdict);
    switch (refused.code) {
      case Errc::kOutOfOrderSequence:
        require(there == nullptr && !fenced, "and is in the log, or fenced");
        require(batch.first_sequence != expected && refused.expected_sequence == expected,
                "which is not what is expected");
        require(is_known || batch.first_sequence == 0, "of nobody");
        break;
      case Errc::kProducerFenced:
        require(fenced, "by nobody");
        break;
      case Errc::kUnknownProducer:
        require(!is_known && batch.first_sequence != 0, "and is known");
        break;
      case Errc::kDuplicateSequence:
        ++tally_.forgotten;
        require(there != nullptr && same_epoch, "and is not there");
        break;
      case Errc::kOverloaded:
        require(!is_known, "and is known");
        break;
      default:
        require(false, "which means nothing");
    }
  }
}

void World::judge_end() {
  compare_tables();
  const Replica& leader = replicas_[leader_];
  std::map<std::uint64_t, std::uint64_t> times;
  std::map<std::int64_t, std::uint64_t> last;  // producer: its last payload
  std::map<std::int64_t, std::pair<std::int16_t, std::int32_t>> next;
  for (const Entry& entry : leader.log) {
    if (!entry.batch.numbers) continue;
    const NumberedBatch& numbers = *entry.batch.numbers;
    const std::string name = "payload " + std::to_string(entry.payload);
    if (++times[entry.payload] > 1) complain(name + " is in the log twice");
    if (entry.payload <= std::exchange(last[numbers.producer], entry.payload) &&
        next[numbers.producer].first == numbers.epoch) {
      complain(name + " was overtaken");
    }
    const auto [epoch, expected] =
        next.try_emplace(numbers.producer, std::int16_t{-1}, 0).first->second;
    const bool begins = numbers.first_sequence == 0 && numbers.epoch > epoch;
    if (!begins && !(numbers.epoch == epoch && numbers.first_sequence == expected)) {
      complain(name + " lies behind a gap");
    }
    next[numbers.producer] = {numbers.epoch,
                              record::sequence_after(numbers.first_sequence, numbers.records)};
  }
  for (const auto& [payload, fate] : fates_) {
    const std::string name = "payload " + std::to_string(payload);
    const Entry* const there = leader.find(payload);
    if (fate == Fate::kOpen) complain(name + " has no outcome after all was well again");
    if (fate == Fate::kDelivered && there == nullptr) complain(name + " is lost");
    if (fate == Fate::kFailed && there != nullptr) complain(name + " failed, and is in the log");
    const auto told = told_.find(payload);
    if (told != told_.end() && there != nullptr && there->batch.base != told->second) {
      complain(name + " is not where its producer was told");
    }
  }
}

}  // namespace penstock::broker::model
