#include "protocol/rpc/pending_calls.h"

#include <algorithm>
#include <utility>

namespace penstock::rpc {

std::uint64_t PendingCalls::add(wire::FrameHeader header, Bytes message,
                                std::vector<SharedBytes> attachment, Time deadline, Finish finish) {
  header.correlation = next_correlation_++;
  std::uint64_t bytes = wire::kFrameHeaderSize + message.size();
  for (const SharedBytes& part : attachment) bytes += part.size();
  calls_.emplace(
      header.correlation,
      Call{.finish = std::move(finish), .deadline = deadline, .bytes = bytes, .in_flight = false});
  waiting_.push_back({.header = header,
                      .message = std::move(message),
                      .attachment = std::move(attachment),
                      .bytes = bytes});
  return header.correlation;
}

std::optional<OutgoingCall> PendingCalls::next_to_send(std::uint64_t unsent_bytes) {
  if (waiting_.empty() || requests_in_flight_ >= limits_.max_requests) return std::nullopt;
  const std::uint64_t busy_bytes = std::max(bytes_in_flight_, unsent_bytes);
  if (busy_bytes != 0 && busy_bytes + waiting_.front().bytes > limits_.max_bytes) {
    return std::nullopt;
  }
  OutgoingCall next = std::move(waiting_.front());
  waiting_.pop_front();
  calls_.find(next.header.correlation)->second.in_flight = true;
  bytes_in_flight_ += next.bytes;
  ++requests_in_flight_;
  ++sent_;
  return next;
}

Finish PendingCalls::take(Calls::iterator it) {
  if (it->second.in_flight) {
    bytes_in_flight_ -= it->second.bytes;
    --requests_in_flight_;
  }
  Finish finish = std::move(it->second.finish);
  calls_.erase(it);
  return finish;
}

// Keeps nothing of calls that ended before they were sent, however long the socket stalls.
void PendingCalls::drop_finished_waiters() {
  std::erase_if(waiting_, [this](const OutgoingCall& call) {
    return !calls_.contains(call.header.correlation);
  });
}

PendingCalls::Match PendingCalls::answered(std::uint64_t correlation) {
  const auto it = calls_.find(correlation);
  if (it != calls_.end()) {
    // An answer to what was not yet sent is as wrong as one to what was never asked.
    if (!it->second.in_flight) return {.known = false, .finish = nullptr};
    ++answered_;
    return {.known = true, .finish = take(it)};
  }
  const bool known = correlation != 0 && correlation < next_correlation_;
  if (known) ++answered_;
  return {.known = known, .finish = nullptr};
}

Finish PendingCalls::abandon(std::uint64_t correlation) {
  const auto it = calls_.find(correlation);
  if (it == calls_.end()) return nullptr;
  const bool was_waiting = !it->second.in_flight;
  Finish finish = take(it);
  if (was_waiting) drop_finished_waiters();
  return finish;
}

std::vector<PendingCalls::Expired> PendingCalls::take_expired(Time now) {
  std::vector<Expired> expired;
  bool some_waited = false;
  for (auto it = calls_.begin(); it != calls_.end();) {
    const auto call = it++;
    if (call->second.deadline > now) continue;
    const bool in_flight = call->second.in_flight;
    some_waited |= !in_flight;
    expired.push_back(
        {.finish = take(call), .code = in_flight ? Errc::kTimeout : Errc::kOverloaded});
  }
  if (some_waited) drop_finished_waiters();
  return expired;
}

std::vector<Finish> PendingCalls::take_all() {
  std::vector<Finish> all;
  all.reserve(calls_.size());
  while (!calls_.empty()) all.push_back(take(calls_.begin()));
  waiting_.clear();
  return all;
}

PendingCalls::Time PendingCalls::next_deadline() const {
  Time earliest = Time::max();
  for (const auto& [correlation, call] : calls_) earliest = std::min(earliest, call.deadline);
  return earliest;
}

}  // namespace penstock::rpc
