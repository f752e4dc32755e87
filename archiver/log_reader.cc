#include "archiver/log_reader.h"

#include <utility>

#include "base/clock.h"

namespace penstock::archiver {
namespace {

constexpr std::chrono::milliseconds kPollWait{500};

}  // namespace

Result<LogReader> LogReader::open(RecordSource& source, std::string topic, PartitionId partition,
                                  Offset from, std::chrono::milliseconds timeout) {
  PENSTOCK_TRY(source.assign({{.topic = topic, .partition = partition, .next = from}}));
  return LogReader(source, std::move(topic), partition, from, timeout);
}

Status LogReader::visit_until(Offset end, const RecordVisitor& visit) {
  while (true) {
    if (ready_) {
      if (ready_->offset >= end) return {};
      if (ready_->offset >= position_) {
        visit(*ready_, leader_epoch_);
        position_ = ready_->offset + 1;
      }
      ready_.reset();
    } else if (records_) {
      PENSTOCK_TRY(advance());
    } else if (!rest_.empty()) {
      PENSTOCK_TRY(open_next_batch());
    } else if (!waiting_.empty() && delivered_to_ < end) {
      take_next_delivery();
    } else if (delivered_to_ >= end) {
      return {};
    } else {
      PENSTOCK_TRY(fetch());
    }
  }
}

Status LogReader::advance() {
  PENSTOCK_TRY_ASSIGN(ready_, records_->next());
  if (!ready_) records_.reset();
  return {};
}

Status LogReader::open_next_batch() {
  PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest_));
  rest_ = rest_.subspan(batch.size());
  if (batch.is_control() || batch.end_offset() <= position_) return {};
  PENSTOCK_TRY_ASSIGN(records_, record::Records::open(batch));
  leader_epoch_ = batch.leader_epoch();
  return {};
}

void LogReader::take_next_delivery() {
  delivered_ = std::move(waiting_.front().batches);
  delivered_to_ = waiting_.front().next;
  rest_ = delivered_.view();
  waiting_.pop_front();
}

Status LogReader::fetch() {
  const std::int64_t give_up_ns =
      system_clock().steady_ns() + std::chrono::nanoseconds(timeout_).count();
  while (true) {
    PENSTOCK_TRY_ASSIGN(auto deliveries, source_.poll(kPollWait));
    for (SourceBatches& one : deliveries) {
      const bool is_ours = one.topic == topic_ && one.partition == partition_;
      if (is_ours && one.next > delivered_to_) waiting_.push_back(std::move(one));
    }
    if (!waiting_.empty()) return {};
    if (system_clock().steady_ns() >= give_up_ns) {
      return fail(Errc::kTimeout, "the log delivers nothing behind offset " +
                                      std::to_string(delivered_to_.value()));
    }
  }
}

}  // namespace penstock::archiver
