// Reads one partition more slowly than it is written, so that retention overtakes it, and writes
// down every chunk and every time that it was told so.
//
//   penstock-history-slow-reader BOOTSTRAP TOPIC PARTITION leader|any VALUE_BYTES BYTES_PER_S
//   OUTPUT
//
// VALUE_BYTES is what the writers were told. Ends on SIGTERM; SIGUSR1: from now on as fast as it
// can. Lines of OUTPUT (history_output.h), beside those of chunk_lines.h:
//   gone   p, o, start   offset o is out of range; reading goes on at `start`, the log's begin
//   error  e             anything else that poll() said; the reader goes on
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "client/consumer.h"
#include "tests/nemesis/chunk_lines.h"
#include "tests/nemesis/client_arguments.h"
#include "tests/nemesis/history_output.h"

namespace {

using namespace penstock;
using namespace penstock::client;
using penstock::nemesis::HistoryOutput;

volatile std::sig_atomic_t stop_requested = 0;
volatile std::sig_atomic_t hurry_requested = 0;

// What is fetched ahead is not overtaken any more: little of it.
constexpr std::size_t kPrefetchBytes = 128U << 10;
constexpr std::size_t kFetchBytes = 64U << 10;

struct Plan {
  std::string topic;
  PartitionId partition;
  ReadFrom from = ReadFrom::kLeader;
  std::size_t value_bytes = 0;
  double bytes_per_s = 0;
};

class SlowReader {
 public:
  SlowReader(const Plan& plan, HistoryOutput& out) : plan_(plan), out_(out) {}

  // One consumer's life; returns what ended it.
  Status read(Client& client) {
    PENSTOCK_TRY_ASSIGN(const auto consumer,
                        Consumer::open(client, {.memory_limit_bytes = kPrefetchBytes,
                                                .fetch_bytes = kFetchBytes,
                                                .partition_fetch_bytes = kFetchBytes,
                                                .max_wait = milliseconds(100),
                                                .read_from = plan_.from}));
    PENSTOCK_TRY(
        consumer->assign({{.topic = plan_.topic,
                           .partition = plan_.partition,
                           .start = next_ ? StartAt::offset(*next_) : StartAt::beginning()}}));
    while (stop_requested == 0) {
      auto chunks = consumer->poll(milliseconds(100));
      if (chunks) {
        for (Chunk& chunk : *chunks) PENSTOCK_TRY(take(chunk));
      } else if (chunks.error().code() == Errc::kOffsetOutOfRange) {
        PENSTOCK_TRY(go_on(*consumer));
      } else {
        return std::unexpected(std::move(chunks).error());
      }
      out_.flush();
    }
    return {};
  }

 private:
  Status take(Chunk& chunk) {
    const auto bytes = static_cast<double>(chunk.batches().size());
    PENSTOCK_TRY(nemesis::write_chunk(chunk, plan_.value_bytes, out_, [](auto) { return false; }));
    next_ = chunk.next_offset();
    out_.flush();
    for (double left_s = bytes / plan_.bytes_per_s; left_s > 0; left_s -= kNapS) {
      if (stop_requested != 0 || hurry_requested != 0) break;
      std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left_s, kNapS)));
    }
    return {};
  }

  Status go_on(Consumer& consumer) {
    PENSTOCK_TRY(consumer.seek(plan_.topic, plan_.partition, StartAt::beginning()));
    PENSTOCK_TRY_ASSIGN(const Offset start, consumer.position(plan_.topic, plan_.partition));
    out_.line("gone", R"("p":%d,"o":%lld,"start":%lld)", plan_.partition.value(),
              static_cast<long long>(next_.value_or(Offset(0)).value()),
              static_cast<long long>(start.value()));
    next_ = start;
    return {};
  }

  static constexpr double kNapS = 0.1;

  const Plan& plan_;
  HistoryOutput& out_;
  std::optional<Offset> next_;  // none: nothing read yet
};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view from = argc > 4 ? argv[4] : "";
  if (argc != 8 || (from != "leader" && from != "any")) {
    std::fprintf(stderr,
                 "usage: %s BOOTSTRAP TOPIC PARTITION leader|any VALUE_BYTES BYTES_PER_S "
                 "OUTPUT\n",
                 argv[0]);
    return 2;
  }
  const auto bootstrap = nemesis::endpoints_of(argv[1]);
  if (!bootstrap) return std::fprintf(stderr, "%s: not HOST:PORT,...\n", argv[1]), 2;
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  std::signal(SIGUSR1, [](int) { hurry_requested = 1; });
  HistoryOutput out(argv[7]);
  const Plan plan{.topic = argv[2],
                  .partition = PartitionId(std::atoi(argv[3])),
                  .from = from == "any" ? ReadFrom::kAnyReplica : ReadFrom::kLeader,
                  .value_bytes = std::strtoull(argv[5], nullptr, 10),
                  .bytes_per_s = std::atof(argv[6])};
  SlowReader reader(plan, out);
  nemesis::live_on(
      *bootstrap, "history-slow-reader", out, [] { return stop_requested != 0; },
      [&](Client& client) { return reader.read(client); });
  return 0;
}
