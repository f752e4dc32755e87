// The blocking face of a group's member: changes are carried out on the caller's thread, between
// two takes from the shelf.
#include "client/group_consumer.h"

#include <atomic>
#include <utility>

#include "client/async_group_consumer.h"
#include "client/io_thread.h"

namespace penstock::client {

using std::chrono::steady_clock;

class GroupConsumer::Core {
 public:
  Core(Client::Io& io, GroupCallbacks callbacks) : io_(io), callbacks_(std::move(callbacks)) {
    io_.attach();
  }
  ~Core() {
    static_cast<void>(end());
    // It ends on the client's thread, where it lived.
    const Status gone = io_.run([this] { return forget(); });
    static_cast<void>(gone);
    io_.detach();
  }

  // What `work` does with the member, on the client's thread.
  template <typename Work>
  auto run(Work work) const {
    using Value = std::invoke_result_t<Work&, AsyncGroupConsumer&>;
    Result<Value> value = io_.run([&] { return there<Value>(work); });
    return *std::move(value);
  }
  template <typename Start>
  auto run_task(Start start) const {
    return io_.run([&] { return start(*member_); });
  }
  AsyncGroupConsumer& member() const { return *member_; }

  Status start(GroupConfig config) {
    return io_.run([&] { return start_there(std::move(config)); });
  }

  Result<std::vector<Chunk>> poll(milliseconds wait) {
    const Instant deadline = deadline_after(steady_clock::now(), wait);
    member_->clock().begin();
    auto chunks = poll_until(deadline);
    member_->clock().end(steady_clock::now());
    return chunks;
  }

  void wake() {
    woken_ = true;
    member_->shelf().interrupt();
  }

  Status close() {
    if (closed_) return {};
    const std::vector<GroupPartition> all =
        run([](AsyncGroupConsumer& m) { return m.assignment(); });
    if (!all.empty() && callbacks_.revoked) callbacks_.revoked(all);
    return end();
  }

 private:
  Result<std::vector<Chunk>> poll_until(Instant deadline) {
    while (true) {
      if (member_->has_change()) PENSTOCK_TRY(carry_out_changes());
      auto chunks = member_->shelf().take(deadline);
      if (chunks) member_->shelf().show(*chunks);
      if (!chunks || !chunks->empty() || woken_.exchange(false)) return chunks;
      if (!member_->has_change() && steady_clock::now() >= deadline) return chunks;
    }
  }

  // Those who wait for a partition get it before this member gets new ones.
  Status carry_out_changes() {
    if (auto fatal = run([](AsyncGroupConsumer& m) { return m.fatal(); })) {
      return std::unexpected(*std::move(fatal));
    }
    const auto turn = run([](AsyncGroupConsumer& m) { return m.next_turn(); });
    tell_and_let_go(turn.lost, callbacks_.lost);
    tell_and_let_go(turn.revoked, callbacks_.revoked);
    if (turn.assigned.empty()) return {};
    // Records of them leave with the next take, which is after the callback.
    const auto begun = run([&](AsyncGroupConsumer& m) { return m.begin(turn.assigned); });
    if (callbacks_.assigned && !begun.empty()) callbacks_.assigned(begun);
    return {};
  }

  void tell_and_let_go(const std::vector<GroupPartition>& partitions,
                       const GroupCallbacks::Handler& handler) {
    if (partitions.empty()) return;
    if (handler) handler(partitions);
    run([&](AsyncGroupConsumer& m) {
      m.let_go(partitions);
      return true;
    });
  }

  template <typename Value, typename Work>
  Task<Result<Value>> there(Work& work) const {
    co_return work(*member_);
  }
  Task<Status> start_there(GroupConfig config) {
    PENSTOCK_CO_TRY_ASSIGN(member_, AsyncGroupConsumer::open(io_.cluster(), std::move(config)));
    co_return Status{};
  }
  Status end() {
    if (closed_ || !member_) return {};
    closed_ = true;
    return io_.run([this] { return member_->close(); });
  }
  Task<Status> forget() {
    member_.reset();
    co_return Status{};
  }

  Client::Io& io_;
  const GroupCallbacks callbacks_;
  std::unique_ptr<AsyncGroupConsumer> member_;
  bool closed_ = false;
  std::atomic<bool> woken_ = false;
};

GroupConsumer::GroupConsumer(std::unique_ptr<Core> core) : core_(std::move(core)) {}
GroupConsumer::~GroupConsumer() = default;

Result<std::unique_ptr<GroupConsumer>> GroupConsumer::open(Client& client, GroupConfig config) {
  auto core = std::make_unique<Core>(client.io(), std::move(config.callbacks));
  PENSTOCK_TRY(core->start(std::move(config)));
  return std::unique_ptr<GroupConsumer>(new GroupConsumer(std::move(core)));
}

Result<std::vector<Chunk>> GroupConsumer::poll(milliseconds wait) { return core_->poll(wait); }
void GroupConsumer::wake() { core_->wake(); }

Status GroupConsumer::commit() {
  return core_->run_task([](AsyncGroupConsumer& m) { return m.commit_taken(); });
}

Status GroupConsumer::commit(const std::vector<GroupCommit>& positions) {
  return core_->run_task([&](AsyncGroupConsumer& m) { return m.commit(positions); });
}

Result<std::vector<GroupCommit>> GroupConsumer::committed() {
  return core_->run_task([](AsyncGroupConsumer& m) { return m.committed(); });
}

std::vector<GroupPartition> GroupConsumer::assignment() const {
  return core_->run([](AsyncGroupConsumer& m) { return m.assignment(); });
}

Result<Offset> GroupConsumer::position(const std::string& topic, PartitionId partition) const {
  return core_->member().shelf().position(topic, partition);
}

Status GroupConsumer::seek(const std::string& topic, PartitionId partition, StartAt to) {
  return core_->run_task(
      [&](AsyncGroupConsumer& m) { return m.fetcher().seek(topic, partition, to); });
}

Status GroupConsumer::pause(const std::string& topic, PartitionId partition) {
  return core_->run([&](AsyncGroupConsumer& m) { return m.fetcher().pause(topic, partition); });
}

Status GroupConsumer::resume(const std::string& topic, PartitionId partition) {
  return core_->run([&](AsyncGroupConsumer& m) { return m.fetcher().resume(topic, partition); });
}

GroupStats GroupConsumer::stats() const {
  return core_->run([](AsyncGroupConsumer& m) { return m.stats(); });
}

Status GroupConsumer::close() { return core_->close(); }

}  // namespace penstock::client
