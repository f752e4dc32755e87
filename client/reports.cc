#include "client/reports.h"

#include <utility>

namespace penstock::client {

void Reports::add(BatchOutcome outcome, PartitionId partition) {
  if (which_ == DeliveryReports::kErrorsOnly && !outcome.error) return;
  const std::size_t records = outcome.records - outcome.ledger.waiting.size();
  if (records == 0) return;
  records_ += records;
  waiting_.push_back({std::move(outcome), partition});
}

std::vector<Report> Reports::take() {
  records_ = 0;
  return std::exchange(waiting_, {});
}

Delivery delivery_of(const Report& report, std::uint32_t index) {
  const BatchOutcome& outcome = report.outcome;
  Delivery delivery{.tag = outcome.ledger.tags[index],
                    .partition = report.partition,
                    .offset = outcome.base_offset,
                    .receipt = outcome.receipt,
                    .error = outcome.error};
  if (!outcome.error) {
    const bool is_known = outcome.base_offset != kUnknownOffset;
    delivery.offset = is_known ? outcome.base_offset + index : kUnknownOffset;
    delivery.may_be_twice = outcome.may_be_twice;
  }
  return delivery;
}

std::vector<Delivery> expand(const std::vector<Report>& reports) {
  std::vector<Delivery> deliveries;
  std::size_t records = 0;
  for (const Report& report : reports) records += report.outcome.records;
  deliveries.reserve(records);
  for (const Report& report : reports) {
    auto waited = report.outcome.ledger.waiting.begin();
    const auto end = report.outcome.ledger.waiting.end();
    for (std::uint32_t i = 0; i < report.outcome.records; ++i) {
      if (waited != end && waited->first == i) {
        ++waited;
      } else {
        deliveries.push_back(delivery_of(report, i));
      }
    }
  }
  return deliveries;
}

}  // namespace penstock::client
