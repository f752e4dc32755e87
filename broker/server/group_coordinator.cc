// Opening, leading, commands. What the coordinator does by itself: group_coordinator_upkeep.cc.
#include "broker/server/group_coordinator.h"

#include "base/log.h"
#include "broker/server/limits.h"

namespace penstock::broker {
namespace {

spdlog::logger& log() {
  static spdlog::logger& instance = logger("groups");
  return instance;
}

Error not_here() {
  return {Errc::kNotLeader, "this broker does not coordinate the group; find its coordinator"};
}

bool is_moving(const group::Group& group) {
  for (const auto& [member, holding] : group.holdings) {
    if (!holding.revoking.empty() || holding.owned != group.share_of(member)) return true;
  }
  return false;
}

}  // namespace

Result<std::shared_ptr<GroupCoordinator>> GroupCoordinator::open(Env& env, const Clock& clock,
                                                                 std::string dir, TopicPartition id,
                                                                 Replica& replica) {
  std::shared_ptr<GroupCoordinator> made(new GroupCoordinator(clock, id));
  PENSTOCK_TRY_ASSIGN(made->snapshots_,
                      StateSnapshots::open(env, std::move(dir), {id}, made->machine_));
  PENSTOCK_TRY_ASSIGN(
      made->host_,
      StateHost::open(clock, replica, *made->snapshots_, made->machine_,
                      // Whoever watches groups reads them from the topic.
                      {.old_records = OldRecords::kStay, .max_queued = kMaxQueuedGroupCommands}));
  return made;
}

void GroupCoordinator::attach(const std::shared_ptr<Partition>& partition,
                              const PartitionServices& services, std::function<void()> wake) {
  partition_ = partition;
  services_ = &services;
  wake_ = std::move(wake);
  partition->set_follower(
      [self = shared_from_this()](const ReplicaOutput& output) { return self->follow(output); });
  partition->set_compaction_limit([self = shared_from_this(), &log = *partition] {
    return self->snapshots_->covered(log.log_start(), self->machine_.applied());
  });
}

void GroupCoordinator::stop() {
  if (stopped_) return;
  stopped_ = true;
  leads_in_.reset();
  sessions_.end();
  host_->stop();
  if (const auto partition = partition_.lock()) partition->drive();
}

// The partition may be on its way out: what is refused then gives it no work.
void GroupCoordinator::drive() const {
  if (stopped_) return;
  if (const auto partition = partition_.lock()) partition->drive();
}

void GroupCoordinator::wake() {
  if (std::exchange(idle_, false) && wake_) wake_();
}

bool GroupCoordinator::follow(const ReplicaOutput& output) {
  const bool more = host_->follow(output);
  if (host_->fatal() && !std::exchange(told_fatal_, true)) {
    log().error("its groups are out of service: the log cannot be applied partition={} error={}",
                id_.partition.value(), host_->fatal()->to_string());
  }
  notice_role();
  make_snapshot();
  return more;
}

void GroupCoordinator::notice_role() {
  const auto partition = partition_.lock();
  if (!partition || stopped_) return;
  const bool leads = !host_->fatal() && partition->replica().role() == raft::Role::kLeader;
  if (!leads) {
    if (leads_in_) sessions_.end();
    leads_in_.reset();
    return;
  }
  if (!host_->is_ready() || leads_in_ == partition->epoch()) return;
  leads_in_ = partition->epoch();
  sessions_.begin(machine_.state(), now_ms());
  followed_ = machine_.applied();
  expiring_.clear();
  moving_.clear();
  topics_are_new_ = true;
  if (!machine_.state().groups().empty()) {
    log().info("coordinates groups partition={} term={} groups={}", id_.partition.value(),
               leads_in_->value(), machine_.state().groups().size());
  }
  wake();
}

void GroupCoordinator::make_snapshot() {
  const auto partition = partition_.lock();
  if (!partition || stopped_ || host_->fatal() || !host_->wants_snapshot()) return;
  partition->work_began();
  asio::post(services_->background,
             [self = shared_from_this(), partition, ticket = host_->begin_snapshot()] {
               const Status written = ticket.run();
               asio::post(self->services_->shard, [self, partition, ticket, written] {
                 if (!written) {
                   log().warn("snapshot of groups failed partition={} error={}",
                              self->id_.partition.value(), written.error().to_string());
                 }
                 self->host_->complete_snapshot(ticket, written);
                 partition->drive();
                 partition->work_ended();
               });
             });
}

// --- commands

template <typename Command>
auto GroupCoordinator::carry_out(Command command)
    -> Task<Result<decltype(std::declval<const group::GroupState&>().handle(command)->answer)>> {
  using Answer = Result<decltype(std::declval<const group::GroupState&>().handle(command)->answer)>;
  if (!stopped_ && !coordinates()) co_return fail(not_here());
  const auto self = shared_from_this();
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Answer)>(
      [self](auto handler, Command wanted) {
        const std::string group = wanted.group;
        // The answer may come from within the partition's work: whoever waits goes on after it.
        broker::carry_out(
            *self->host_, self->machine_, std::move(wanted),
            [self, group,
             handler = std::make_shared<decltype(handler)>(std::move(handler))](Answer answer) {
              if (answer) self->changed(group);
              asio::post(self->services_->shard, [handler, answer = std::move(answer)]() mutable {
                std::move (*handler)(std::move(answer));
              });
            });
        self->drive();
      },
      asio::use_awaitable, std::move(command));
}

