// A service that publishes: each line of standard input, "KEY VALUE", becomes a record.
//
//   publisher TOPIC [HOST:PORT]      (127.0.0.1:7333)
//
// It ends well only when each line is durable. A line that is not goes to standard error, with what
// is known of it: "not written" may be sent again, "unknown" may be in the topic already.
#include <iostream>
#include <string>
#include <unordered_map>

#include "client/client.h"
#include "client/producer.h"

namespace {

using namespace penstock;
using std::chrono::milliseconds;

class Publisher {
 public:
  Publisher(std::string topic, std::unique_ptr<client::Producer> producer)
      : topic_(std::move(topic)), producer_(std::move(producer)) {}

  void publish(const std::string& line) {
    const std::size_t space = line.find(' ');
    const std::string_view key = std::string_view(line).substr(0, space);
    const std::string_view value =
        space == std::string::npos ? std::string_view() : std::string_view(line).substr(space + 1);
    const auto [kept, _] = under_way_.emplace(++number_, line);
    // Waits while too much is under way; so does whoever writes to our standard input.
    const Status accepted = producer_->produce(
        {.topic = topic_, .key = as_bytes(key), .value = as_bytes(value), .tag = number_});
    if (!accepted) {
      report(kept->second, accepted.error());
      under_way_.erase(kept);
    }
    settle(milliseconds(0));
  }

  // True when every line is durable.
  bool finish() {
    const Status closed = producer_->close(milliseconds(30'000));
    if (!closed) std::cerr << closed.error().to_string() << "\n";
    settle(milliseconds(0));
    return failures_ == 0;
  }

 private:
  void settle(milliseconds wait) {
    for (const client::Delivery& one : producer_->poll(wait)) {
      const auto line = under_way_.find(one.tag);
      if (one.error) report(line->second, *one.error);
      under_way_.erase(line);
    }
  }

  void report(const std::string& line, const Error& error) {
    ++failures_;
    const bool may_be_there = error.outcome() == Outcome::kMaybeDone;
    std::cerr << (may_be_there ? "unknown: " : "not written: ") << line << ": " << error.to_string()
              << "\n";
  }

  const std::string topic_;
  const std::unique_ptr<client::Producer> producer_;
  std::unordered_map<std::uint64_t, std::string> under_way_;
  std::uint64_t number_ = 0;
  std::uint64_t failures_ = 0;
};

Result<bool> run(const std::string& topic, const std::string& address) {
  PENSTOCK_TRY_ASSIGN(const auto broker, rpc::Endpoint::parse(address));
  PENSTOCK_TRY_ASSIGN(const auto client, client::Client::open({.bootstrap = {broker}}));
  PENSTOCK_TRY_ASSIGN(auto producer,
                      client::Producer::open(*client, {.reports = client::DeliveryReports::kAll}));
  Publisher publisher(topic, std::move(producer));
  for (std::string line; std::getline(std::cin, line);) publisher.publish(line);
  return publisher.finish();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: publisher TOPIC [HOST:PORT] < lines of \"KEY VALUE\"\n";
    return 2;
  }
  const auto all_durable = run(argv[1], argc > 2 ? argv[2] : "127.0.0.1:7333");
  if (!all_durable) std::cerr << all_durable.error().to_string() << "\n";
  return all_durable && *all_durable ? 0 : 1;
}
