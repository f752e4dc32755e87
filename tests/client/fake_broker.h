// FakeBroker: a broker of a process-local thread that speaks the real protocol over loopback and
// fails on demand, so that every way in which a request can end badly can be shown.
//
// It keeps topics in memory (tests/client/fake_world.h), knows nothing of disks, and believes the
// client: what it stored is what the tests look at. Alone it is broker 0 and leads everything; with
// others see tests/client/fake_cluster.h. Threads: all methods from the test's thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/task.h"
#include "base/types.h"
#include "protocol/rpc/server.h"
#include "protocol/wire/data.pb.h"
#include "protocol/wire/metadata.pb.h"
#include "tests/client/fake_world.h"

namespace penstock::client {

// What happens to one produce request.
struct ProduceFault {
  enum class Kind {
    kNone,
    kRefuse,           // not written; every part is answered with `error`
    kRefuseFirstPart,  // the first part alone is refused
    kWriteThenError,   // written; answered with `error`
    kCutBeforeWrite,   // not written; the connection is cut
    kCutAfterWrite,    // written; the connection is cut
    kSilence,          // written; never answered
    kGarbage,          // written; answered with bytes that are no such message
    kWrongOffsets,     // written; acknowledged with offsets that cannot be
  };
  Kind kind = Kind::kNone;
  Error error{Errc::kOk, ""};

  static ProduceFault refuse(Errc code) { return {Kind::kRefuse, Error(code)}; }
  static ProduceFault refuse_first_part(Errc code) { return {Kind::kRefuseFirstPart, Error(code)}; }
  static ProduceFault write_then(Errc code) { return {Kind::kWriteThenError, Error(code)}; }
  static ProduceFault of(Kind kind) { return {kind, Error(Errc::kOk, "")}; }
};

// What happens to one fetch request.
enum class FetchFault { kNone, kFlipRecordBit, kFlipHeaderBit, kRefuse, kCut };

struct FakeBrokerOptions {
  std::uint16_t port = 0;     // any free one
  std::uint64_t cluster = 7;  // what its cluster id is made of
  std::uint64_t max_frame_bytes = 16U << 20;
  // Of requests that are received: at the limit, the broker stops reading.
  std::uint64_t max_request_memory_bytes = 256U << 20;
};

class FakeBroker {
 public:
  explicit FakeBroker(FakeBrokerOptions options = {});
  // One of several; shut_down() and the world's join() come before its end.
  FakeBroker(FakeWorld& world, std::int32_t id);
  ~FakeBroker();
  // For good: its handlers end.
  void shut_down();

  rpc::Endpoint endpoint() const { return {"127.0.0.1", port_}; }
  // Cuts every connection and stops listening; revive() listens on the same port again.
  void kill();
  void revive();
  // Cuts every connection; goes on listening.
  void cut_connections();
  // Takes requests and answers none, as a stopped process does; until resume(), which answers what
  // has waited.
  void hang();
  void resume();
  // From now on it tells what is true now, whatever happens, as one that is cut off from the
  // others.
  void freeze_metadata();
  // It does not know this topic yet.
  void has_not_heard_of(const std::string& name);
  // What it says of these is an error for the next `count` metadata requests.
  void answer_not_ready(int count);

  void create_topic(const std::string& name, int partitions);
  void delete_topic(const std::string& name);
  // A new term: requests with the old leader epoch are refused from now on.
  void elect(const std::string& name);
  void set_log_start(const std::string& name, int partition, std::int64_t offset);
  // Appends a batch of these values as another client would; control batches hold none of them.
  void append(const std::string& name, int partition, const std::vector<std::string>& values);
  void append_control(const std::string& name, int partition);

  // For the produce requests (fetch requests) to come, in turn; then all is well.
  void on_produce(std::vector<ProduceFault> faults);
  void on_fetch(std::vector<FetchFault> faults);
  // Every batch over this size is refused with kBatchTooLarge.
  void limit_batches(std::size_t bytes);
  // The next AlterTopic is carried out, and its connection cut.
  void cut_after_next_alter();
  // While held, produce requests are received and not worked on.
  void hold_produces();
  void release_produces();

  // Values of the data records in the log of a partition, in order.
  std::vector<std::string> values(const std::string& name, int partition);
  std::size_t batches(const std::string& name, int partition);
  std::size_t produce_requests();
  std::size_t fetch_requests();
  std::size_t metadata_requests();
  // The largest number of produce requests that were under way for one partition at a time.
  std::size_t most_produces_at_once();
  std::uint64_t connections();
  // Waits until the broker has seen so many produce requests.
  void await_produce_requests(std::size_t count);

 private:
  template <typename Work>
  auto on_thread(Work work) {
    return world_.on_thread(std::move(work));
  }

  void listen();
  void cut_soon();
  Task<rpc::Response> handle(rpc::Request request);
  Task<rpc::Response> carry_out(rpc::Request request);
  Task<rpc::Response> produce(rpc::Request request);
  wire::v1::ProduceResponse write(const wire::v1::ProduceRequest& request, ByteView attachment,
                                  const ProduceFault& fault);
  void write_part(const wire::v1::ProduceRequest::PartitionData& part, ByteView batches,
                  wire::v1::ProduceResponse::PartitionAnswer& answer);
  Task<rpc::Response> fetch(rpc::Request request);
  std::size_t read(const wire::v1::FetchRequest& request, wire::v1::FetchResponse& response,
                   Bytes& attachment);
  rpc::Response describe_topics(const rpc::Request& request);
  rpc::Response describe_cluster(const rpc::Request& request);
  rpc::Response list_offsets(const rpc::Request& request);
  rpc::Response create(const rpc::Request& request);
  rpc::Response remove(const rpc::Request& request);
  rpc::Response alter(const rpc::Request& request);
  rpc::Response delete_records(const rpc::Request& request);
  rpc::Response cluster_status(const rpc::Request& request);
  rpc::Response alter_cluster(const rpc::Request& request);
  FakeTopic* find(const std::string& id);
  // Whoever leads it; `any_replica`: whoever asks.
  Result<FakeLog*> find_log(const std::string& id, int partition, int epoch,
                            bool any_replica = false);
  FakeLog* any_log(const std::string& id, int partition);
  void append_bytes(FakeLog& log, Bytes batch, std::int32_t epoch);

  const FakeBrokerOptions options_;
  const std::int32_t id_;
  std::unique_ptr<FakeWorld> own_world_;
  FakeWorld& world_;
  std::unique_ptr<rpc::Server> server_;
  std::uint16_t port_ = 0;
  std::optional<std::map<std::string, FakeTopic>> frozen_;
  std::set<std::string> unheard_;
  int not_ready_ = 0;
  std::deque<ProduceFault> produce_faults_;
  std::deque<FetchFault> fetch_faults_;
  std::size_t max_batch_bytes_ = SIZE_MAX;
  bool held_ = false;
  bool hangs_ = false;
  bool cut_after_alter_ = false;
  bool closing_ = false;
  std::size_t produce_requests_ = 0;
  std::size_t fetch_requests_ = 0;
  std::size_t metadata_requests_ = 0;
  std::size_t most_produces_at_once_ = 0;
};

}  // namespace penstock::client