Task<Status> GroupCoordinator::confirm() {
  if (!stopped_ && !coordinates()) co_return fail(not_here());
  const auto self = shared_from_this();
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Status)>(
      [self](auto handler) {
        self->host_->submit(
            [] { return std::vector<StateRecord>(); },
            [self,
             handler = std::make_shared<decltype(handler)>(std::move(handler))](Status status) {
              asio::post(self->services_->shard, [handler, status = std::move(status)]() mutable {
                std::move (*handler)(std::move(status));
              });
            });
        self->drive();
      },
      asio::use_awaitable);
}

// Most heartbeats change nothing, and a group may have a thousand members.
void GroupCoordinator::changed(const std::string& group) {
  if (!leads_in_ || machine_.applied() == followed_) return;
  followed_ = machine_.applied();
  sessions_.follow(group, machine_.state().find(group), now_ms());
  if (!sessions_.of(group).empty()) wake();
}

Task<Result<group::Assignment>> GroupCoordinator::heartbeat(group::JoinOrHeartbeat command,
                                                            std::int64_t since_poll_ms) {
  auto& subscription = command.profile.subscription;
  if (!subscription.pattern.empty()) {
    PENSTOCK_CO_TRY_ASSIGN(subscription.topics, patterns_.of(subscription.pattern, image_));
  }
  command.topics = topics_;
  command.now = clock_.wall();
  const std::string group = command.group;
  const Uuid member = command.member;
  // However long the disk takes now: it lives.
  sessions_.heard(group, member, since_poll_ms, now_ms());
  const std::int64_t heard_ms = now_ms();
  auto answer = co_await carry_out(std::move(command));
  if (answer && leads_in_) sessions_.heard(group, member, since_poll_ms, heard_ms);
  co_return answer;
}

Task<Result<group::Epoch>> GroupCoordinator::leave(group::Leave command) {
  command.topics = topics_;
  command.now = clock_.wall();
  co_return co_await carry_out(std::move(command));
}

Task<Result<group::Committed>> GroupCoordinator::commit(group::CommitOffsets command) {
  command.topics = topics_;
  command.now = clock_.wall();
  co_return co_await carry_out(std::move(command));
}

Task<Result<std::vector<group::FetchedPosition>>> GroupCoordinator::fetch(
    group::FetchOffsets command) {
  co_return co_await carry_out(std::move(command));
}

Task<Result<std::vector<group::ResetPosition>>> GroupCoordinator::reset(
    group::ResetOffsets command) {
  command.topics = topics_;
  command.now = clock_.wall();
  co_return co_await carry_out(std::move(command));
}

Task<Status> GroupCoordinator::remove(group::DeleteGroup command) {
  while (true) {
    PENSTOCK_CO_TRY_ASSIGN(const group::Progress progress, co_await carry_out(command));
    if (progress == group::Progress::kDone) co_return Status{};
  }
}

// --- views

Task<Result<GroupView>> GroupCoordinator::describe(std::string name,
                                                   std::optional<LogEnds> explain_with) {
  PENSTOCK_CO_TRY(co_await confirm());
  const group::Group* const group = machine_.state().find(name);
  if (group == nullptr) co_return fail(Errc::kUnknownGroup, "there is no group '" + name + "'");
  GroupView view{
      .group = *group, .sessions = sessions_.of(name), .reasons = {}, .now_ms = now_ms()};
  if (explain_with) {
    view.reasons = group::explain({.group = view.group,
                                   .topics = *topics_,
                                   .sessions = view.sessions,
                                   .log_ends = *explain_with,
                                   .now_ms = view.now_ms});
  }
  co_return view;
}

Task<Result<std::vector<GroupSummary>>> GroupCoordinator::list() {
  PENSTOCK_CO_TRY(co_await confirm());
  std::vector<GroupSummary> all;
  for (const auto& [name, group] : machine_.state().groups()) {
    if (!group.facts) continue;
    GroupSummary& one = all.emplace_back();
    one.name = name;
    one.members = group.members.size();
    one.away = group.members.size() - group.holdings.size();
    one.positions = group.positions.size();
    one.is_moving = is_moving(group);
  }
  co_return all;
}

}  // namespace penstock::broker
