// A broker whose disk refuses, or does not answer: what clients are told, what it costs, and that
// all is well when the disk is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <numeric>

#include "fakes/fake_env.h"
#include "protocol/wire/error_message.h"
#include "tests/broker/server/running_broker.h"

namespace penstock::broker {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
namespace v1 = wire::v1;

// --- a disk in memory whose calls fail

class BrokerOnFakeDisk : public testing::Test {
 protected:
  BrokerOnFakeDisk() { start(); }

  void stop() {
    client_.reset();
    broker_.reset();
  }
  void start() {
    stop();
    broker_ = start_broker(test_config("/data"), {.env = &env_});
    client_ = std::make_unique<TestClient>(broker_->port());
  }
  // The `at`-th folder from now on cannot be made.
  void refuse_folder(std::uint64_t at) {
    env_.plan_fault({.fault = fakes::Fault::kIoError, .at_call = at, .calls = fakes::kCreateDirs});
  }
  Errc produced(const std::string& topic_id, std::int32_t partition) {
    const auto answer = client_->produce(topic_id, partition, batch_of({"x"}));
    return answer ? Errc::kOk : answer.error().code();
  }
  Status grow(const std::string& topic, std::uint32_t partitions) {
    v1::AlterTopicRequest request;
    request.set_name(topic);
    request.set_partitions(partitions);
    PENSTOCK_TRY(client_->call<v1::AlterTopicResponse>(wire::Api::kAlterTopic, request));
    return {};
  }

  fakes::FakeEnv env_;
  std::unique_ptr<Broker> broker_;
  std::unique_ptr<TestClient> client_;
};

TEST_F(BrokerOnFakeDisk, ATopicThatCannotBePlacedIsTakenBackAndWeakensNoOther) {
  refuse_folder(0);
  ASSERT_FALSE(client_->create("unlucky"));
  env_.clear_faults();
  EXPECT_EQ(wire::status_of(client_->describe("unlucky")).error().code(), Errc::kUnknownTopic);
  EXPECT_EQ(produced(*client_->create("unlucky"), 0), Errc::kOk) << "the name is free again";

  const auto orders = client_->create("orders");
  ASSERT_EQ(produced(*orders, 0), Errc::kOk);
  stop();
  for (const FileInfo& topic : env_.list("/data/topics").value()) {
    const std::string partition = "/data/topics/" + topic.name + "/0";
    if (topic.name.starts_with("orders-")) ASSERT_TRUE(env_.remove_tree(partition));
  }
  start();
  EXPECT_EQ(produced(*orders, 0), Errc::kPartitionDamaged) << "not silently made anew";
}

TEST_F(BrokerOnFakeDisk, PartitionsThatCouldNotBeAddedAreAddedByTheNextAlteration) {
  const auto topic = client_->create("orders");
  ASSERT_EQ(produced(*topic, 0), Errc::kOk);
  refuse_folder(2);  // that of the second new partition
  const Status refused = grow("orders", 3);
  env_.clear_faults();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("alter it again"));
  EXPECT_EQ(produced(*topic, 0), Errc::kOk);
  // They are opened side by side: the disk refused one of the two.
  EXPECT_THAT(std::vector({produced(*topic, 1), produced(*topic, 2)}),
              UnorderedElementsAre(Errc::kOk, Errc::kPartitionDamaged));

  ASSERT_TRUE(grow("orders", 3)) << "which the topic has already, so to say";
  for (const std::int32_t partition : {0, 1, 2}) EXPECT_EQ(produced(*topic, partition), Errc::kOk);
  start();
  EXPECT_EQ(client_->values(*topic, 0, 0)->size(), 3U);
  EXPECT_THAT(client_->values(*topic, 2, 0).value(), AllOf(Not(IsEmpty()), Each("x")));
}

TEST_F(BrokerOnFakeDisk, ABrokerStartsAndIsReadOnADiskWithoutAFreeByte) {
  const auto topic = client_->create("orders");
  ASSERT_EQ(produced(*topic, 0), Errc::kOk);
  stop();
  env_.set_capacity(env_.used_bytes());
  start();
  EXPECT_THAT(client_->values(*topic, 0, 0).value(), ElementsAre("x"));

  env_.set_capacity(std::nullopt);
  EXPECT_EQ(produced(*topic, 0), Errc::kOk) << "as soon as there is room, without a restart";
}

TEST_F(BrokerOnFakeDisk, ABrokerStartsThatHasRoomForNothingButItsEpoch) {
  stop();
  env_.remove("/data/reserve");
  const auto placed = env_.contents("/data/placed");
  // The least room with which it starts: not a byte is left for the file `placed`.
  std::uint64_t too_little = 0;
  std::uint64_t enough = 1U << 20;
  while (enough - too_little > 1) {
    const std::uint64_t room = std::midpoint(too_little, enough);
    const auto disk = env_.clone();
    disk->set_capacity(disk->used_bytes() + room);
    (Broker::start(test_config("/data"), {.env = disk.get()}) ? enough : too_little) = room;
  }
  env_.set_capacity(env_.used_bytes() + enough);
  start();
  EXPECT_EQ(env_.contents("/data/placed"), placed);

  env_.set_capacity(std::nullopt);
  ASSERT_TRUE(client_->create("orders"));
  EXPECT_NE(env_.contents("/data/placed"), placed) << "noted as soon as there is room";
}

