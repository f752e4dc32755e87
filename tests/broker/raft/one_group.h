// OneGroup: a single group under test, whose other members are played by the test. Its shell is
// obliging: it saves, appends and cuts at once, and flushes when told to.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/raft/group.h"

namespace penstock::raft {

// {{1, 3}, {2, 4}}: three records of term 1, four of term 2.
using Terms = std::vector<std::pair<int, int>>;

inline std::vector<NodeId> nodes(std::initializer_list<int> ids) {
  std::vector<NodeId> list;
  for (int id : ids) list.emplace_back(id);
  return list;
}

inline Membership voters(std::initializer_list<int> ids) { return {nodes(ids), {}, {}}; }

inline LogPoint point(int term, int end) { return {Term(term), Offset(end)}; }

inline EntryRange range_of(int begin, const Terms& terms) {
  EntryRange range{.begin = Offset(begin), .end = Offset(begin), .runs = {}, .memberships = {}};
  for (const auto& [term, count] : terms) {
    range.runs.push_back({Term(term), range.end});
    range.end = range.end + count;
  }
  range.bytes = static_cast<std::uint64_t>(range.end - range.begin) * 100;
  return range;
}

struct Beginning {
  int self = 1;
  Membership members = voters({1, 2, 3});
  Terms log = {};
  int start = 0;
  int start_term = 0;
  int term = 0;
  int voted_for = -1;
  int damaged_until = 0;
  int term_floor = 0;
};

class OneGroup {
 public:
  explicit OneGroup(const Beginning& begin, const Options& options = {})
      : group(NodeId(begin.self), options, restored(begin), 7, 0) {
    absorb();
  }

  // --- the other members
  void hear(int from, const Message& message) {
    group.step(NodeId(from), message, now_ms);
    absorb();
  }
  void hear_append(int from, int term, LogPoint previous, const Terms& records = {}, int commit = 0,
                   std::uint64_t round = 1) {
    hear(from, AppendRequest{Term(term), previous,
                             range_of(static_cast<int>(previous.end.value()), records),
                             Offset(commit), round});
  }
  void acknowledge(int from, int durable_end) {
    hear(from, AppendReply{group.term(), true, last_round(), Offset(durable_end), {}});
  }
  void win_election() {
    group.campaign(now_ms);
    absorb();
    for (const Ballot ballot : {Ballot::kPreVote, Ballot::kVote}) {
      const Term term(group.term().value() + (ballot == Ballot::kPreVote ? 1 : 0));
      for (int id = 1; id <= 5; ++id) {
        if (group.membership().is_voter(NodeId(id))) {
          hear(id, VoteReply{ballot, term, true});
        }
      }
    }
  }
  // Leads, and its no-op is committed by everybody.
  void lead() {
    win_election();
    flush();
    everybody_acknowledges();
    sent.clear();
  }
  void everybody_acknowledges() {
    for (NodeId node : group.membership().everyone()) {
      if (node != group.self()) {
        acknowledge(node.value(), static_cast<int>(group.log_end().value()));
      }
    }
  }

  // --- its own shell
  void wait(std::int64_t ms) {
    for (const std::int64_t until = now_ms + ms; now_ms < until;) {
      now_ms = std::min(until, std::max(now_ms + 1, group.next_deadline_ms()));
      group.tick(now_ms);
      absorb();
    }
  }
  void flush() {
    group.durable(group.log_end(), group.log_version(), now_ms);
    absorb();
  }
  void propose(int records) {
    const int end = static_cast<int>(group.log_end().value());
    ASSERT_TRUE(group.appended(range_of(end, {{group.term().value(), records}}), now_ms));
    absorb();
  }
  void save() {
    if (unsaved) group.saved(*std::exchange(unsaved, std::nullopt), now_ms);
    absorb();
  }
  void absorb() {
    for (Output out = group.take_output();; out = group.take_output()) {
      bool again = false;
      for (const Envelope& envelope : out.messages) {
        const auto* append = std::get_if<AppendRequest>(&envelope.message);
        if (append != nullptr) round_ = std::max(round_, append->round);
      }
      sent.insert(sent.end(), out.messages.begin(), out.messages.end());
      reads.insert(reads.end(), out.reads.begin(), out.reads.end());
      for (const ReadReady& ready : out.reads_ready) reads_ready.push_back(ready);
      for (std::uint64_t failed : out.reads_failed) reads_failed.push_back(failed);
      if (out.fault) fault = *out.fault;
      if (out.save) unsaved = out.save;
      if (unsaved && saves_at_once) {
        group.saved(*std::exchange(unsaved, std::nullopt), now_ms);
        again = true;
      }
      if (out.accept) {
        accepts.push_back(*out.accept);
        EXPECT_TRUE(group.accepted(*out.accept, now_ms));
        again = true;
      }
      if (out.reset) {
        EXPECT_TRUE(group.was_reset(*out.reset, now_ms));
        again = true;
      }
      for (const ControlEntry& entry : out.control) {
        EntryRange range = range_of(static_cast<int>(entry.at.value()), {{entry.term.value(), 1}});
        if (entry.membership) range.memberships.push_back({entry.at, *entry.membership});
        EXPECT_TRUE(group.appended(range, now_ms));
        again = true;
      }
      if (!again) return;
    }
  }

  // --- what it said: "n2 <- vote t1 log=(t0, 0)", one line a message; forgets them.
  std::string said() {
    std::string lines;
    for (const Envelope& envelope : std::exchange(sent, {})) {
      lines += to_string(envelope.to) + " <- " + to_string(envelope.message) + "\n";
    }
    return lines;
  }
  // Of the last append that left, said() or not.
  std::uint64_t last_round() const { return round_; }

  Group group;
  std::int64_t now_ms = 0;
  bool saves_at_once = true;
  std::optional<HardState> unsaved;
  std::vector<Envelope> sent;
  std::vector<ReadForPeer> reads;
  std::vector<Accept> accepts;
  std::vector<ReadReady> reads_ready;
  std::vector<std::uint64_t> reads_failed;
  std::string fault;

 private:
  static Restored restored(const Beginning& begin) {
    const EntryRange range = range_of(begin.start, begin.log);
    return {.hard_state = {Term(begin.term), NodeId(begin.voted_for)},
            .start = point(begin.start_term, begin.start),
            .runs = range.runs,
            .end = range.end,
            .base_membership = begin.members,
            .memberships = {},
            .committed = Offset(begin.start),
            .damaged_until = Offset(begin.damaged_until),
            .term_floor = Term(begin.term_floor)};
  }

  std::uint64_t round_ = 0;
};

}  // namespace penstock::raft
