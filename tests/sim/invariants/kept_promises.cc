#include "tests/sim/invariants/kept_promises.h"

#include <algorithm>

namespace penstock::sim {

void KeptPromises::sent(GroupNumber group, const broker::PeerMessage& message) {
  const raft::Envelope& envelope = message.envelope;
  Promise& promise = promises_[{envelope.from, group}];
  if (const auto* vote = std::get_if<raft::VoteReply>(&envelope.message)) {
    if (vote->ballot == raft::Ballot::kPreVote) return;
    if (vote->granted) {
      if (promise.vote_term == vote->term && promise.vote != envelope.to) {
        violated(to_string(envelope.from) + " votes for " + to_string(envelope.to) + " and for " +
                 to_string(promise.vote) + " in term " + std::to_string(vote->term.value()));
      }
      promise.vote_term = vote->term;
      promise.vote = envelope.to;
    }
  } else if (const auto* request = std::get_if<raft::VoteRequest>(&envelope.message)) {
    if (request->ballot == raft::Ballot::kPreVote) return;
    if (promise.vote_term == request->term && promise.vote != envelope.from) {
      violated(to_string(envelope.from) + " votes for itself and for " + to_string(promise.vote) +
               " in term " + std::to_string(request->term.value()));
    }
    promise.vote_term = request->term;
    promise.vote = envelope.from;
  } else if (const auto* reply = std::get_if<raft::AppendReply>(&envelope.message)) {
    if (reply->accepted) promise.durable_end = std::max(promise.durable_end, reply->durable_end);
  }
  promise.term = std::max(promise.term, raft::term_of(envelope.message));
}

void KeptPromises::received(GroupNumber group, const broker::PeerMessage& message) {
  Promise& promise = promises_[{message.envelope.to, group}];
  if (const auto* append = std::get_if<raft::AppendRequest>(&message.envelope.message)) {
    promise.cut_under_way = append->previous.end;
  } else if (std::holds_alternative<raft::InstallRequest>(message.envelope.message)) {
    promise.cut_under_way = Offset(0);
  }
}

void KeptPromises::stepped(const ReplicaView& view) {
  Promise& promise = promises_[{view.node, view.group}];
  // A disk that failed in the middle of a change leaves the log as it was or as it was to be, like
  // a crash; the process ends, and nobody was told.
  if (view.output != nullptr && view.output->fatal) return;
  promise.cut_under_way.reset();
  if (view.output != nullptr && view.output->truncated_to) {
    promise.durable_end = std::min(promise.durable_end, *view.output->truncated_to);
    // A start inside of a batch goes with the batch; the leader tells it with what it sends again.
    promise.log_start = std::min(promise.log_start, *view.output->truncated_to);
  }
  if (view.output != nullptr && view.output->was_reset) {
    promise.durable_end = view.replica.log_start();
  }
  if (view.replica.log_start() < promise.log_start) {
    violated(to_string(view.node) + " group " + std::to_string(view.group) +
             ": the log start went back to " + std::to_string(view.replica.log_start().value()));
  }
  promise.log_start = view.replica.log_start();
}

void KeptPromises::started(const ReplicaView& view, bool intact) {
  Promise& promise = promises_[{view.node, view.group}];
  if (promise.cut_under_way) {
    promise.durable_end = std::min(promise.durable_end, *promise.cut_under_way);
    promise.cut_under_way.reset();
  }
  const std::string who = to_string(view.node) + " group " + std::to_string(view.group);
  if (view.replica.term() < promise.term) {
    violated(who + " comes back with term " + std::to_string(view.replica.term().value()) +
             " and spoke in term " + std::to_string(promise.term.value()));
  }
  if (!intact) return;
  if (view.replica.log_end() < promise.durable_end) {
    violated(who + " comes back with a log up to " +
             std::to_string(view.replica.log_end().value()) + " and had called " +
             std::to_string(promise.durable_end.value()) + " durable");
  }
  if (view.replica.log_start() < promise.log_start) {
    violated(who + " comes back with its log start at " +
             std::to_string(view.replica.log_start().value()));
  }
}

}  // namespace penstock::sim
