#include "broker/peer/peer_link.h"

#include <google/protobuf/arena.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/peer/limits.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using std::chrono::steady_clock;

spdlog::logger& log() {
  static spdlog::logger& instance = logger("peer");
  return instance;
}

std::chrono::milliseconds pause_after(std::uint32_t failures) {
  const std::uint32_t doublings = std::min(failures - 1, 10U);
  return std::min(kFirstPeerPause * (1U << doublings), kLongestPeerPause);
}

Task<void> end_channel(std::shared_ptr<rpc::Channel> channel) { co_await channel->close(); }

}  // namespace

PeerLink::PeerLink(asio::any_io_executor executor, PeerIdentity self, raft::NodeId peer,
                   rpc::Endpoint endpoint)
    : self_(self),
      peer_(peer),
      name_("broker " + std::to_string(peer.value())),
      endpoint_(std::move(endpoint)),
      changed_(executor),
      moved_(executor),
      tasks_(executor) {
  for (const Lane lane : kLanes) tasks_.spawn("link to " + name_, serve(lane));
}

PeerLink::~PeerLink() = default;

void PeerLink::move_to(rpc::Endpoint endpoint) {
  if (closing_ || endpoint == endpoint_) return;
  endpoint_ = std::move(endpoint);
  for (Way& way : ways_) {
    drop_channel(way);
    way.failures = 0;
    way.pause_until = {};
  }
  moved_.notify_all();
}

void PeerLink::send(GroupMessage message) {
  const Lane lane = Outbox::lane_of(message);
  const bool was_empty = outbox_.empty(lane);
  // One wake-up is enough for all that comes before the lane is served.
  if (!closing_ && outbox_.add(std::move(message)) && was_empty) changed_.notify_all();
}

void PeerLink::announce(const LeaderNews& news) {
  if (closing_) return;
  const auto known = news_.find(news.partition);
  if (known != news_.end()) {
    known->second = news;
  } else if (news_.size() < kMaxWaitingNews) {
    const bool was_empty = news_.empty();
    news_.emplace(news.partition, news);
    if (was_empty) changed_.notify_all();
  }
}

bool PeerLink::has_work(Lane lane) const {
  return !outbox_.empty(lane) || (lane == Lane::kUrgent && !news_.empty());
}

Task<void> PeerLink::serve(Lane lane) {
  Way& way = this->way(lane);
  while (!closing_) {
    const std::uint64_t seen = changed_.version();
    if (!has_work(lane) || way.under_way >= kMaxExchangesUnderWay) {
      if (!co_await changed_.wait(seen)) co_return;  // cancelled
      continue;
    }
    if (!co_await connect(lane)) continue;
    // Connecting took its time: what has come meanwhile goes along.
    std::vector<SharedBytes> attachment;
    auto request = next_exchange(lane, attachment);
    ++way.under_way;
    tasks_.spawn("exchange with " + name_,
                 exchange(lane, way.channel, std::move(request), std::move(attachment)));
  }
}

Task<Status> PeerLink::connect(Lane lane) {
  Way& way = this->way(lane);
  if (way.channel && way.channel->is_open()) co_return Status{};
  drop_channel(way);
  while (steady_clock::now() < way.pause_until) {
    const Status woken = co_await moved_.wait(moved_.version(), way.pause_until);
    if (!woken && woken.error().code() == Errc::kCancelled) co_return woken;
  }
  const rpc::Endpoint there = endpoint_;
  auto opened = co_await open_channel();
  if (!opened) {
    if (closing_ || there != endpoint_) co_return fail(opened.error());
    failed(way, opened.error());
    outbox_.clear(lane);
    // News are kept: what they say is still so.
    co_return fail(std::move(opened).error());
  }
  if (closing_ || there != endpoint_) {
    tasks_.spawn("end of a link to " + name_, end_channel(std::move(*opened)));
    co_return fail(Errc::kConnectionLost, name_ + " is elsewhere now");
  }
  way.channel = std::move(*opened);
  co_return Status{};
}

Task<Result<PeerLink::ChannelPtr>> PeerLink::open_channel() {
  auto opened = co_await rpc::Channel::open(
      endpoint_, {.client_name = "broker-" + std::to_string(self_.broker.value())},
      steady_clock::now() + kPeerConnectTime);
  if (!opened) co_return fail(std::move(opened).error());
  const ChannelPtr channel = std::move(*opened);
  const rpc::PeerInfo& found = channel->peer();
  if (found.broker_id == peer_.value() && found.cluster_id == self_.cluster_id) co_return channel;
  const bool is_ours = found.cluster_id == self_.cluster_id;
  Error error(Errc::kForeignData, "it is broker " + std::to_string(found.broker_id) +
                                      (is_ours ? "" : " of another cluster"));
  co_await channel->close();
  co_return fail(std::move(error));
}

Bytes PeerLink::next_exchange(Lane lane, std::vector<SharedBytes>& attachment) {
  // Some hundred small messages, made and thrown away together.
  google::protobuf::Arena arena;
  auto& request = *google::protobuf::Arena::CreateMessage<wire::v1::ExchangeRequest>(&arena);
  request.set_from(self_.broker.value());
  request.set_from_directory(wire::to_wire(self_.directory));
  request.set_to(peer_.value());
  request.set_cluster_id(wire::to_wire(self_.cluster_id));
  for (GroupMessage& message : outbox_.take(lane)) {
    to_wire(message, *request.add_messages());
    if (!message.message.attachment.empty()) {
      attachment.push_back(std::move(message.message.attachment));
    }
  }
  if (lane == Lane::kUrgent) {
    for (const auto& [partition, news] : news_) to_wire(news, *request.add_leaderships());
    news_.clear();
  }
  return rpc::serialize(request);
}

Task<void> PeerLink::exchange(Lane lane, ChannelPtr channel, Bytes request,
                              std::vector<SharedBytes> attachment) {
  const auto answer = co_await rpc::call<wire::v1::ExchangeResponse>(
      *channel, wire::Api::kExchange, std::move(request), std::move(attachment),
      steady_clock::now() + kExchangeTime);
  Way& way = this->way(lane);
  --way.under_way;
  changed_.notify_all();
  if (closing_) co_return;
  if (answer) {
    succeeded(way);
  } else if (way.channel == channel) {  // the first to find out
    failed(way, answer.error());
    // A peer that does not answer may hang; a new connection finds out.
    drop_channel(way);
    outbox_.clear(lane);
  }
}

void PeerLink::drop_channel(Way& way) {
  if (!way.channel) return;
  tasks_.spawn("end of a link to " + name_, end_channel(std::exchange(way.channel, nullptr)));
}

void PeerLink::failed(Way& way, const Error& error) {
  ++way.failures;
  way.pause_until = steady_clock::now() + pause_after(way.failures);
  if (std::exchange(down_, true)) return;
  log().warn("cannot be reached: {} address={} error={}", name_, endpoint_.to_string(),
             error.to_string());
}

void PeerLink::succeeded(Way& way) {
  way.failures = 0;
  if (!std::exchange(down_, false)) return;
  log().info("answers again: {} address={}", name_, endpoint_.to_string());
}

Task<void> PeerLink::close() {
  closing_ = true;
  changed_.notify_all();
  moved_.notify_all();
  tasks_.cancel();
  for (Way& way : ways_) {
    if (const ChannelPtr channel = std::exchange(way.channel, nullptr)) co_await channel->close();
  }
  co_await tasks_.wait();
  for (const Lane lane : kLanes) outbox_.clear(lane);
}

}  // namespace penstock::broker
