#include "broker/partition/flush_queue.h"

#include "broker/partition/partition.h"

namespace penstock::broker {

void FlushQueue::add(std::shared_ptr<Partition> dirty) {
  line_.push_back({std::move(dirty), clock_.steady_ns()});
  begin_next();
}

void FlushQueue::begin_next() {
  while (under_way_ < max_under_way_ && !line_.empty()) {
    Waiting next = std::move(line_.front());
    line_.pop_front();
    run(std::move(next));
  }
}

void FlushQueue::run(Waiting next) {
  ++under_way_;
  // The ticket is taken now, not when the partition got in line: it covers all that came meanwhile.
  storage::FlushTicket ticket = next.partition->begin_flush();
  asio::post(disk_, [this, next = std::move(next), ticket = std::move(ticket)]() mutable {
    const std::int64_t begun_ns = clock_.steady_ns();
    Status status = ticket.run();
    const std::int64_t took_ns = clock_.steady_ns() - begun_ns;
    const std::int64_t queued_ns = begun_ns - next.since_ns;
    asio::post(shard_, [this, partition = std::move(next.partition), ticket = std::move(ticket),
                        status = std::move(status), queued_ns, took_ns] {
      --under_way_;
      partition->complete_flush(ticket, status, queued_ns, took_ns);
      begin_next();
    });
  });
}

}  // namespace penstock::broker
