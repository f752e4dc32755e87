// StateMachine: what a replicated log is about, as its host sees it: records go in, a state comes
// out.
//
// Invariants: apply() and skip_to() are the only mutators besides restore(); fed with the same
// records they give the same state anywhere, and the same state has the same snapshot. applied() is
// the offset behind the last record. Threads: one at a time. Failure: apply() fails only for a
// record that contradicts the state (kCorrupt) or that a newer release wrote (kUnsupportedVersion);
// restore() then changes nothing.
#pragma once

#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::broker {

class StateMachine {
 public:
  virtual ~StateMachine() = default;

  virtual Status apply(Offset offset, ByteView record) = 0;
  // The log went on without a record for this state.
  virtual void skip_to(Offset next) = 0;
  virtual Offset applied() const = 0;

  virtual Bytes snapshot() const = 0;
  virtual Status restore(ByteView snapshot) = 0;
  // Where restore() would lead, without doing it.
  virtual Result<Offset> check(ByteView snapshot) const = 0;
  // Whether apply() understands it: what this build cannot read must not get into a log.
  virtual Status check_record(ByteView record) const = 0;
};

// A state with typed records as a StateMachine: State has apply(Offset, Record), skip_to, applied,
// snapshot and a static restore; kDecode makes a Result<Record> of bytes.
template <typename State, auto kDecode>
class StateOf final : public StateMachine {
 public:
  const State& state() const { return state_; }

  Status apply(Offset offset, ByteView record) override {
    PENSTOCK_TRY_ASSIGN(const auto decoded, kDecode(record));
    return state_.apply(offset, decoded);
  }
  void skip_to(Offset next) override { state_.skip_to(next); }
  Offset applied() const override { return state_.applied(); }

  Bytes snapshot() const override { return state_.snapshot(); }
  Status restore(ByteView snapshot) override {
    PENSTOCK_TRY_ASSIGN(state_, State::restore(snapshot));
    return {};
  }
  Result<Offset> check(ByteView snapshot) const override {
    PENSTOCK_TRY_ASSIGN(const State restored, State::restore(snapshot));
    return restored.applied();
  }
  Status check_record(ByteView record) const override {
    PENSTOCK_TRY(kDecode(record));
    return {};
  }

 private:
  State state_;
};

}  // namespace penstock::broker
