#include "broker/raft/message.h"

namespace penstock::raft {
namespace {

std::string term_text(Term term) { return "t" + std::to_string(term.value()); }
std::string number(std::uint64_t value) { return std::to_string(value); }
std::string number(Offset offset) { return std::to_string(offset.value()); }

std::string text_of(const VoteRequest& m) {
  return std::string(m.ballot == Ballot::kPreVote ? "pre-vote " : "vote ") + term_text(m.term) +
         " log=" + to_string(m.log) + (m.transfer ? " transfer" : "");
}

std::string text_of(const VoteReply& m) {
  return std::string(m.ballot == Ballot::kPreVote ? "pre-vote-reply " : "vote-reply ") +
         term_text(m.term) + (m.granted ? " granted" : " refused");
}

std::string text_of(const AppendRequest& m) {
  return "append " + term_text(m.term) + " prev=" + to_string(m.previous) + " " +
         to_string(m.range) + " commit=" + number(m.commit) + " round=" + number(m.round);
}

std::string text_of(const AppendReply& m) {
  return "append-reply " + term_text(m.term) +
         (m.accepted ? " accepted durable=" + number(m.durable_end)
                     : " refused hint=" + to_string(m.hint)) +
         " round=" + number(m.round);
}

std::string text_of(const InstallRequest& m) {
  return "install " + term_text(m.term) + " start=" + to_string(m.start) + " " +
         to_string(m.membership);
}

std::string text_of(const InstallReply& m) {
  return "install-reply " + term_text(m.term) + " start=" + to_string(m.start);
}

std::string text_of(const TimeoutNow& m) { return "timeout-now " + term_text(m.term); }

}  // namespace

Term term_of(const Message& message) {
  return std::visit([](const auto& m) { return m.term; }, message);
}

std::string to_string(const Message& message) {
  return std::visit([](const auto& m) { return text_of(m); }, message);
}

}  // namespace penstock::raft
