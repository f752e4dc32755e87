// What becomes of a command: it waits, is decided, and is answered.
#include <algorithm>
#include <string>
#include <utility>

#include "broker/host/state_host.h"
#include "protocol/record/builder.h"

namespace penstock::broker {
namespace {

// Whether an append that failed with it certainly left nothing in the log.
bool did_nothing(Errc code) {
  return code == Errc::kNotLeader || code == Errc::kNotReady || code == Errc::kOverloaded ||
         code == Errc::kDiskFull || code == Errc::kPartitionDamaged ||
         code == Errc::kBatchTooLarge || code == Errc::kInvalidBatch;
}

Result<Bytes> make_batch(const StateMachine& machine, const std::vector<StateRecord>& records,
                         Timestamp now) {
  record::BatchBuilder builder;
  for (const StateRecord& record : records) {
    const StateRecordView view = StateRecordView::of(record);
    if (const Status known = machine.check_record(view); !known) {
      return std::unexpected(
          Error(Errc::kInvalidArgument,
                "the command makes a record that cannot be read: " + known.error().message()));
    }
    builder.append(now, view.key, view.value);
  }
  return builder.build();
}

Error unknown_outcome(const std::string& why) {
  return {Errc::kTimeout, why + "; the command may be carried out or not"};
}

}  // namespace

Error StateHost::not_leader() const {
  const raft::NodeId leader = replica_.leader();
  return {Errc::kNotLeader, leader == raft::kNobody ? std::string("nobody leads at present")
                                                    : raft::to_string(leader) + " leads"};
}

void StateHost::submit(Decide decide, Answer answer) {
  if (stopped_) {
    answer(fail(Errc::kShuttingDown));
  } else if (fatal_ || replica_.role() != raft::Role::kLeader) {
    answer(fail(not_leader()));
  } else if (queue_.size() >= options_.max_queued) {
    answer(fail(Errc::kOverloaded, "too many commands wait for the ones before them"));
  } else {
    queue_.push_back({std::move(decide), std::move(answer)});
    if (within_) return;
    within_ = true;
    begin_next();
    within_ = false;
  }
}

void StateHost::stop() {
  stopped_ = true;
  if (under_way_) {
    const bool is_in_log = under_way_->what == UnderWay::What::kRecords;
    answer_under_way(is_in_log ? fail(unknown_outcome("this broker shuts down"))
                               : Status(fail(Errc::kShuttingDown)));
  }
  refuse_queued(Error(Errc::kShuttingDown));
}

// --- deciding

bool StateHost::is_ready() const {
  return !fatal_ && !stopped_ && replica_.is_ready() && leading_ &&
         leading_->term == replica_.term() && machine_.applied() >= leading_->inherited &&
         machine_.applied() == replica_.committed();
}

void StateHost::begin_next() {
  while (!under_way_ && !queue_.empty() && is_ready()) {
    Command command = std::move(queue_.front());
    queue_.pop_front();
    const auto records = command.decide();
    if (records && !records->empty()) {
      propose(std::move(command), *records);
    } else {
      confirm(std::move(command), records ? Status{} : Status(fail(records.error())));
    }
  }
}

void StateHost::propose(Command command, const std::vector<StateRecord>& records) {
  auto batch = make_batch(machine_, records, clock_.wall());
  if (!batch) {
    command.answer(fail(batch.error()));
    return;
  }
  acted_ = true;
  const auto appended = replica_.append(*batch);
  if (appended) {
    under_way_ = {.what = UnderWay::What::kRecords,
                  .answer = std::move(command.answer),
                  .term = appended->term,
                  .end = appended->end};
    return;
  }
  command.answer(did_nothing(appended.error().code())
                     ? fail(appended.error())
                     : fail(unknown_outcome(appended.error().to_string())));
}

void StateHost::confirm(Command command, Status verdict) {
  acted_ = true;
  const std::uint64_t context = next_context_++;
  if (const Status asked = replica_.read_index(context); !asked) {
    command.answer(asked);
    return;
  }
  under_way_ = {.what = UnderWay::What::kConfirmation,
                .answer = std::move(command.answer),
                .term = replica_.term(),
                .context = context,
                .verdict = std::move(verdict)};
}

// --- answering

void StateHost::answer_under_way(Status status) {
  const Answer answer = std::move(under_way_->answer);
  under_way_.reset();
  answer(std::move(status));
}

void StateHost::refuse_queued(const Error& error) {
  // Only those who wait now: an answer may submit again.
  for (std::size_t left = queue_.size(); left > 0 && !queue_.empty(); --left) {
    const Command command = std::move(queue_.front());
    queue_.pop_front();
    command.answer(fail(error));
  }
}

void StateHost::finish_what_is_committed() {
  if (!under_way_ || under_way_->what != UnderWay::What::kRecords || fatal_) return;
  const Offset end = under_way_->end;
  if (machine_.applied() < end || end <= replica_.log_start() || end > replica_.log_end()) return;
  // Another leader's record may stand there.
  if (replica_.group().term_at(end - 1) == under_way_->term) answer_under_way({});
}

void StateHost::finish_confirmed(const ReplicaOutput& output) {
  if (!under_way_ || under_way_->what != UnderWay::What::kConfirmation) return;
  const std::uint64_t context = under_way_->context;
  const bool confirmed = std::ranges::any_of(
      output.reads_ready, [&](const auto& one) { return one.context == context; });
  if (confirmed) {
    answer_under_way(std::exchange(under_way_->verdict, Status{}));
  } else if (std::ranges::count(output.reads_failed, context) > 0) {
    answer_under_way(fail(not_leader()));
  }
}

void StateHost::notice_role() {
  const bool leads = !fatal_ && replica_.role() == raft::Role::kLeader;
  if (leads && leading_ && leading_->term == replica_.term()) return;
  leading_.reset();
  if (leads) leading_ = Leading{replica_.term(), replica_.log_end()};
  if (under_way_) {
    answer_under_way(under_way_->what == UnderWay::What::kRecords
                         ? fail(unknown_outcome("the leader changed before a majority had it"))
                         : fail(not_leader()));
  }
  if (!leads) refuse_queued(not_leader());
}

}  // namespace penstock::broker
