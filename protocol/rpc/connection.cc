#include "protocol/rpc/connection.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/log.h"

namespace penstock::rpc {
namespace {

std::int64_t now_ns() { return system_clock().steady_ns(); }

}  // namespace

bool ConnectionHost::may_log_violation(std::int64_t now) {
  const std::int64_t second = now / 1'000'000'000;
  if (second != log_second_) log_lines_ = 0;
  log_second_ = second;
  return ++log_lines_ <= kMaxViolationLogLinesPerSecond;
}

Connection::Connection(std::shared_ptr<ConnectionHost> host, Socket socket, ConnectionInfo info,
                       asio::ip::address address)
    : FrameStream(std::move(socket)),
      host_(std::move(host)),
      info_(std::make_shared<ConnectionInfo>(std::move(info))),
      address_(std::move(address)),
      rules_(host_->options.limits, host_->options.max_frame_bytes, now_ns()) {}

void Connection::start() {
  configure_socket();
  serve();
}

void Connection::on_received(std::size_t bytes) {
  received_ns_ = now_ns();
  host_->stats.received_bytes_total += bytes;
  rules_.bytes_received(bytes, received_ns_);
  serve();
}

void Connection::serve() {
  if (serving_ || is_ended()) return;
  serving_ = true;
  Step step = Step::kAgain;
  while (step == Step::kAgain && !is_ended()) step = serve_one();
  serving_ = false;
  if (is_ended()) return;
  if (step == Step::kPaused) {
    rules_.make_peer_wait();
    return;
  }
  rules_.wait_for_peer(assembler().mid_frame(), now_ns());
  want_bytes();
}

Connection::Step Connection::serve_one() {
  if (phase_ == Phase::kLingering) {
    drop_received();
    return Step::kNeedBytes;
  }
  if (!assembler().body_begun()) {
    const Backlog backlog{.own_bytes = outbound().bytes(), .total_bytes = host_->outbound_bytes};
    if (!rules_.may_begin_frame(backlog)) {
      // Whoever cannot go on does not stand in front of those who can.
      host_->memory.forget(id());
      return Step::kPaused;
    }
    const auto header = assembler().header(rules_.max_frame_bytes());
    if (!header) {
      violated(header.error());
      return Step::kPaused;
    }
    // A draining server still answers what it has received, and reads no more.
    if (!*header) return phase_ == Phase::kServing ? Step::kNeedBytes : Step::kPaused;
    if (!take_memory((*header)->body_bytes())) return Step::kPaused;
    assembler().begin_body();
  }
  if (!assembler().body_complete()) {
    return phase_ == Phase::kServing ? Step::kNeedBytes : Step::kPaused;
  }
  rules_.frame_ended();
  auto frame = assembler().take();
  if (!frame) {
    violated(frame.error());
    return Step::kPaused;
  }
  dispatch(std::move(*frame));
  return Step::kAgain;
}

bool Connection::take_memory(std::uint64_t body_bytes) {
  const std::uint64_t cost = rules_.memory_cost(body_bytes);
  auto resume = [weak = std::weak_ptr(self())] {
    const auto connection = weak.lock();
    if (!connection) return;
    asio::post(connection->socket().get_executor(), [connection] { connection->serve(); });
  };
  if (!host_->memory.try_take(cost, id(), std::move(resume))) return false;
  frame_memory_bytes_ = cost;
  return true;
}

// A read under way writes into the body of the frame it is in the middle of: its end is awaited.
void Connection::drop_received() {
  if (is_reading()) return;
  assembler().discard();
  give_memory_back();
}

void Connection::give_memory_back() {
  if (frame_memory_bytes_ != 0) host_->memory.give_back(std::exchange(frame_memory_bytes_, 0));
}

void Connection::answer(const wire::FrameHeader& request, Bytes message,
                        std::vector<SharedBytes> attachment) {
  if (is_ended()) return;
  if (!rules_.may_queue_answer(outbound().bytes())) {
    return violated(Error(Errc::kOverloaded, "large answers were asked for and not read"));
  }
  const std::uint64_t before = outbound().bytes();
  send({.kind = wire::FrameKind::kResponse,
        .api = request.api,
        .version = request.version,
        .correlation = request.correlation},
       std::move(message), std::move(attachment));
  host_->outbound_bytes += outbound().bytes() - before;
  rules_.answer_queued(now_ns());
}

void Connection::on_sent(std::size_t bytes) {
  host_->stats.sent_bytes_total += bytes;
  host_->outbound_bytes -= bytes;
  rules_.bytes_sent(outbound().empty(), now_ns());
  serve();
  finish_if_drained();
}

void Connection::drain() {
  if (phase_ != Phase::kServing || is_ended()) return;
  phase_ = Phase::kDraining;
  serve();
  finish_if_drained();
}

void Connection::finish_if_drained() {
  if (phase_ != Phase::kDraining || is_ended()) return;
  if (!running_.empty() || !outbound().empty()) return;
  phase_ = Phase::kLingering;
  host_->memory.forget(id());
  lingering_since_ns_ = now_ns();
  shut_down_sending();
  serve();
}

void Connection::check_time(std::int64_t now) {
  if (is_ended()) return;
  if (phase_ == Phase::kLingering) {
    const auto lingered = std::chrono::nanoseconds(now - lingering_since_ns_);
    if (lingered > host_->options.limits.linger_time) {
      end(Error(Errc::kConnectionLost, "closed by this side"));
    }
    return;
  }
  if (const auto overdue = rules_.overdue(now)) {
    const Error reason(Errc::kConnectionLost, std::string(overdue->reason));
    if (overdue->violation) return violated(reason);
    return end(reason);
  }
}

void Connection::refuse() {
  ++host_->stats.connections_closed_for_violation_total;
  drop_received();
  drain();
}

void Connection::violated(const Error& reason) {
  if (is_ended()) return;
  ++host_->stats.connections_closed_for_violation_total;
  if (host_->may_log_violation(now_ns())) {
    logger("rpc").info("connection closed peer={} reason={}", info_->peer, reason.to_string());
  }
  end(reason);
}

void Connection::abort(Error reason) {
  end(std::move(reason));
  for (auto it = running_.begin(); it != running_.end();) {
    const auto running = it++;
    running->cancel.emit(asio::cancellation_type::terminal);
  }
}

void Connection::on_ended(const Error& /*reason*/) {
  host_->outbound_bytes -= outbound().bytes();
  host_->memory.forget(id());
  give_memory_back();
  // Nobody waits for what only reads; what changes something is carried to its end.
  for (auto it = running_.begin(); it != running_.end();) {
    const auto running = it++;
    if (!running->changes_state) running->cancel.emit(asio::cancellation_type::terminal);
  }
}

void Connection::on_quiet() { report_if_gone(); }

void Connection::report_if_gone() {
  if (gone_ || !is_ended() || !is_quiet() || !running_.empty()) return;
  gone_ = true;
  host_->on_gone(*this);
}

}  // namespace penstock::rpc