// --- a real disk that does not answer

class StuckEnv final : public Env {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    PENSTOCK_TRY_ASSIGN(auto file, real_.open(path, mode));
    return std::make_unique<StuckFile>(*this, std::move(file));
  }
  Status create_dirs(const std::string& path) override { return real_.create_dirs(path); }
  Result<std::vector<FileInfo>> list(const std::string& dir) override { return real_.list(dir); }
  Result<bool> exists(const std::string& path) override { return real_.exists(path); }
  Status remove_file(const std::string& path) override { return real_.remove_file(path); }
  Status remove_tree(const std::string& dir) override { return real_.remove_tree(dir); }
  Status rename(const std::string& from, const std::string& to) override {
    return real_.rename(from, to);
  }
  Status sync_dir(const std::string& dir) override { return real_.sync_dir(dir); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override {
    return real_.lock(path);
  }
  Result<DiskSpace> disk_space(const std::string& path) override { return real_.disk_space(path); }

  void set_stuck(bool stuck) {
    const std::lock_guard lock(mutex_);
    stuck_ = stuck;
    changed_.notify_all();
  }

 private:
  class StuckFile final : public File {
   public:
    StuckFile(StuckEnv& env, std::unique_ptr<File> file) : env_(env), file_(std::move(file)) {}
    Result<std::size_t> read_at(std::uint64_t at, MutableByteView into) const override {
      return file_->read_at(at, into);
    }
    Result<std::size_t> read_cached_at(std::uint64_t at, MutableByteView into) const override {
      return file_->read_cached_at(at, into);
    }
    Status write_parts_at(std::uint64_t at, std::span<const ByteView> parts) override {
      return file_->write_parts_at(at, parts);
    }
    Status sync_data() override {
      env_.wait();
      return file_->sync_data();
    }
    Status allocate(std::uint64_t size) override { return file_->allocate(size); }
    Status truncate(std::uint64_t size) override { return file_->truncate(size); }
    Result<std::uint64_t> size() const override { return file_->size(); }
    const std::string& path() const override { return file_->path(); }

   private:
    StuckEnv& env_;
    std::unique_ptr<File> file_;
  };

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !stuck_; });
  }

  Env& real_ = posix_env();
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stuck_ = false;
};

std::uint64_t resident_bytes() {
  ::malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(BrokerOnStuckDisk, RequestsWhoseTimeIsOverAreUnknownAndCostNoMoreMemory) {
  constexpr std::size_t kRecordBytes = 8U << 20;
  constexpr int kAtOnce = 6;
  constexpr int kRounds = 5;
  ScratchDir dir;
  StuckEnv env;
  const auto broker = start_broker(test_config(dir / "data"), {.env = &env});
  TestClient client(broker->port());
  const auto topic =
      client.create("large", 1, {{"max_batch_bytes", "9437184"}, {"max_record_bytes", "8388608"}});
  ASSERT_TRUE(client.produce(*topic, 0, batch_of({"first"})));
  const std::uint64_t before = resident_bytes();
  env.set_stuck(true);
  std::vector<std::string> answers;
  for (int round = 1; round <= kRounds; ++round) {
    for (int i = 0; i < kAtOnce; ++i) {
      Bytes batch = batch_of({std::string(kRecordBytes - 100, 'x')});
      v1::ProduceRequest request = produce_request(*topic, 0, batch.size());
      request.set_timeout_ms(1);
      asio::co_spawn(client.io(),
                     client.begin<v1::ProduceResponse>(wire::Api::kProduce, request,
                                                       {shared(std::move(batch))}),
                     [&answers](const std::exception_ptr&, const auto& reply) {
                       answers.push_back(
                           reply ? wire::status_of(reply->message.partitions(0)).error().to_string()
                                 : reply.error().to_string());
                     });
    }
    client.io().restart();
    while (std::ssize(answers) < round * kAtOnce) client.io().run_one();
  }
  const std::uint64_t grown = resident_bytes() - std::min(before, resident_bytes());
  env.set_stuck(false);
  EXPECT_THAT(answers, testing::Each(HasSubstr("Timeout")));
  ASSERT_TRUE(client.produce(*topic, 0, batch_of({"last"}))) << "acknowledged after all before it";
  EXPECT_EQ(client.values(*topic, 0, 0)->size(), kAtOnce * kRounds + 2U) << "unknown, not failed";
#if !defined(__has_feature) || \
    !(__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
  EXPECT_LT(grown, kRecordBytes * kAtOnce * kRounds / 2) << "the broker keeps what it has written";
#endif
  std::printf("STUCKDISK requests=%d bytes=%zu grown_bytes=%llu\n", kAtOnce * kRounds,
              kRecordBytes * kAtOnce * kRounds, static_cast<unsigned long long>(grown));
}

}  // namespace
}  // namespace penstock::broker
