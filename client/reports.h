// Reports: outcomes of batches as they wait for the application, one Delivery a record.
//
// A batch is kept as one outcome and becomes deliveries when it is taken, on the thread that takes
// it. Threads: one at a time (client/intake.h puts its lock around it); expand() is pure.
#pragma once

#include <vector>

#include "client/batch.h"
#include "client/config.h"

namespace penstock::client {

struct Report {
  BatchOutcome outcome;
  PartitionId partition;
};

class Reports {
 public:
  explicit Reports(DeliveryReports which) : which_(which) {}

  // Keeps what the application asked for.
  void add(BatchOutcome outcome, PartitionId partition);
  std::vector<Report> take();
  // Of records, in reports that nobody took.
  std::size_t size() const { return records_; }

 private:
  DeliveryReports which_;
  std::vector<Report> waiting_;
  std::size_t records_ = 0;
};

Delivery delivery_of(const Report& report, std::uint32_t index);

// One delivery for each record, in order. Records whose caller waited for them are left out: they
// had their answer.
std::vector<Delivery> expand(const std::vector<Report>& reports);

}  // namespace penstock::client
