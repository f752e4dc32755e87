#include "protocol/rpc/connection_rules.h"

#include <algorithm>

#include "base/assert.h"
#include "protocol/wire/api.h"

namespace penstock::rpc {
namespace {

std::int64_t ns(std::chrono::milliseconds time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

bool is_handshake(const wire::FrameHeader& header) {
  return header.api == static_cast<std::uint16_t>(wire::Api::kHandshake);
}

std::string version_text(const wire::FrameHeader& header, const wire::ApiInfo& api) {
  return std::string(api.name) + " version " + std::to_string(header.version) +
         ": this broker speaks " + std::to_string(api.min_version) + " to " +
         std::to_string(api.max_version);
}

}  // namespace

ConnectionRules::ConnectionRules(const ServerLimits& limits, std::uint64_t max_frame_bytes,
                                 std::int64_t now_ns)
    : limits_(limits),
      max_frame_bytes_(max_frame_bytes),
      opened_ns_(now_ns),
      last_activity_ns_(now_ns) {}

std::uint64_t ConnectionRules::max_frame_bytes() const {
  return handshake_done_ ? max_frame_bytes_
                         : std::min(limits_.handshake_frame_bytes, max_frame_bytes_);
}

std::uint64_t ConnectionRules::memory_cost(std::uint64_t body_bytes) const {
  return body_bytes + limits_.request_overhead_bytes;
}

bool ConnectionRules::may_begin_frame(const Backlog& backlog) const {
  if (in_flight_ >= limits_.requests_in_flight) return false;
  if (backlog.own_bytes >= limits_.outbound_pause_bytes) return false;
  // Peers that read their answers are served on, whoever else does not.
  return backlog.own_bytes == 0 || backlog.total_bytes < limits_.outbound_total_bytes;
}

bool ConnectionRules::may_queue_answer(std::uint64_t own_bytes) const {
  return own_bytes < limits_.outbound_max_bytes;
}

Judgement ConnectionRules::judge(const wire::FrameHeader& header) const {
  if (header.kind != wire::FrameKind::kRequest) {
    return {Verdict::kClose, Errc::kBadFrame, "a client sent a response"};
  }
  if (is_handshake(header) && handshake_done_) {
    return {Verdict::kAnswerAndClose, Errc::kInvalidArgument, "a second Handshake"};
  }
  if (!is_handshake(header) && !handshake_done_) {
    return {Verdict::kAnswerAndClose, Errc::kHandshakeRequired,
            "the first request on a connection must be Handshake"};
  }
  const wire::ApiInfo* api = wire::find_api(header.api);
  if (api == nullptr) {
    return {Verdict::kAnswerError, Errc::kUnsupported,
            "API " + std::to_string(header.api) + " is not known to this broker"};
  }
  // A Handshake of another version is answered in full, so that the client can choose a common one.
  if (is_handshake(header)) return {Verdict::kHandshake};
  if (header.version < api->min_version || header.version > api->max_version) {
    return {Verdict::kAnswerError, Errc::kUnsupportedVersion, version_text(header, *api)};
  }
  return {Verdict::kRequest};
}

void ConnectionRules::request_began(std::int64_t now_ns) {
  ++in_flight_;
  last_activity_ns_ = now_ns;
}

void ConnectionRules::request_ended(std::int64_t now_ns) {
  PENSTOCK_ASSERT(in_flight_ > 0, "a request ends once");
  --in_flight_;
  last_activity_ns_ = now_ns;
}

void ConnectionRules::wait_for_peer(bool mid_frame, std::int64_t now_ns) {
  if (!mid_frame) {
    frame_began_ns_.reset();
  } else if (!frame_began_ns_) {
    frame_began_ns_ = now_ns;
    frame_received_bytes_ = 0;
  }
}

void ConnectionRules::bytes_received(std::uint64_t bytes, std::int64_t now_ns) {
  frame_received_bytes_ += bytes;
  last_activity_ns_ = now_ns;
}

void ConnectionRules::answer_queued(std::int64_t now_ns) {
  if (!unsent_since_ns_) unsent_since_ns_ = now_ns;
}

void ConnectionRules::bytes_sent(bool all_sent, std::int64_t now_ns) {
  last_activity_ns_ = now_ns;
  if (all_sent) {
    unsent_since_ns_.reset();
  } else {
    unsent_since_ns_ = now_ns;
  }
}

bool ConnectionRules::frame_overdue(std::int64_t now_ns) const {
  if (!frame_began_ns_) return false;
  const std::int64_t elapsed = now_ns - *frame_began_ns_;
  if (elapsed > ns(limits_.max_frame_time)) return true;
  if (elapsed <= ns(limits_.frame_time)) return false;
  const double seconds = static_cast<double>(elapsed) * 1e-9;
  return static_cast<double>(frame_received_bytes_) <
         static_cast<double>(limits_.min_frame_bytes_per_second) * seconds;
}

std::optional<ConnectionRules::Overdue> ConnectionRules::overdue(std::int64_t now_ns) const {
  if (!handshake_done_ && now_ns - opened_ns_ > ns(limits_.handshake_time)) {
    return Overdue{.violation = true, .reason = "no handshake in time"};
  }
  if (frame_overdue(now_ns)) return Overdue{.violation = true, .reason = "a frame came too slowly"};
  if (unsent_since_ns_ && now_ns - *unsent_since_ns_ > ns(limits_.write_stall_time)) {
    return Overdue{.violation = true, .reason = "answers were not read"};
  }
  if (in_flight_ == 0 && now_ns - last_activity_ns_ > ns(limits_.idle_time)) {
    return Overdue{.violation = false, .reason = "idle"};
  }
  return std::nullopt;
}

std::chrono::milliseconds ConnectionRules::check_period(const ServerLimits& limits) {
  const auto shortest = std::min({limits.handshake_time, limits.frame_time, limits.write_stall_time,
                                  limits.idle_time, limits.linger_time});
  return std::max(shortest / 4, std::chrono::milliseconds(1));
}

}  // namespace penstock::rpc
