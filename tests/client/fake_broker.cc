#include "tests/client/fake_broker.h"

#include <utility>

#include "base/assert.h"
#include "protocol/record/batch.h"
#include "protocol/record/builder.h"
#include "protocol/record/crc32c.h"
#include "protocol/record/record.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/error_message.h"
#include "protocol/wire/uuid_bytes.h"
#include "tests/client/fake_broker_message.h"

namespace penstock::client {
namespace {

using std::chrono::steady_clock;

}  // namespace

FakeBroker::FakeBroker(FakeBrokerOptions options)
    : options_(options), thread_([this] { context_.run(); }) {
  on_thread([&] { listen(); });
}

FakeBroker::~FakeBroker() {
  on_thread([&] {
    closing_ = true;
    held_ = false;
    server_.reset();
    changed_.notify_all();
  });
  busy_.reset();
  thread_.join();
}

void FakeBroker::listen() {
  rpc::ServerOptions options;
  options.listen = {"127.0.0.1", port_};
  options.cluster_id = uuid_of(7);
  options.broker_id = 0;
  options.software = "fake";
  options.max_frame_bytes = options_.max_frame_bytes;
  options.max_request_memory_bytes = options_.max_request_memory_bytes;
  auto server = rpc::Server::start(context_.get_executor(), options,
                                   [this](rpc::Request request) { return handle(request); });
  PENSTOCK_ASSERT(server.has_value(), "a free port");
  server_ = std::move(*server);
  port_ = server_->port();
}

void FakeBroker::kill() {
  on_thread([&] { server_.reset(); });
}
void FakeBroker::revive() {
  on_thread([&] { listen(); });
}
void FakeBroker::cut_connections() {
  on_thread([&] {
    server_.reset();
    listen();
  });
}

void FakeBroker::create_topic(const std::string& name, int partitions) {
  on_thread([&] {
    Topic& topic = topics_[name];
    if (topic.logs.empty()) topic.id = uuid_of(next_topic_++);
    topic.logs.resize(static_cast<std::size_t>(partitions));
  });
}
void FakeBroker::delete_topic(const std::string& name) {
  on_thread([&] { topics_.erase(name); });
}
void FakeBroker::elect(const std::string& name) {
  on_thread([&] { ++topics_[name].epoch; });
}
void FakeBroker::set_log_start(const std::string& name, int partition, std::int64_t offset) {
  on_thread(
      [&] { topics_[name].logs[static_cast<std::size_t>(partition)].start = Offset(offset); });
}

void FakeBroker::append_bytes(Log& log, Bytes batch, std::int32_t epoch) {
  record::assign_position(batch, log.end, Term(epoch));
  log.end = record::BatchView::parse(batch)->end_offset();
  log.batches.push_back(std::move(batch));
  changed_.notify_all();
}

void FakeBroker::append(const std::string& name, int partition,
                        const std::vector<std::string>& values) {
  record::BatchBuilder builder;
  for (const std::string& value : values) {
    builder.append(Timestamp(1), std::nullopt, as_bytes(value));
  }
  on_thread([&] {
    Topic& topic = topics_[name];
    append_bytes(topic.logs[static_cast<std::size_t>(partition)], *builder.build(), topic.epoch);
  });
}

void FakeBroker::append_control(const std::string& name, int partition) {
  record::BatchBuilder builder({.control = true});
  builder.append(Timestamp(1), as_bytes("control"), as_bytes("control"));
  on_thread([&] {
    Topic& topic = topics_[name];
    append_bytes(topic.logs[static_cast<std::size_t>(partition)], *builder.build(), topic.epoch);
  });
}

void FakeBroker::on_produce(std::vector<ProduceFault> faults) {
  on_thread([&] { produce_faults_.assign(faults.begin(), faults.end()); });
}
void FakeBroker::on_fetch(std::vector<FetchFault> faults) {
  on_thread([&] { fetch_faults_.assign(faults.begin(), faults.end()); });
}
void FakeBroker::limit_batches(std::size_t bytes) {
  on_thread([&] { max_batch_bytes_ = bytes; });
}
void FakeBroker::cut_after_next_alter() {
  on_thread([this] { cut_after_alter_ = true; });
}

void FakeBroker::hold_produces() {
  on_thread([&] { held_ = true; });
}
void FakeBroker::release_produces() {
  on_thread([&] {
    held_ = false;
    changed_.notify_all();
  });
}

std::vector<std::string> FakeBroker::values(const std::string& name, int partition) {
  return on_thread([&] {
    std::vector<std::string> values;
    for (const Bytes& bytes : topics_[name].logs[static_cast<std::size_t>(partition)].batches) {
      const auto batch = record::BatchView::parse(bytes);
      if (batch->is_control()) continue;
      auto records = record::Records::open(*batch);
      while (auto record = *records->next()) values.emplace_back(as_text(*record->value));
    }
    return values;
  });
}
std::size_t FakeBroker::batches(const std::string& name, int partition) {
  return on_thread(
      [&] { return topics_[name].logs[static_cast<std::size_t>(partition)].batches.size(); });
}
std::size_t FakeBroker::produce_requests() {
  return on_thread([&] { return produce_requests_; });
}
std::size_t FakeBroker::fetch_requests() {
  return on_thread([&] { return fetch_requests_; });
}
std::size_t FakeBroker::metadata_requests() {
  return on_thread([&] { return metadata_requests_; });
}
std::size_t FakeBroker::most_produces_at_once() {
  return on_thread([&] { return most_produces_at_once_; });
}
std::uint64_t FakeBroker::connections() {
  return on_thread([&] { return server_ ? server_->stats().connections_total : 0; });
}
void FakeBroker::await_produce_requests(std::size_t count) {
  while (produce_requests() < count) std::this_thread::yield();
}

FakeBroker::Topic* FakeBroker::find(const std::string& id) {
  for (auto& [name, topic] : topics_) {
    if (wire::to_wire(topic.id) == id) return &topic;
  }
  return nullptr;
}

Result<FakeBroker::Log*> FakeBroker::find_log(const std::string& id, int partition, int epoch) {
  Topic* const topic = find(id);
  if (topic == nullptr) return fail(Errc::kUnknownTopic);
  if (partition < 0 || static_cast<std::size_t>(partition) >= topic->logs.size()) {
    return fail(Errc::kUnknownPartition);
  }
  if (epoch != -1 && epoch < topic->epoch) return fail(Errc::kStaleEpoch);
  return &topic->logs[static_cast<std::size_t>(partition)];
}

// Before the answer to the request at hand has left.
void FakeBroker::cut_soon() {
  asio::post(context_, [this] {
    server_.reset();
    listen();
  });
}

Task<rpc::Response> FakeBroker::handle(rpc::Request request) {
  switch (request.api) {
    case wire::Api::kProduce:
      co_return co_await produce(std::move(request));
    case wire::Api::kFetch:
      co_return co_await fetch(std::move(request));
    case wire::Api::kDescribeTopics:
      co_return describe_topics(request);
    case wire::Api::kDescribeCluster:
      co_return describe_cluster(request);
    case wire::Api::kListOffsets:
      co_return list_offsets(request);
    case wire::Api::kCreateTopic:
      co_return create(request);
    case wire::Api::kDeleteTopic:
      co_return remove(request);
    case wire::Api::kAlterTopic:
      co_return alter(request);
    case wire::Api::kDeleteRecords:
      co_return delete_records(request);
    default:
      break;
  }
  wire::v1::ErrorResponse unsupported;
  wire::set_error(unsupported, Error(Errc::kUnsupported));
  co_return answer(unsupported);
}

// --- produce

void FakeBroker::write_part(const wire::v1::ProduceRequest::PartitionData& part, ByteView batches,
                            wire::v1::ProduceResponse::PartitionAnswer& answer) {
  auto log = find_log(part.topic_id(), part.partition(), part.leader_epoch());
  if (!log) {
    wire::set_error(answer, log.error());
    return;
  }
  for (ByteView rest = batches; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    if (!batch || !batch->verify_crc()) {
      wire::set_error(answer, Error(Errc::kBadChecksum));
      return;
    }
    if (batch->size() > max_batch_bytes_) {
      wire::set_error(answer, Error(Errc::kBatchTooLarge));
      return;
    }
    rest = rest.subspan(batch->size());
  }
  answer.set_base_offset((*log)->end.value());
  for (ByteView rest = batches; !rest.empty();) {
    const auto batch = record::BatchView::parse(rest);
    append_bytes(**log, Bytes(rest.begin(), rest.begin() + static_cast<long>(batch->size())),
                 find(part.topic_id())->epoch);
    rest = rest.subspan(batch->size());
  }
  answer.set_last_offset((*log)->end.value() - 1);
  answer.mutable_receipt()->set_replicas(1);
  answer.mutable_receipt()->set_replicas_fsynced(1);
  answer.mutable_receipt()->set_replicas_written(1);
}

wire::v1::ProduceResponse FakeBroker::write(const wire::v1::ProduceRequest& request,
                                            ByteView attachment, const ProduceFault& fault) {
  using Kind = ProduceFault::Kind;
  wire::v1::ProduceResponse response;
  for (int i = 0; i < request.partitions_size(); ++i) {
    const auto& part = request.partitions(i);
    auto& answer = *response.add_partitions();
    const ByteView batches = attachment.first(part.attachment_bytes());
    attachment = attachment.subspan(part.attachment_bytes());
    const bool refused = fault.kind == Kind::kRefuse || fault.kind == Kind::kCutBeforeWrite ||
                         (fault.kind == Kind::kRefuseFirstPart && i == 0);
    if (!refused) write_part(part, batches, answer);
    if (refused || fault.kind == Kind::kWriteThenError) wire::set_error(answer, fault.error);
    if (fault.kind == Kind::kWrongOffsets) answer.set_last_offset(answer.last_offset() + 100);
  }
  return response;
}

Task<rpc::Response> FakeBroker::produce(rpc::Request request) {
  using Kind = ProduceFault::Kind;
  const auto message = parse<wire::v1::ProduceRequest>(request);
  for (const auto& part : message.partitions()) {
    if (auto log = find_log(part.topic_id(), part.partition(), -1)) {
      most_produces_at_once_ = std::max(most_produces_at_once_, ++(*log)->produces_under_way);
    }
  }
  ++produce_requests_;
  ProduceFault fault = ProduceFault::of(Kind::kNone);
  if (!produce_faults_.empty()) {
    fault = produce_faults_.front();
    produce_faults_.pop_front();
  }
  while (held_) {
    if (!co_await changed_.wait(changed_.version())) break;
  }
  const auto response = write(message, request.attachment.view(), fault);
  for (const auto& part : message.partitions()) {
    if (auto log = find_log(part.topic_id(), part.partition(), -1)) --(*log)->produces_under_way;
  }
  if (fault.kind == Kind::kCutBeforeWrite || fault.kind == Kind::kCutAfterWrite) cut_soon();
  while (fault.kind == Kind::kSilence && !closing_) {
    if (!co_await changed_.wait(changed_.version())) break;
  }
  if (fault.kind == Kind::kGarbage) co_return rpc::Response{Bytes(7, std::byte{0xff}), {}};
  co_return answer(response);
}

// --- fetch

std::size_t FakeBroker::read(const wire::v1::FetchRequest& request,
                             wire::v1::FetchResponse& response, Bytes& attachment) {
  std::size_t errors = 0;
  for (const auto& part : request.partitions()) {
    auto& answer = *response.add_partitions();
    auto log = find_log(part.topic_id(), part.partition(), part.leader_epoch());
    if (log && (Offset(part.offset()) < (*log)->start || Offset(part.offset()) > (*log)->end)) {
      log = fail(Errc::kOffsetOutOfRange);
    }
    if (!log) {
      wire::set_error(answer, log.error());
      ++errors;
      continue;
    }
    const std::size_t begin = attachment.size();
    std::uint32_t crc = 0;
    for (const Bytes& bytes : (*log)->batches) {
      const auto batch = record::BatchView::parse(bytes);
      if (batch->end_offset() <= Offset(part.offset())) continue;
      const std::size_t so_far = attachment.size() - begin;
      if (so_far > 0 && so_far + bytes.size() > part.max_bytes()) break;
      if (!attachment.empty() && attachment.size() + bytes.size() > request.max_bytes()) break;
      crc = record::crc32c(ByteView(bytes).first(record::kUncheckedPrefixSize), crc);
      attachment.insert(attachment.end(), bytes.begin(), bytes.end());
    }
    answer.set_attachment_bytes(static_cast<std::uint32_t>(attachment.size() - begin));
    answer.set_header_crc(crc);
    answer.set_high_watermark((*log)->end.value());
    answer.set_log_start((*log)->start.value());
  }
  return errors;
}

Task<rpc::Response> FakeBroker::fetch(rpc::Request request) {
  const auto message = parse<wire::v1::FetchRequest>(request);
  ++fetch_requests_;
  FetchFault fault = FetchFault::kNone;
  if (!fetch_faults_.empty()) {
    fault = fetch_faults_.front();
    fetch_faults_.pop_front();
  }
  const auto deadline = steady_clock::now() + std::chrono::milliseconds(message.max_wait_ms());
  wire::v1::FetchResponse response;
  Bytes attachment;
  while (true) {
    const std::uint64_t seen = changed_.version();
    response.Clear();
    attachment.clear();
    const bool errors = read(message, response, attachment) > 0;
    if (errors || closing_ || attachment.size() >= std::max(message.min_bytes(), 1U)) break;
    if (!co_await changed_.wait(seen, deadline)) break;
  }
  if (fault == FetchFault::kRefuse) {
    response.Clear();
    wire::set_error(response, Error(Errc::kOverloaded));
    co_return answer(response);
  }
  if (fault == FetchFault::kCut) {
    asio::post(context_, [this] {
      server_.reset();
      listen();
    });
  }
  const bool flips = !attachment.empty();
  if (flips && fault == FetchFault::kFlipRecordBit) attachment.back() ^= std::byte{1};
  if (flips && fault == FetchFault::kFlipHeaderBit) attachment[7] ^= std::byte{1};
  rpc::Response out = answer(response);
  out.attachment.push_back(SharedBytes(std::move(attachment)));
  co_return out;
}

}  // namespace penstock::client
