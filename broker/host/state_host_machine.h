// StateMachine: what a replicated log is about, as its host sees it: records go in, a state comes
// out.
//
// Invariants: apply() and skip_to() are the only mutators besides restore(); fed with the same
// records they give the same state anywhere, and the same state has the same snapshot. applied() is
// the offset behind the last record. Threads: one at a time. Failure: apply() fails only for a
// record that contradicts the state (kCorrupt) or that a newer release wrote (kUnsupportedVersion);
// restore() then changes nothing.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::broker {

// A record of the machine's log. Without a key: its log is not to be compacted. Without a value: a
// tombstone.
struct StateRecord {
  std::optional<Bytes> key;
  std::optional<Bytes> value;
};
// The same as it stands in the log.
struct StateRecordView {
  std::optional<ByteView> key;
  std::optional<ByteView> value;

  static StateRecordView of(const StateRecord& record) {
    StateRecordView view;
    if (record.key) view.key = ByteView(*record.key);
    if (record.value) view.value = ByteView(*record.value);
    return view;
  }
};

class StateMachine {
 public:
  virtual ~StateMachine() = default;

  virtual Status apply(Offset offset, const StateRecordView& record) = 0;
  // The log went on without a record for this state.
  virtual void skip_to(Offset next) = 0;
  virtual Offset applied() const = 0;

  virtual Bytes snapshot() const = 0;
  virtual Status restore(ByteView snapshot) = 0;
  // Where restore() would lead, without doing it.
  virtual Result<Offset> check(ByteView snapshot) const = 0;
  // Whether apply() understands it: what this build cannot read must not get into a log.
  virtual Status check_record(const StateRecordView& record) const = 0;
};

// A state with typed records as a StateMachine: State has apply(Offset, Record), skip_to, applied,
// snapshot and a static restore; kDecode makes a Result<Record> of a record's value, or, for a log
// that is compacted by key, of its key and its value.
template <typename State, auto kDecode>
class StateOf final : public StateMachine {
 public:
  const State& state() const { return state_; }

  Status apply(Offset offset, const StateRecordView& record) override {
    PENSTOCK_TRY_ASSIGN(const auto decoded, decode(record));
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
  Status check_record(const StateRecordView& record) const override {
    PENSTOCK_TRY(decode(record));
    return {};
  }

 private:
  static constexpr bool kIsKeyed =
      std::is_invocable_v<decltype(kDecode), ByteView, std::optional<ByteView>>;

  static auto decode(const StateRecordView& record) {
    if constexpr (kIsKeyed) {
      using Decoded = decltype(kDecode(ByteView{}, record.value));
      if (!record.key) return Decoded(fail(Errc::kCorrupt, "a record without a key"));
      return kDecode(*record.key, record.value);
    } else {
      return kDecode(record.value.value_or(ByteView{}));
    }
  }

  State state_;
};

}  // namespace penstock::broker
