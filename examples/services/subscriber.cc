// A service that consumes, as one of a group, and commits by itself what it has processed. Start
// several: they share the topic's partitions; stop or kill one: the others take over its share.
//
//   subscriber GROUP TOPIC [HOST:PORT]      (127.0.0.1:7333)
//
// What was committed is not processed again. What was processed and not committed when it was
// killed is processed once more by another one: do the work and note the position together where
// that matters (word_count.cc), or make the work harmless to repeat.
#include <atomic>
#include <csignal>
#include <iostream>
#include <string>

#include "client/client.h"
#include "client/group_consumer.h"

namespace {

using namespace penstock;
using std::chrono::milliseconds;

std::atomic<bool> running = true;

void process(const client::Chunk& chunk, const record::RecordView& record) {
  std::cout << chunk.topic() << "/" << chunk.partition().value() << "@" << record.offset.value()
            << " " << as_text(record.key.value_or(ByteView())) << " "
            << as_text(record.value.value_or(ByteView())) << "\n";
}

Status process_all(std::vector<client::Chunk>& chunks) {
  for (client::Chunk& chunk : chunks) {
    while (true) {
      PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
      if (!record) break;
      process(chunk, *record);
    }
  }
  std::cout.flush();
  return {};
}

Status serve(client::GroupConsumer& consumer) {
  while (running) {
    PENSTOCK_TRY_ASSIGN(auto chunks, consumer.poll(milliseconds(500)));
    if (chunks.empty()) continue;
    PENSTOCK_TRY(process_all(chunks));
    const Status committed = consumer.commit();
    if (committed) continue;
    // Others have our partitions: what we did since the last commit, they do again.
    const Errc why = committed.error().code();
    const bool goes_on = why == Errc::kUnknownMember || why == Errc::kNotOwner;
    std::cerr << "not committed: " << committed.error().to_string() << "\n";
    if (!goes_on) return committed;
  }
  return consumer.close();
}

Status run(const std::string& group, const std::string& topic, const std::string& address) {
  PENSTOCK_TRY_ASSIGN(const auto broker, rpc::Endpoint::parse(address));
  PENSTOCK_TRY_ASSIGN(const auto client, client::Client::open({.bootstrap = {broker}}));
  client::GroupConfig config{.group = group, .topics = {topic}};
  config.callbacks.assigned = [](const auto& partitions) {
    std::cerr << "reads " << partitions.size() << " partition(s) more\n";
  };
  config.callbacks.revoked = [](const auto& partitions) {
    std::cerr << "gives " << partitions.size() << " partition(s) away\n";
  };
  PENSTOCK_TRY_ASSIGN(const auto consumer, client::GroupConsumer::open(*client, config));
  return serve(*consumer);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: subscriber GROUP TOPIC [HOST:PORT]\n";
    return 2;
  }
  for (const int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { running = false; });
  const Status status = run(argv[1], argv[2], argc > 3 ? argv[3] : "127.0.0.1:7333");
  if (status) return 0;
  std::cerr << status.error().to_string() << "\n";
  return 1;
}
