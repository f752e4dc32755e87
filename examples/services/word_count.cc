// Counts the words of a topic of one partition into another one, "TOPIC-counts", of which the
// latest record of a key says how often that word occurred.
//
//   word_count TOPIC [HOST:PORT]      (127.0.0.1:7333)
//
// Each count says up to which offset it counted: "7 up to 120". Whoever starts reads the counts,
// goes on behind the smallest place that is certain, and passes over what a word has counted
// already. So each word is counted once however often this program is killed, without anything but
// the two topics.
#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "client/client.h"
#include "client/consumer.h"
#include "client/producer.h"

namespace {

using namespace penstock;
using std::chrono::milliseconds;

constexpr PartitionId kOnly(0);
// Every count up to there is durable: kept under a key that no word has.
constexpr std::string_view kPlaceKey = " place";

struct Count {
  std::int64_t times = 0;
  Offset up_to;  // behind the last line that was counted
};

struct Counts {
  std::map<std::string, Count> words;
  Offset place;
};

Status create(client::Client& client, const std::string& topic) {
  const auto created = client.admin().create_topic({.name = topic, .partitions = 1});
  if (created || created.error().code() == Errc::kTopicExists) return {};
  return std::unexpected(created.error());
}

// Calls `take` with each record from `start` to the topic's present end.
template <typename Take>
Status read_to_end(client::Client& client, const std::string& topic, client::StartAt start,
                   Take take) {
  PENSTOCK_TRY_ASSIGN(const auto consumer, client::Consumer::open(client, {}));
  PENSTOCK_TRY(consumer->assign({{topic, kOnly, start}}));
  while (!consumer->at_end()) {
    PENSTOCK_TRY_ASSIGN(auto chunks, consumer->poll(milliseconds(500)));
    for (client::Chunk& chunk : chunks) {
      while (true) {
        PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
        if (!record) break;
        take(*record);
      }
    }
  }
  return consumer->close();
}

Result<Counts> load(client::Client& client, const std::string& topic) {
  Counts counts;
  const auto take = [&](const record::RecordView& record) {
    const std::string key(as_text(record.key.value_or(ByteView())));
    std::istringstream text{std::string(as_text(record.value.value_or(ByteView())))};
    std::int64_t times = 0;
    std::int64_t up_to = 0;
    std::string word;
    text >> times >> word >> word >> up_to;
    if (key == kPlaceKey) {
      counts.place = Offset(up_to);
    } else {
      counts.words[key] = {times, Offset(up_to)};
    }
  };
  PENSTOCK_TRY(read_to_end(client, topic, client::StartAt::beginning(), take));
  return counts;
}

Status save(client::Producer& producer, const std::string& topic, std::string_view key,
            const Count& count) {
  const std::string text =
      std::to_string(count.times) + " up to " + std::to_string(count.up_to.value());
  return producer.produce({.topic = topic, .key = as_bytes(key), .value = as_bytes(text)});
}

Status run(const std::string& topic, const std::string& address) {
  const std::string results = topic + "-counts";
  PENSTOCK_TRY_ASSIGN(const auto broker, rpc::Endpoint::parse(address));
  PENSTOCK_TRY_ASSIGN(const auto client, client::Client::open({.bootstrap = {broker}}));
  PENSTOCK_TRY(create(*client, results));
  PENSTOCK_TRY_ASSIGN(Counts counts, load(*client, results));
  PENSTOCK_TRY_ASSIGN(const auto producer, client::Producer::open(*client, {}));

  std::map<std::string, Count> changed;
  Offset end = counts.place;
  const auto count_line = [&](const record::RecordView& line) {
    std::istringstream words{std::string(as_text(line.value.value_or(ByteView())))};
    std::map<std::string, std::int64_t> here;
    for (std::string word; words >> word;) ++here[word];
    for (const auto& [word, times] : here) {
      Count& count = counts.words[word];
      if (count.up_to > line.offset) continue;  // counted in an earlier life
      count = {count.times + times, line.offset + 1};
      changed[word] = count;
    }
    end = line.offset + 1;
  };
  PENSTOCK_TRY(read_to_end(*client, topic, client::StartAt::offset(counts.place), count_line));
  for (const auto& [word, count] : changed) PENSTOCK_TRY(save(*producer, results, word, count));
  PENSTOCK_TRY(producer->flush(milliseconds(30'000)));  // the place only when they are durable
  PENSTOCK_TRY(save(*producer, results, kPlaceKey, {0, end}));
  PENSTOCK_TRY(producer->close(milliseconds(30'000)));
  for (const auto& [word, count] : counts.words) std::cout << count.times << " " << word << "\n";
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: word_count TOPIC [HOST:PORT]\n";
    return 2;
  }
  const Status status = run(argv[1], argc > 2 ? argv[2] : "127.0.0.1:7333");
  if (status) return 0;
  std::cerr << status.error().to_string() << "\n";
  return 1;
}
