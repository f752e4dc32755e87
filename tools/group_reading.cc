#include "tools/group_reading.h"

#include <iostream>
#include <map>

#include "tools/interrupt.h"
#include "tools/limits.h"

namespace penstock::tools {
namespace {

using client::GroupCommit;
using client::GroupPartition;

class GroupReading {
 public:
  GroupReading(client::Client& client, GroupReadingOptions options, OutputStream& out)
      : client_(client), options_(std::move(options)), out_(out) {}

  Result<ExitCode> run() {
    // What goes to others is flushed and committed first; what was lost is theirs already.
    options_.config.callbacks.revoked = [this](const auto&) { last_ = commit_written(); };
    options_.config.callbacks.lost = [this](const auto& partitions) {
      for (const GroupPartition& one : partitions) written_.erase(one);
    };
    PENSTOCK_TRY_ASSIGN(consumer_, client::GroupConsumer::open(client_, options_.config));
    auto code = read();
    const Status closed = consumer_->close();
    if (code && !closed) return fail(closed.error());
    return code;
  }

 private:
  Result<ExitCode> read() {
    while (!interrupted()) {
      PENSTOCK_TRY_ASSIGN(auto chunks, consumer_->poll(kConsumeWait));
      PENSTOCK_TRY(std::exchange(last_, Status()));
      tell_trouble();
      for (client::Chunk& chunk : chunks) {
        PENSTOCK_TRY(print(chunk));
        if (count_ == options_.max_records) break;
      }
      PENSTOCK_TRY(commit_written());
      if (reader_ == Reader::kGone || count_ == options_.max_records) return ExitCode::kOk;
    }
    return ExitCode::kInterrupted;
  }

  Status print(client::Chunk& chunk) {
    const GroupPartition partition{chunk.topic(), chunk.partition()};
    while (count_ != options_.max_records) {
      PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
      if (!record) {
        written_[partition] = chunk.next_offset();
        break;
      }
      options_.writer({partition.topic, partition.partition, *record}, out_.buffer());
      written_[partition] = record->offset + 1;
      ++count_;
      PENSTOCK_TRY_ASSIGN(reader_, out_.flush_when_large());
    }
    return {};
  }

  Status commit_written() {
    PENSTOCK_TRY_ASSIGN(reader_, out_.flush());
    if (written_.empty() || reader_ == Reader::kGone) return {};
    std::vector<GroupCommit> positions;
    for (const auto& [partition, next] : written_) {
      positions.push_back({.partition = partition, .offset = next});
    }
    const Status done = consumer_->commit(positions);
    written_.clear();
    if (done || done.error().code() != Errc::kUnknownMember) return done;
    std::cerr << "penstock: the group took this member for dead; what was printed last may be "
                 "printed again by others\n";
    return {};
  }

  void tell_trouble() {
    const auto error = consumer_->stats().last_error;
    if (error && !told_) std::cerr << "penstock: " << error->message() << "; trying again\n";
    told_ = error.has_value();
  }

  client::Client& client_;
  GroupReadingOptions options_;
  OutputStream& out_;
  std::unique_ptr<client::GroupConsumer> consumer_;
  std::map<GroupPartition, Offset> written_;  // not committed yet
  std::int64_t count_ = 0;
  Reader reader_ = Reader::kThere;
  Status last_;  // of the commit within a callback
  bool told_ = false;
};

}  // namespace

Result<ExitCode> read_as_member(client::Client& client, GroupReadingOptions options,
                                OutputStream& out) {
  return GroupReading(client, std::move(options), out).run();
}

}  // namespace penstock::tools
