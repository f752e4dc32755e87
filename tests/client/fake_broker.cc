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
    : options_(options),
      id_(0),
      own_world_(std::make_unique<FakeWorld>()),
      world_(*own_world_),
      port_(options.port) {
  on_thread([&] {
    world_.brokers[id_] = this;
    listen();
  });
}

FakeBroker::FakeBroker(FakeWorld& world, std::int32_t id) : id_(id), world_(world) {
  on_thread([&] {
    world_.brokers[id_] = this;
    listen();
  });
}

void FakeBroker::shut_down() {
  on_thread([&] {
    closing_ = true;
    held_ = false;
    hangs_ = false;
    server_.reset();
    world_.changed().notify_all();
  });
}

FakeBroker::~FakeBroker() {
  if (!own_world_) return;
  shut_down();
  world_.join();
}

void FakeBroker::listen() {
  rpc::ServerOptions options;
  options.listen = {"127.0.0.1", port_};
  options.cluster_id = uuid_of(options_.cluster);
  options.broker_id = id_;
  options.software = "fake";
  options.max_frame_bytes = options_.max_frame_bytes;
  options.max_request_memory_bytes = options_.max_request_memory_bytes;
  auto server = rpc::Server::start(world_.context().get_executor(), options,
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

void FakeBroker::hang() {
  on_thread([&] { hangs_ = true; });
}
void FakeBroker::resume() {
  on_thread([&] {
    hangs_ = false;
    world_.changed().notify_all();
  });
}
void FakeBroker::freeze_metadata() {
  on_thread([&] { frozen_ = world_.topics; });
}
void FakeBroker::has_not_heard_of(const std::string& name) {
  on_thread([&] { unheard_.insert(name); });
}
void FakeBroker::answer_not_ready(int count) {
  on_thread([&] { not_ready_ = count; });
}

void FakeBroker::create_topic(const std::string& name, int partitions) {
  on_thread([&] {
    FakeTopic& topic = world_.topics[name];
    if (topic.logs.empty()) topic.id = uuid_of(world_.next_topic++);
    topic.logs.resize(static_cast<std::size_t>(partitions));
    for (FakeLog& log : topic.logs) log.leader = id_;
  });
}
void FakeBroker::delete_topic(const std::string& name) {
  on_thread([&] { world_.topics.erase(name); });
}
void FakeBroker::elect(const std::string& name) {
  on_thread([&] {
    for (FakeLog& log : world_.topics[name].logs) ++log.epoch;
  });
}
void FakeBroker::set_log_start(const std::string& name, int partition, std::int64_t offset) {
  on_thread([&] {
    world_.topics[name].logs[static_cast<std::size_t>(partition)].start = Offset(offset);
  });
}

void FakeBroker::append_bytes(FakeLog& log, Bytes batch, std::int32_t epoch) {
  record::assign_position(batch, log.end, Term(epoch));
  log.end = record::BatchView::parse(batch)->end_offset();
  log.batches.push_back(std::move(batch));
  world_.changed().notify_all();
}

void FakeBroker::append(const std::string& name, int partition,
                        const std::vector<std::string>& values) {
  record::BatchBuilder builder;
  for (const std::string& value : values) {
    builder.append(Timestamp(1), std::nullopt, as_bytes(value));
  }
  on_thread([&] {
    FakeLog& log = world_.topics[name].logs[static_cast<std::size_t>(partition)];
    append_bytes(log, *builder.build(), log.epoch);
  });
}

void FakeBroker::append_control(const std::string& name, int partition) {
  record::BatchBuilder builder({.control = true});
  builder.append(Timestamp(1), as_bytes("control"), as_bytes("control"));
  on_thread([&] {
    FakeLog& log = world_.topics[name].logs[static_cast<std::size_t>(partition)];
    append_bytes(log, *builder.build(), log.epoch);
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
    world_.changed().notify_all();
  });
}

std::vector<std::string> FakeBroker::values(const std::string& name, int partition) {
  return on_thread([&] {
    std::vector<std::string> values;
    for (const Bytes& bytes :
         world_.topics[name].logs[static_cast<std::size_t>(partition)].batches) {
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
      [&] { return world_.topics[name].logs[static_cast<std::size_t>(partition)].batches.size(); });
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

FakeTopic* FakeBroker::find(const std::string& id) {
  for (auto& [name, topic] : world_.topics) {
    if (wire::to_wire(topic.id) == id) return &topic;
  }
  return nullptr;
}

Result<FakeLog*> FakeBroker::find_log(const std::string& id, int partition, int epoch,
                                      bool any_replica) {
  FakeTopic* const topic = find(id);
  if (topic == nullptr) return fail(Errc::kUnknownTopic);
  if (partition < 0 || static_cast<std::size_t>(partition) >= topic->logs.size()) {
    return fail(Errc::kUnknownPartition);
  }
  FakeLog& log = topic->logs[static_cast<std::size_t>(partition)];
  if (log.leader != id_ && !any_replica) return fail(Errc::kNotLeader);
  if (epoch != -1 && epoch < log.epoch) return fail(Errc::kStaleEpoch);
  return &log;
}

FakeLog* FakeBroker::any_log(const std::string& id, int partition) {
  const auto log = find_log(id, partition, -1, /*any_replica=*/true);
  return log ? *log : nullptr;
}

// Before the answer to the request at hand has left.
void FakeBroker::cut_soon() {
  asio::post(world_.context(), [this] {
    server_.reset();
    listen();
  });
}

Task<rpc::Response> FakeBroker::handle(rpc::Request request) {
  while (hangs_ && !closing_) {
    if (!co_await world_.changed().wait(world_.changed().version())) break;
  }
  co_return co_await carry_out(std::move(request));
}

Task<rpc::Response> FakeBroker::carry_out(rpc::Request request) {
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
    case wire::Api::kClusterStatus:
      co_return cluster_status(request);
    case wire::Api::kAlterCluster:
      co_return alter_cluster(request);
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
                 (*log)->epoch);
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
    if (FakeLog* const log = any_log(part.topic_id(), part.partition())) {
      most_produces_at_once_ = std::max(most_produces_at_once_, ++log->produces_under_way);
    }
  }
  ++produce_requests_;
  ProduceFault fault = ProduceFault::of(Kind::kNone);
  if (!produce_faults_.empty()) {
    fault = produce_faults_.front();
    produce_faults_.pop_front();
  }
  while (held_) {
    if (!co_await world_.changed().wait(world_.changed().version())) break;
  }
  const auto response = write(message, request.attachment.view(), fault);
  for (const auto& part : message.partitions()) {
    if (FakeLog* const log = any_log(part.topic_id(), part.partition())) --log->produces_under_way;
  }
  if (fault.kind == Kind::kCutBeforeWrite || fault.kind == Kind::kCutAfterWrite) cut_soon();
  while (fault.kind == Kind::kSilence && !closing_) {
    if (!co_await world_.changed().wait(world_.changed().version())) break;
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
    auto log =
        find_log(part.topic_id(), part.partition(), part.leader_epoch(), request.any_replica());
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
    const std::uint64_t seen = world_.changed().version();
    response.Clear();
    attachment.clear();
    const bool errors = read(message, response, attachment) > 0;
    if (errors || closing_ || attachment.size() >= std::max(message.min_bytes(), 1U)) break;
    if (!co_await world_.changed().wait(seen, deadline)) break;
  }
  if (fault == FetchFault::kRefuse) {
    response.Clear();
    wire::set_error(response, Error(Errc::kOverloaded));
    co_return answer(response);
  }
  if (fault == FetchFault::kCut) {
    asio::post(world_.context(), [this] {
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
