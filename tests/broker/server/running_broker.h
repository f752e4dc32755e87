// RunningBroker: a whole broker in this process on a scratch folder and free ports, and a plain
// blocking client on rpc::Channel, for end-to-end tests.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "broker/server/broker.h"
#include "protocol/record/batch.h"
#include "protocol/record/builder.h"
#include "protocol/record/record.h"
#include "protocol/rpc/channel.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/data.pb.h"
#include "protocol/wire/metadata.pb.h"

namespace penstock::broker {

// A folder that is gone when the test ends.
class ScratchDir {
 public:
  ScratchDir();
  ~ScratchDir();
  std::string path() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

// Generous: a net against hangs, never an expectation.
inline constexpr std::chrono::seconds kPatience{60};

// Looks again and again until it holds: what whole brokers do by themselves tells nobody when it is
// done. False: it did not, within kPatience.
bool holds_at_last(const std::function<bool()>& holds);

// One connection, used by one thread.
class TestClient {
 public:
  explicit TestClient(std::uint16_t port);
  ~TestClient();

  template <typename T>
  T run(Task<T> task) {
    std::optional<T> result;
    asio::co_spawn(io_, std::move(task), [&](const std::exception_ptr& error, T value) {
      if (error) std::rethrow_exception(error);
      result.emplace(std::move(value));
    });
    io_.restart();
    while (!result) io_.run_one();
    return *std::move(result);
  }

  template <typename Response, typename Request>
  Result<rpc::TypedReply<Response>> call(wire::Api api, Request request,
                                         std::vector<SharedBytes> attachment = {}) {
    return run(rpc::call<Response>(*channel_, api, std::move(request), std::move(attachment),
                                   std::chrono::steady_clock::now() + kPatience));
  }
  template <typename Response, typename Request>
  Task<Result<rpc::TypedReply<Response>>> begin(wire::Api api, Request request,
                                                std::vector<SharedBytes> attachment = {}) {
    return rpc::call<Response>(*channel_, api, std::move(request), std::move(attachment),
                               std::chrono::steady_clock::now() + kPatience);
  }
  rpc::Channel& channel() { return *channel_; }
  asio::io_context& io() { return io_; }

  // --- the APIs in short
  Result<std::string> create(const std::string& topic, std::uint32_t partitions = 1,
                             const std::map<std::string, std::string>& settings = {});
  Status remove(const std::string& topic);
  Result<wire::v1::ProduceResponse::PartitionAnswer> produce(
      const std::string& topic_id, std::int32_t partition, const Bytes& batches,
      wire::v1::Durability durability = wire::v1::DURABILITY_TOPIC_DEFAULT);
  // Values of the records from `offset` on; what is there now.
  Result<std::vector<std::string>> values(const std::string& topic_id, std::int32_t partition,
                                          std::int64_t offset);
  Result<rpc::TypedReply<wire::v1::FetchResponse>> fetch(const std::string& topic_id,
                                                         std::int32_t partition,
                                                         std::int64_t offset,
                                                         std::uint32_t max_wait_ms = 0);
  wire::v1::Topic describe(const std::string& topic);

 private:
  asio::io_context io_;
  std::unique_ptr<rpc::Channel> channel_;
};

BrokerConfig test_config(const std::string& data_dir);

// Starts a broker, or fails the test by exception.
std::unique_ptr<Broker> start_broker(const BrokerConfig& config,
                                     BrokerEnvironment environment = {});

Bytes batch_of(const std::vector<std::string>& values, record::BuilderOptions options = {});
SharedBytes shared(Bytes bytes);
wire::v1::ProduceRequest produce_request(
    const std::string& topic_id, std::int32_t partition, std::size_t attachment_bytes,
    wire::v1::Durability durability = wire::v1::DURABILITY_TOPIC_DEFAULT);
wire::v1::FetchRequest fetch_request(const std::string& topic_id, std::int32_t partition,
                                     std::int64_t offset, std::uint32_t max_wait_ms);
// Values of all records in whole batches whose offset is at least `from`.
std::vector<std::string> values_in(ByteView batches, std::int64_t from = 0);

}  // namespace penstock::broker
