// Reads a topic from its beginning and writes down every poll.
//
//   penstock-history-reader BOOTSTRAP TOPIC PARTITIONS leader|any OUTPUT [UNTIL]
//
// Leaders are asked, or any replicas. UNTIL is one offset a partition, separated by commas: the
// reader ends when it has read up to each of them; without it, or before that, it ends on SIGTERM.
// Lines of OUTPUT (history_output.h):
//   poll     p, hw, next, r: [[offset, "name"], ...]   one chunk, in the order it came
//   altered  p, o, v                                   a value whose filler is not its own
//   error    e                                         what poll() said; the reader goes on
#include <csignal>
#include <cstdlib>
#include <map>
#include <thread>

#include "client/client.h"
#include "client/consumer.h"
#include "tests/nemesis/history_output.h"

namespace {

using namespace penstock;
using namespace penstock::client;
using penstock::nemesis::HistoryOutput;

volatile std::sig_atomic_t stop_requested = 0;

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

class Reader {
 public:
  Reader(std::string topic, std::int32_t partitions, std::vector<Offset> until, HistoryOutput& out)
      : topic_(std::move(topic)), until_(std::move(until)), next_(partitions), out_(out) {}

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

 private:
  Status take(Chunk& chunk) {
    std::string records;
    while (true) {
      PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
      if (!record) break;
      const std::string_view value = as_text(record->value.value_or(ByteView()));
      const std::string_view name = value.substr(0, value.find(':'));
      if (value != nemesis::value_of(name)) {
        out_.line("altered", R"("p":%d,"o":%lld,"v":"%s")", chunk.partition().value(),
                  static_cast<long long>(record->offset.value()),
                  nemesis::quotable(std::string(value.substr(0, 60))).c_str());
      }
      if (!records.empty()) records += ',';
      records += "[" + std::to_string(record->offset.value()) + ",\"" +
                 nemesis::quotable(std::string(name)) + "\"]";
    }
    out_.line("poll", R"("p":%d,"hw":%lld,"next":%lld,"r":[%s])", chunk.partition().value(),
              static_cast<long long>(chunk.high_watermark().value()),
              static_cast<long long>(chunk.next_offset().value()), records.c_str());
    next_[static_cast<std::size_t>(chunk.partition().value())] = chunk.next_offset();
    return {};
  }

  std::string topic_;
  std::vector<Offset> until_;
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

void run(const std::vector<rpc::Endpoint>& bootstrap, ReadFrom from, Reader& reader,
         HistoryOutput& out) {
  std::unique_ptr<Client> client;
  while (!reader.is_done()) {
    Status status;
    if (!client) {
      auto opened = Client::open({.bootstrap = bootstrap,
                                  .client_name = "history-reader",
                                  .connect_timeout = milliseconds(1'000),
                                  .request_timeout = milliseconds(5'000),
                                  .retry_backoff_max = milliseconds(200)});
      if (opened) client = *std::move(opened);
      if (!opened) status = std::unexpected(std::move(opened).error());
    }
    if (client) status = read(*client, from, reader, out);
    if (status) continue;
    out.line("error", R"("e":"%s")", nemesis::quotable(status.error().to_string()).c_str());
    out.flush();
    std::this_thread::sleep_for(milliseconds(100));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view from = argc > 4 ? argv[4] : "";
  if ((argc != 6 && argc != 7) || (from != "leader" && from != "any")) {
    std::fprintf(stderr, "usage: %s BOOTSTRAP TOPIC PARTITIONS leader|any OUTPUT [UNTIL]\n",
                 argv[0]);
    return 2;
  }
  std::vector<rpc::Endpoint> bootstrap;
  for (const std::string& part : parts_of(argv[1])) {
    auto endpoint = rpc::Endpoint::parse(part);
    if (!endpoint) return std::fprintf(stderr, "%s\n", endpoint.error().message().c_str()), 2;
    bootstrap.push_back(*std::move(endpoint));
  }
  std::vector<Offset> until;
  if (argc == 7) {
    for (const std::string& part : parts_of(argv[6])) {
      until.emplace_back(std::strtoll(part.c_str(), nullptr, 10));
    }
  }
  std::signal(SIGTERM, [](int) { stop_requested = 1; });
  HistoryOutput out(argv[5]);
  Reader reader(argv[2], std::atoi(argv[3]), std::move(until), out);
  run(bootstrap, from == "any" ? ReadFrom::kAnyReplica : ReadFrom::kLeader, reader, out);
  return 0;
}
