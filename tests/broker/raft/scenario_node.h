// One node of a scenario: a Group with the shell around it that a broker would be, slowed down to
// single steps.
//
// What consensus asks for is done at once, except what takes a disk's time: saving the hard state,
// flushing the log and carrying out a reset wait for a command. A crash leaves what those commands
// made durable, a cut of the log that was not flushed comes undone.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/broker/raft/scenario_network.h"
#include "tests/broker/raft/scenario_safety.h"
#include "tests/broker/raft/scenario_trace.h"

namespace penstock::raft {

// What the nodes of a scenario share.
struct ScenarioStage {
  ScenarioTrace& trace;
  ScenarioNetwork& network;
  ScenarioSafety& safety;
};

class ScenarioNode {
 public:
  enum class Access { kWorks, kFails };

  ScenarioNode(NodeId self, Options options, HardState hard_state, LogImage log,
               ScenarioStage& stage);

  void start();
  void crash();
  bool is_up() const { return group_ != nullptr; }

  // --- time: its own clock, which nobody else's follows
  void tick(std::int64_t ms);
  void pass(std::int64_t ms) { now_ms_ += ms; }  // the timer is not looked at
  void pass_and_tick_when_due(std::int64_t ms);

  // --- the disk
  bool has_something_to_save() const { return !to_save_.empty() || may_reset(); }
  bool has_something_to_flush() const {
    return disk_ != log_ || group_->durable_end() < log_.end();
  }
  void save();
  void save_oldest();  // of several states that wait
  void flush(std::optional<Offset> until);
  void begin_flush();
  void end_flush();
  void set_writes(Access access);  // of the log
  void set_reads(Access access);   // kFails: not answered before it works again
  void set_resets(Access access) { resets_ = access; }
  // Records from `keep` on are lost, the log was once durable until `until`.
  void damage(Offset until, std::optional<Offset> keep);
  void repaired();

  // --- requests
  void deliver(const Parcel& parcel);
  Status propose(std::int64_t records, std::uint64_t bytes);
  Status remove_below(Offset offset);
  // Any other call: `call` gets the group and the time.
  template <typename Call>
  auto ask(Call call) {
    if constexpr (std::is_void_v<decltype(call(*group_, now_ms_))>) {
      call(*group_, now_ms_);
      pump();
    } else {
      auto answer = call(*group_, now_ms_);
      pump();
      return answer;
    }
  }

  // --- state
  NodeId self() const { return self_; }
  const Group& group() const { return *group_; }
  const LogImage& log() const { return log_; }
  const LogImage& disk() const { return disk_; }
  const HardState& hard_state() const { return hard_state_; }
  Offset committed_before() const { return committed_before_; }
  std::int64_t ms_to_deadline() const { return group_->next_deadline_ms() - now_ms_; }
  std::string describe() const;

 private:
  struct Flush {
    LogImage image;
    std::uint64_t version = 0;
  };

  bool may_reset() const { return to_reset_.has_value() && resets_ == Access::kWorks; }
  void pump();
  void carry_out(Output& output);
  void carry_out(const Accept& accept);
  void carry_out_control();
  void answer_reads();
  void send(const Envelope& envelope);
  void tell_state(const Output& output);
  Status append(ScenarioBatch batch);

  const NodeId self_;
  const Options options_;
  ScenarioStage& stage_;
  std::unique_ptr<Group> group_;
  std::int64_t now_ms_ = 10'000;
  std::uint64_t starts_ = 0;

  HardState hard_state_;  // as saved
  LogImage disk_;
  LogImage log_;
  Offset damaged_until_;

  std::deque<HardState> to_save_;
  std::optional<InstallRequest> to_reset_;
  std::deque<Flush> flushes_;
  std::vector<ControlEntry> control_;
  std::vector<ReadForPeer> reads_;
  std::vector<ScenarioBatch> incoming_;  // beside the message that is being delivered
  Access writes_ = Access::kWorks;
  Access reads_access_ = Access::kWorks;
  Access resets_ = Access::kWorks;
  Offset committed_before_;
};

}  // namespace penstock::raft
