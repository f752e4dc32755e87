#include "tools/reading.h"

#include <algorithm>
#include <iostream>
#include <vector>

#include "base/clock.h"
#include "tools/interrupt.h"
#include "tools/limits.h"

namespace penstock::tools {
namespace {

using client::StartAt;

struct Range {
  PartitionId partition;
  StartAt start;
  Offset begin;
  Offset end;  // of a bounded read
};

enum class Next { kGoOn, kDone };

class Reading {
 public:
  Reading(client::Client& client, ReadingOptions options, OutputStream& out)
      : client_(client), options_(std::move(options)), out_(out) {}

  Result<ExitCode> run() {
    if (options_.max_records == 0) return ExitCode::kOk;
    PENSTOCK_TRY(find_ranges());
    if (bounded())
      std::erase_if(open_, [](const Range& range) { return range.begin >= range.end; });
    if (open_.empty()) return ExitCode::kOk;
    PENSTOCK_TRY_ASSIGN(consumer_, client::Consumer::open(client_, {}));
    std::vector<client::Assignment> assignments;
    for (const Range& range : open_) {
      assignments.push_back({options_.topic, range.partition, range.start});
    }
    PENSTOCK_TRY(consumer_->assign(std::move(assignments)));
    return read();
  }

 private:
  bool bounded() const { return options_.until == Until::kEndAtStart; }

  Status find_ranges();
  Result<std::vector<client::OffsetAnswer>> offsets_by_time();
  Result<ExitCode> read();
  Result<Next> print(client::Chunk& chunk);
  Status pass(const client::Chunk& chunk);
  Status check_patience();

  client::Client& client_;
  ReadingOptions options_;
  OutputStream& out_;
  std::unique_ptr<client::Consumer> consumer_;
  std::vector<Range> open_;  // not read to its end
  std::int64_t written_ = 0;
  std::int64_t last_arrival_ns_ = 0;
  bool warned_ = false;
};

Result<std::vector<client::OffsetAnswer>> Reading::offsets_by_time() {
  if (options_.start.kind != StartSpec::Kind::kTime) return std::vector<client::OffsetAnswer>();
  return client_.admin().list_offsets(options_.topic,
                                      StartAt::time(Timestamp(options_.start.value)));
}

Status Reading::find_ranges() {
  // Of the leaders, with patience: a follower may know less, and a partition may have no leader
  // yet.
  PENSTOCK_TRY_ASSIGN(const auto begins,
                      client_.admin().list_offsets(options_.topic, StartAt::beginning()));
  PENSTOCK_TRY_ASSIGN(const auto partitions,
                      client_.admin().list_offsets(options_.topic, StartAt::end()));
  if (options_.start.kind == StartSpec::Kind::kOffset && !options_.partition &&
      partitions.size() > 1) {
    return fail(Errc::kInvalidArgument, "--from=OFFSET needs --partition: the topic has " +
                                            std::to_string(partitions.size()) + " partitions");
  }
  PENSTOCK_TRY_ASSIGN(const auto by_time, offsets_by_time());
  for (std::size_t i = 0; i < std::min(begins.size(), partitions.size()); ++i) {
    const client::OffsetAnswer& found = partitions[i];
    if (options_.partition && found.partition != *options_.partition) continue;
    auto begin = resolve_start(options_.start, begins[i].offset, found.offset);
    if (!begin) {
      return fail(
          std::move(begin).error().context("partition " + std::to_string(found.partition.value())));
    }
    for (const client::OffsetAnswer& answer : by_time) {
      if (answer.partition == found.partition) begin = answer.offset;
    }
    // "Beginning" stays one until the consumer asks: retention may move it in between.
    const StartAt start = options_.start.kind == StartSpec::Kind::kBeginning
                              ? StartAt::beginning()
                              : StartAt::offset(*begin);
    open_.push_back({found.partition, start, *begin, found.offset});
  }
  if (open_.empty() && options_.partition) {
    return fail(Errc::kUnknownPartition,
                "the topic has no partition " + std::to_string(options_.partition->value()));
  }
  return {};
}

Result<ExitCode> Reading::read() {
  last_arrival_ns_ = system_clock().steady_ns();
  while (!interrupted()) {
    PENSTOCK_TRY_ASSIGN(auto chunks, consumer_->poll(kConsumeWait));
    if (chunks.empty()) PENSTOCK_TRY(check_patience());
    for (client::Chunk& chunk : chunks) {
      PENSTOCK_TRY_ASSIGN(const Next next, print(chunk));
      if (next == Next::kDone) return ExitCode::kOk;
    }
    // Nothing more is waiting: what is there is shown.
    PENSTOCK_TRY_ASSIGN(const Reader reader, out_.flush());
    if (reader == Reader::kGone || (bounded() && open_.empty())) return ExitCode::kOk;
  }
  PENSTOCK_TRY(out_.flush());
  return ExitCode::kInterrupted;
}

Result<Next> Reading::print(client::Chunk& chunk) {
  const auto range = std::ranges::find(open_, chunk.partition(), &Range::partition);
  if (range == open_.end()) return Next::kGoOn;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
    if (!record || (bounded() && record->offset >= range->end)) break;
    options_.writer({options_.topic, chunk.partition(), *record}, out_.buffer());
    PENSTOCK_TRY_ASSIGN(const Reader reader, out_.flush_when_large());
    if (reader == Reader::kGone) return Next::kDone;
    if (++written_ == options_.max_records) {
      PENSTOCK_TRY(out_.flush());
      return Next::kDone;
    }
  }
  last_arrival_ns_ = system_clock().steady_ns();
  warned_ = false;
  PENSTOCK_TRY(pass(chunk));
  return Next::kGoOn;
}

// A partition that was read to its end needs no prefetching any more.
Status Reading::pass(const client::Chunk& chunk) {
  const auto range = std::ranges::find(open_, chunk.partition(), &Range::partition);
  if (!bounded() || chunk.next_offset() < range->end) return {};
  open_.erase(range);
  return consumer_->pause(options_.topic, chunk.partition());
}

Status Reading::check_patience() {
  const auto error = consumer_->stats().last_error;
  if (bounded()) {
    const auto silent = std::chrono::nanoseconds(system_clock().steady_ns() - last_arrival_ns_);
    if (silent < options_.patience) return {};
    if (error) return fail(*error);
    return fail(Errc::kTimeout, "the broker sent nothing for " +
                                    std::to_string(options_.patience.count() / 1000) + " s");
  }
  if (error && !warned_) {
    std::cerr << "penstock: " << error->message() << "; trying again until Ctrl-C\n";
    warned_ = true;
  }
  return {};
}

}  // namespace

Result<ExitCode> read_topic(client::Client& client, ReadingOptions options, OutputStream& out) {
  return Reading(client, std::move(options), out).run();
}

}  // namespace penstock::tools
