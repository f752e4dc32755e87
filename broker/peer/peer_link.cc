#include "broker/peer/peer_link.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "broker/peer/limits.h"
#include "protocol/rpc/typed_call.h"
#include "protocol/wire/uuid_bytes.h"

namespace penstock::broker {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Longer than any election timeout: what is not answered by then is of no use any more.
constexpr auto kExchangeTime = 5s;
constexpr auto kConnectTime = 2s;
constexpr auto kFirstPause = 20ms;
constexpr auto kLongestPause = 500ms;

std::chrono::milliseconds pause_after(std::uint32_t failures) {
  const auto doublings = std::min(failures - 1, 5U);
  return std::min<std::chrono::milliseconds>(kFirstPause * (1U << doublings), kLongestPause);
}

}  // namespace

PeerLink::PeerLink(asio::any_io_executor executor, PeerIdentity self, raft::NodeId peer,
                   rpc::Endpoint endpoint)
    : executor_(executor),
      self_(self),
      peer_(peer),
      endpoint_(std::move(endpoint)),
      changed_(executor),
      tasks_(executor) {
  for (const Lane lane : kLanes) {
    tasks_.spawn("link to broker " + std::to_string(peer_.value()), serve(lane));
  }
}

PeerLink::~PeerLink() = default;

void PeerLink::move_to(rpc::Endpoint endpoint) { endpoint_ = std::move(endpoint); }

void PeerLink::send(GroupMessage message) {
  if (outbox_.add(std::move(message))) changed_.notify_all();
}

void PeerLink::announce(const LeaderNews& news) {
  if (news_.size() >= kMaxWaitingNews) return;
  news_.push_back(news);
  changed_.notify_all();
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
    if (!co_await connect(way)) continue;
    std::vector<SharedBytes> attachment;
    auto request = next_exchange(lane, attachment);
    ++way.under_way;
    tasks_.spawn("exchange with broker " + std::to_string(peer_.value()),
                 exchange(lane, way.channel, std::move(request), std::move(attachment)));
  }
}

// Returns with an open channel, or after the pause that a failure costs.
Task<Status> PeerLink::connect(Way& way) {
  if (way.channel && way.channel->is_open()) co_return Status{};
  if (way.channel) co_await way.channel->close();
  way.channel.reset();
  auto opened = co_await rpc::Channel::open(
      endpoint_, {.client_name = "broker-" + std::to_string(self_.broker.value())},
      steady_clock::now() + kConnectTime);
  if (opened && (*opened)->peer().broker_id != peer_.value()) {
    co_await (*opened)->close();
    opened = fail(Errc::kForeignData, endpoint_.to_string() + " is broker " +
                                          std::to_string((*opened)->peer().broker_id));
  }
  if (!opened) {
    failed(way, opened.error());
    outbox_.clear();
    co_await sleep_for(pause_after(way.failures));
    co_return std::unexpected(std::move(opened).error());
  }
  way.channel = std::move(*opened);
  co_return Status{};
}

wire::v1::ExchangeRequest PeerLink::next_exchange(Lane lane, std::vector<SharedBytes>& attachment) {
  wire::v1::ExchangeRequest request;
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
    for (const LeaderNews& news : news_) {
      auto& row = *request.add_leaderships();
      row.set_topic_id(wire::to_wire(news.partition.topic));
      row.set_partition(news.partition.partition.value());
      row.set_leader(news.leader.value());
      row.set_term(news.term.value());
    }
    news_.clear();
  }
  return request;
}

Task<void> PeerLink::exchange(Lane lane, std::shared_ptr<rpc::Channel> channel,
                              wire::v1::ExchangeRequest request,
                              std::vector<SharedBytes> attachment) {
  Way& way = this->way(lane);
  const auto answer = co_await rpc::call<wire::v1::ExchangeResponse>(
      *channel, wire::Api::kExchange, std::move(request), std::move(attachment),
      steady_clock::now() + kExchangeTime);
  --way.under_way;
  changed_.notify_all();
  if (answer) {
    succeeded(way);
    co_return;
  }
  if (closing_) co_return;
  failed(way, answer.error());
  // A peer that does not answer may hang; a new connection finds out.
  if (way.channel == channel) way.channel.reset();
  co_await channel->close();
}

void PeerLink::failed(Way& way, const Error& error) {
  ++way.failures;
  if (std::exchange(down_, true)) return;
  logger("peer").warn("broker {} at {} cannot be reached: {}", peer_.value(), endpoint_.to_string(),
            error.to_string());
}

void PeerLink::succeeded(Way& way) {
  way.failures = 0;
  if (!std::exchange(down_, false)) return;
  logger("peer").info("broker {} at {} answers again", peer_.value(), endpoint_.to_string());
}

Task<void> PeerLink::close() {
  closing_ = true;
  changed_.notify_all();
  for (Way& way : ways_) {
    if (way.channel) co_await way.channel->close();
  }
  tasks_.cancel();
  co_await tasks_.wait();
  for (Way& way : ways_) {
    if (way.channel) co_await way.channel->close();
    way.channel.reset();
  }
}

}  // namespace penstock::broker
