// Publishes numbered records at a steady rate and writes down what became of each, until SIGTERM.
//
//   penstock-history-writer BOOTSTRAP TOPIC PARTITIONS NAME RATE PATIENCE_MS OUTPUT [VALUE_BYTES]
//
// BOOTSTRAP is HOST:PORT,... . PATIENCE_MS is how long a record may take until it is given up;
// an impatient writer has more unknown outcomes. Record number i goes to partition i modulo
// PARTITIONS and is called "NAME-i"; its value has VALUE_BYTES at least. Lines of OUTPUT
// (history_output.h):
//   send  id, p          before it is handed to the client
//   ok    id, p, o, dup  acknowledged at offset o; dup 1: an earlier attempt may have written it
//   fail  id, p, e       certainly not written
//   info  id, p, e       may have been written
#include <csignal>
#include <cstdlib>

#include "client/producer.h"
#include "tests/nemesis/client_arguments.h"
#include "tests/nemesis/history_output.h"

namespace {

using namespace penstock;
using namespace penstock::client;
using penstock::nemesis::HistoryOutput;

volatile std::sig_atomic_t stop_requested = 0;

// Records without an outcome at most: an outage of seconds, then the writer waits.
constexpr std::uint64_t kMaxUnderWay = 20'000;

struct Plan {
  std::vector<rpc::Endpoint> bootstrap;
  std::string topic;
  std::int32_t partitions = 1;
  std::string name;
  double rate = 0;
  milliseconds patience{};
  std::size_t value_bytes = 0;
};

class Writer {
 public:
  Writer(const Plan& plan, Producer& producer, HistoryOutput& out)
      : plan_(plan), producer_(producer), out_(out) {}

  void run() {
    const double begun = HistoryOutput::now_s();
    double skipped = 0;  // records that were due while too many were under way
    while (stop_requested == 0) {
      const double due = (HistoryOutput::now_s() - begun) * plan_.rate - skipped;
      while (static_cast<double>(next_) < due && under_way() < kMaxUnderWay) send();
      if (under_way() >= kMaxUnderWay) skipped += std::max(0.0, due - static_cast<double>(next_));
      take_outcomes(milliseconds(2));
      out_.flush();
    }
  }

  void take_outcomes(milliseconds wait) {
    const auto deliveries = producer_.poll(wait);
    for (const Delivery& delivery : deliveries) {
      ++settled_;
      const auto id = static_cast<unsigned long long>(delivery.tag);
      if (!delivery.error) {
        out_.line("ok", R"("id":%llu,"p":%d,"o":%lld,"dup":%d)", id, delivery.partition.value(),
                  static_cast<long long>(delivery.offset.value()),
                  static_cast<int>(delivery.may_be_twice));
      } else {
        tell(id, delivery.partition.value(), *delivery.error);
      }
    }
  }

 private:
  std::uint64_t under_way() const { return next_ - settled_; }

  void send() {
    const std::uint64_t id = next_++;
    const auto partition = static_cast<std::int32_t>(id % static_cast<unsigned>(plan_.partitions));
    const std::string value =
        nemesis::value_of(plan_.name + "-" + std::to_string(id), plan_.value_bytes);
    out_.line("send", R"("id":%llu,"p":%d)", static_cast<unsigned long long>(id), partition);
    const Status accepted = producer_.produce({.topic = plan_.topic,
                                               .partition = PartitionId(partition),
                                               .value = as_bytes(value),
                                               .tag = id});
    if (accepted) return;
    ++settled_;
    tell(id, partition, accepted.error());
  }

  void tell(unsigned long long id, std::int32_t partition, const Error& error) {
    out_.line(error.outcome() == Outcome::kNotDone ? "fail" : "info",
              R"("id":%llu,"p":%d,"e":"%s")", id, partition,
              nemesis::quotable(error.to_string()).c_str());
  }

  const Plan& plan_;
  Producer& producer_;
  HistoryOutput& out_;
  std::uint64_t next_ = 0;
  std::uint64_t settled_ = 0;
};

int run(const Plan& plan, HistoryOutput& out) {
  Result<std::unique_ptr<Client>> client = fail(Errc::kShuttingDown);
  while (!client) {
    client = nemesis::open_client(plan.bootstrap, plan.name);
    if (!client && stop_requested != 0) return 0;
  }
  const auto producer = Producer::open(**client, {.reports = DeliveryReports::kAll,
                                                  .batch_bytes = 16U << 10,
                                                  .linger = milliseconds(1),
                                                  .max_block = milliseconds(3'000),
                                                  .delivery_timeout = plan.patience});
  if (!producer) return std::fprintf(stderr, "%s\n", producer.error().to_string().c_str()), 1;
  Writer writer(plan, **producer, out);
  writer.run();
  (void)(*producer)->close(plan.patience +
                           milliseconds(2'000));  // what it could not deliver is in the reports
  writer.take_outcomes(milliseconds(0));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 8 && argc != 9) {
    std::fprintf(
        stderr, "usage: %s BOOTSTRAP TOPIC PARTITIONS NAME RATE PATIENCE_MS OUTPUT [VALUE_BYTES]\n",
        argv[0]);
    return 2;
  }
  const auto endpoints = nemesis::endpoints_of(argv[1]);
  if (!endpoints) return std::fprintf(stderr, "%s: not HOST:PORT,...\n", argv[1]), 2;
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  HistoryOutput out(argv[7]);
  return run({.bootstrap = *endpoints,
              .topic = argv[2],
              .partitions = std::atoi(argv[3]),
              .name = argv[4],
              .rate = std::atof(argv[5]),
              .patience = milliseconds(std::atoi(argv[6])),
              .value_bytes = argc > 8 ? std::strtoull(argv[8], nullptr, 10) : 0},
             out);
}
