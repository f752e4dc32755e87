// Channel::Core: the channel's connection: sends calls, matches answers, watches deadlines.
//
// Invariants: one timer serves all calls: it is armed for the earliest deadline and moved only to
// an earlier one. A caller is resumed by whoever ends its call: the reader at once, everything else
// through the executor's queue. Threads, Lifetime, Failure: protocol/rpc/channel.h.
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/rpc/channel.h"
#include "protocol/rpc/frame_stream.h"
#include "protocol/rpc/pending_calls.h"

namespace penstock::rpc {

class Channel::Core final : public FrameStream {
 public:
  Core(Socket socket, ChannelOptions options);

  void start();
  // The first call: tells who we are, learns who the peer is and what it speaks.
  static Task<Status> shake_hands(std::shared_ptr<Core> self, Deadline deadline);
  static Task<Result<Reply>> call(std::shared_ptr<Core> self, wire::Api api, Bytes message,
                                  std::vector<SharedBytes> attachment, Deadline deadline);
  static Task<void> close(std::shared_ptr<Core> self);
  const PeerInfo& peer() const { return peer_; }

  // The version of `api` that both sides speak.
  std::optional<std::uint16_t> version_of(wire::Api api) const;

 private:
  using Time = PendingCalls::Time;

  void on_received(std::size_t bytes) override;
  void on_sent(std::size_t bytes) override;
  void on_ended(const Error& reason) override;
  void on_quiet() override;

  std::shared_ptr<Core> self() { return std::static_pointer_cast<Core>(shared_from_this()); }
  // Speaking `version` of `api`, past all checks.
  static Task<Result<Reply>> exchange(std::shared_ptr<Core> self, wire::FrameHeader header,
                                      Bytes message, std::vector<SharedBytes> attachment,
                                      Deadline deadline);
  template <typename Handler>
  void begin(Handler handler, wire::FrameHeader header, Bytes message,
             std::vector<SharedBytes> attachment, Deadline deadline);
  Status learn_peer(ByteView response);
  // Takes the next answer out of what was received. False: there is none yet, or no more.
  Result<bool> take_answer();
  void send_waiting();
  void give_up(std::uint64_t correlation);
  void finish_later(Finish finish, Error error);
  void arm(Time when);
  void timer_fired();

  ChannelOptions options_;
  PendingCalls calls_;
  PeerInfo peer_;
  std::vector<std::pair<wire::Api, std::uint16_t>> versions_;
  bool handshake_done_ = false;
  std::optional<Time> unsent_since_;  // last progress of the socket while bytes wait for it
  asio::steady_timer timer_;
  Time armed_for_ = Time::max();
  std::uint64_t timer_generation_ = 0;
  Wakeup quiet_;
};

}  // namespace penstock::rpc
