// Reads a topic from its beginning and writes down every poll.
//
//   penstock-history-reader BOOTSTRAP TOPIC PARTITIONS leader|any OUTPUT [UNTIL [VALUE_BYTES]]
//
// Leaders are asked, or any replicas. UNTIL is one offset a partition, separated by commas: the
// reader ends when it has read up to each of them; without it, or before that, it ends on SIGTERM.
// VALUE_BYTES is what the writers were told.
// Lines of OUTPUT (history_output.h), beside those of chunk_lines.h:
//   error  e                            what poll() said; the reader goes on
//   bulk   p, next, missing, repeated   at the end, of a bulk writer's records
#include <csignal>
#include <cstdlib>

#include "client/consumer.h"
#include "tests/nemesis/bulk.h"
#include "tests/nemesis/chunk_lines.h"
#include "tests/nemesis/client_arguments.h"
#include "tests/nemesis/history_output.h"

namespace {

using namespace penstock;
using namespace penstock::client;
using penstock::nemesis::HistoryOutput;

volatile std::sig_atomic_t stop_requested = 0;

class Reader {
 public:
  Reader(std::string topic, std::int32_t partitions, std::vector<Offset> until,
         std::size_t value_bytes, HistoryOutput& out)
      : topic_(std::move(topic)),
        until_(std::move(until)),
        value_bytes_(value_bytes),
        next_(static_cast<std::size_t>(partitions)),
        out_(out) {
    for (std::int32_t p = 0; p < partitions; ++p) bulk_.emplace_back(p, partitions);
  }

  bool is_done() const {
    if (stop_requested != 0) return true;
    for (std::size_t p = 0; p < until_.size(); ++p) {
      if (!next_[p] || *next_[p] < until_[p]) return false;
    }
    return !until_.empty();
  }

  // Every partition from where it was read up to.
  std::vector<Assignment> assignments() const {
    std::vector<Assignment> all;
    for (std::size_t p = 0; p < next_.size(); ++p) {
      all.push_back({.topic = topic_,
                     .partition = PartitionId(static_cast<std::int32_t>(p)),
                     .start = next_[p] ? StartAt::offset(*next_[p]) : StartAt::beginning()});
    }
    return all;
  }

  Status take(std::vector<Chunk> chunks) {
    for (Chunk& chunk : chunks) PENSTOCK_TRY(take(chunk));
    return {};
  }

  void tell_bulk() const {
    for (std::size_t p = 0; p < bulk_.size(); ++p) {
      const nemesis::BulkTally& tally = bulk_[p];
      if (!tally.has_seen_any()) continue;
      out_.line("bulk", R"("p":%zu,"next":%llu,"missing":%llu,"repeated":%llu)", p,
                static_cast<unsigned long long>(tally.next()),
                static_cast<unsigned long long>(tally.missing()),
                static_cast<unsigned long long>(tally.repeated()));
    }
  }

 private:
  Status take(Chunk& chunk) {
    const auto partition = static_cast<std::size_t>(chunk.partition().value());
    const auto is_bulk = [&](std::string_view name) {
      const auto number = nemesis::bulk_number_of(name);
      if (number) bulk_[partition].add(*number);
      return number.has_value();
    };
    PENSTOCK_TRY(nemesis::write_chunk(chunk, value_bytes_, out_, is_bulk));
    next_[partition] = chunk.next_offset();
    return {};
  }

  std::string topic_;
  std::vector<Offset> until_;
  std::size_t value_bytes_;
  std::vector<nemesis::BulkTally> bulk_;     // by partition
  std::vector<std::optional<Offset>> next_;  // none: nothing read yet
  HistoryOutput& out_;
};

// One consumer's life; returns what ended it.
Status read(Client& client, ReadFrom from, Reader& reader, HistoryOutput& out) {
  PENSTOCK_TRY_ASSIGN(const auto consumer,
                      Consumer::open(client, {.max_wait = milliseconds(100), .read_from = from}));
  PENSTOCK_TRY(consumer->assign(reader.assignments()));
  while (!reader.is_done()) {
    PENSTOCK_TRY_ASSIGN(auto chunks, consumer->poll(milliseconds(100)));
    PENSTOCK_TRY(reader.take(std::move(chunks)));
    out.flush();
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view from = argc > 4 ? argv[4] : "";
  if (argc < 6 || argc > 8 || (from != "leader" && from != "any")) {
    std::fprintf(stderr,
                 "usage: %s BOOTSTRAP TOPIC PARTITIONS leader|any OUTPUT [UNTIL [VALUE_BYTES]]\n",
                 argv[0]);
    return 2;
  }
  const auto bootstrap = nemesis::endpoints_of(argv[1]);
  if (!bootstrap) return std::fprintf(stderr, "%s: not HOST:PORT,...\n", argv[1]), 2;
  std::vector<Offset> until;
  if (argc > 6) {
    for (const std::string& part : nemesis::parts_of(argv[6])) {
      until.emplace_back(std::strtoll(part.c_str(), nullptr, 10));
    }
  }
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  HistoryOutput out(argv[5]);
  Reader reader(argv[2], std::atoi(argv[3]), std::move(until),
                argc > 7 ? std::strtoull(argv[7], nullptr, 10) : 0, out);
  const ReadFrom source = from == "any" ? ReadFrom::kAnyReplica : ReadFrom::kLeader;
  nemesis::live_on(
      *bootstrap, "history-reader", out, [&] { return reader.is_done(); },
      [&](Client& client) { return read(client, source, reader, out); });
  reader.tell_bulk();
  return 0;
}
