#include "tests/broker/server/running_broker.h"

#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "protocol/wire/error_message.h"

namespace penstock::broker {
namespace {

template <typename T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().to_string());
  return *std::move(result);
}

}  // namespace

ScratchDir::ScratchDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "penstock-test-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  path_ = pattern;
}
ScratchDir::~ScratchDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

BrokerConfig test_config(const std::string& data_dir) {
  BrokerConfig config;
  config.data_dir = data_dir;
  config.listen = {"127.0.0.1", 0};
  config.metrics_listen = {"127.0.0.1", 0};
  config.disk_reserve_bytes = 0;
  config.shards = 2;
  return config;
}

std::unique_ptr<Broker> start_broker(const BrokerConfig& config, BrokerEnvironment environment) {
  return must(Broker::start(config, std::move(environment)));
}

bool holds_at_last(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

TestClient::TestClient(std::uint16_t port) {
  channel_ = must(run(rpc::Channel::open({"127.0.0.1", port}, {.client_name = "test"},
                                         std::chrono::steady_clock::now() + kPatience)));
}

namespace {

Task<Status> close(rpc::Channel& channel) {
  co_await channel.close();
  co_return Status{};
}

}  // namespace

TestClient::~TestClient() { run(close(*channel_)).value(); }

Result<std::string> TestClient::create(const std::string& topic, std::uint32_t partitions,
                                       const std::map<std::string, std::string>& settings) {
  wire::v1::CreateTopicRequest request;
  request.set_name(topic);
  request.set_partitions(partitions);
  // The records of tests are from 2023: time retention must not have an opinion on them.
  std::map<std::string, std::string> all = {{"retention_ms", "unlimited"}};
  for (const auto& [name, value] : settings) all[name] = value;
  for (const auto& [name, value] : all) {
    auto& setting = *request.add_settings();
    setting.set_name(name);
    setting.set_value(value);
  }
  PENSTOCK_TRY_ASSIGN(const auto reply,
                      call<wire::v1::CreateTopicResponse>(wire::Api::kCreateTopic, request));
  return reply.message.topic_id();
}

Status TestClient::remove(const std::string& topic) {
  wire::v1::DeleteTopicRequest request;
  request.set_name(topic);
  PENSTOCK_TRY(call<wire::v1::DeleteTopicResponse>(wire::Api::kDeleteTopic, request));
  return {};
}

Result<wire::v1::ProduceResponse::PartitionAnswer> TestClient::produce(
    const std::string& topic_id, std::int32_t partition, const Bytes& batches,
    wire::v1::Durability durability) {
  PENSTOCK_TRY_ASSIGN(
      const auto reply,
      call<wire::v1::ProduceResponse>(
          wire::Api::kProduce, produce_request(topic_id, partition, batches.size(), durability),
          {shared(batches)}));
  PENSTOCK_TRY(wire::status_of(reply.message.partitions(0)));
  return reply.message.partitions(0);
}

Result<rpc::TypedReply<wire::v1::FetchResponse>> TestClient::fetch(const std::string& topic_id,
                                                                   std::int32_t partition,
                                                                   std::int64_t offset,
                                                                   std::uint32_t max_wait_ms) {
  return call<wire::v1::FetchResponse>(wire::Api::kFetch,
                                       fetch_request(topic_id, partition, offset, max_wait_ms));
}

Result<std::vector<std::string>> TestClient::values(const std::string& topic_id,
                                                    std::int32_t partition, std::int64_t offset) {
  std::vector<std::string> all;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto reply, fetch(topic_id, partition, offset));
    PENSTOCK_TRY(wire::status_of(reply.message.partitions(0)));
    const auto some = values_in(reply.attachment.view(), offset);
    if (some.empty()) return all;
    all.insert(all.end(), some.begin(), some.end());
    offset += std::ssize(some);
  }
}

wire::v1::Topic TestClient::describe(const std::string& topic) {
  wire::v1::DescribeTopicsRequest request;
  request.add_names(topic);
  request.set_with_offsets(true);
  request.set_with_settings(true);
  return must(call<wire::v1::DescribeTopicsResponse>(wire::Api::kDescribeTopics, request))
      .message.topics(0);
}

Bytes batch_of(const std::vector<std::string>& values, record::BuilderOptions options) {
  record::BatchBuilder builder(options);
  for (const std::string& value : values) {
    builder.append(Timestamp(1'700'000'000'000), std::nullopt, as_bytes(value));
  }
  return must(builder.build());
}

SharedBytes shared(Bytes bytes) { return SharedBytes(std::move(bytes)); }

wire::v1::ProduceRequest produce_request(const std::string& topic_id, std::int32_t partition,
                                         std::size_t attachment_bytes,
                                         wire::v1::Durability durability) {
  wire::v1::ProduceRequest request;
  request.set_durability(durability);
  auto& data = *request.add_partitions();
  data.set_topic_id(topic_id);
  data.set_partition(partition);
  data.set_attachment_bytes(static_cast<std::uint32_t>(attachment_bytes));
  data.set_leader_epoch(-1);
  return request;
}

wire::v1::FetchRequest fetch_request(const std::string& topic_id, std::int32_t partition,
                                     std::int64_t offset, std::uint32_t max_wait_ms) {
  wire::v1::FetchRequest request;
  auto& asked = *request.add_partitions();
  asked.set_topic_id(topic_id);
  asked.set_partition(partition);
  asked.set_offset(offset);
  asked.set_max_bytes(1 << 20);
  asked.set_leader_epoch(-1);
  request.set_max_wait_ms(max_wait_ms);
  request.set_min_bytes(1);
  request.set_max_bytes(4 << 20);
  return request;
}

std::vector<std::string> values_in(ByteView batches, std::int64_t from) {
  std::vector<std::string> values;
  while (!batches.empty()) {
    const auto batch = must(record::BatchView::parse(batches));
    if (const Status intact = batch.verify_crc(); !intact) {
      throw std::runtime_error(intact.error().to_string());
    }
    batches = batches.subspan(batch.size());
    auto records = must(record::Records::open(batch));
    while (const auto record = must(records.next())) {
      if (record->offset.value() < from) continue;
      values.emplace_back(as_text(record->value.value_or(ByteView{})));
    }
  }
  return values;
}

}  // namespace penstock::broker
