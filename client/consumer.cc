// The blocking face of the consumer: chunks are taken from the shelf on the caller's thread; only
// what needs the broker goes through the client's thread.
#include "client/consumer.h"

#include <utility>

#include "client/async_consumer.h"
#include "client/io_thread.h"

namespace penstock::client {

class Consumer::Core {
 public:
  explicit Core(Client::Io& io) : io_(io) { io_.attach(); }
  ~Core() {
    static_cast<void>(close());
    // It ends on the client's thread, where it lived.
    const Status ended = io_.run([this] { return end(); });
    static_cast<void>(ended);
    io_.detach();
  }

  Status start(ConsumerConfig config) {
    return io_.run([&] { return start_there(config); });
  }
  Status close() {
    return io_.run([&] { return close_there(); });
  }
  // Runs what `start` begins on the client's thread.
  template <typename Start>
  Status run(Start start) {
    return io_.run(std::move(start));
  }
  AsyncConsumer& fetcher() { return *fetcher_; }
  Shelf& shelf() { return fetcher_->shelf(); }

  Task<Status> pause(std::string topic, PartitionId partition) {
    co_return fetcher_->pause(topic, partition);
  }
  Task<Status> resume(std::string topic, PartitionId partition) {
    co_return fetcher_->resume(topic, partition);
  }

 private:
  Task<Status> start_there(ConsumerConfig config) {
    PENSTOCK_CO_TRY_ASSIGN(fetcher_, AsyncConsumer::open(io_.cluster(), std::move(config)));
    co_return Status{};
  }
  Task<Status> close_there() {
    if (!fetcher_ || closed_) co_return Status{};
    closed_ = true;
    co_await fetcher_->close();
    co_return Status{};
  }
  Task<Status> end() {
    fetcher_.reset();
    co_return Status{};
  }

  Client::Io& io_;
  std::unique_ptr<AsyncConsumer> fetcher_;
  bool closed_ = false;  // on the client's thread
};

Consumer::Consumer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Consumer::~Consumer() = default;

Result<std::unique_ptr<Consumer>> Consumer::open(Client& client, ConsumerConfig config) {
  auto core = std::make_unique<Core>(client.io());
  PENSTOCK_TRY(core->start(std::move(config)));
  return std::unique_ptr<Consumer>(new Consumer(std::move(core)));
}

Status Consumer::assign(std::vector<Assignment> partitions) {
  return core_->run([&] { return core_->fetcher().assign(std::move(partitions)); });
}

Status Consumer::seek(const std::string& topic, PartitionId partition, StartAt to) {
  return core_->run([&] { return core_->fetcher().seek(topic, partition, to); });
}

Status Consumer::pause(const std::string& topic, PartitionId partition) {
  return core_->run([&] { return core_->pause(topic, partition); });
}

Status Consumer::resume(const std::string& topic, PartitionId partition) {
  return core_->run([&] { return core_->resume(topic, partition); });
}

Result<std::vector<Chunk>> Consumer::poll(milliseconds wait) {
  auto chunks = core_->shelf().take(deadline_after(std::chrono::steady_clock::now(), wait));
  if (chunks) core_->shelf().show(*chunks);
  return chunks;
}

void Consumer::wake() { core_->shelf().interrupt(); }

Result<Offset> Consumer::position(const std::string& topic, PartitionId partition) const {
  return core_->shelf().position(topic, partition);
}

bool Consumer::at_end() const { return core_->shelf().at_end(); }
ConsumerStats Consumer::stats() const { return core_->shelf().stats(); }
Status Consumer::close() { return core_->close(); }

}  // namespace penstock::client
