#include "broker/peer/peers.h"

#include <string>
#include <utility>

namespace penstock::broker {
namespace {

Task<void> close_link(std::unique_ptr<PeerLink> link) { co_await link->close(); }

}  // namespace

Peers::Peers(asio::any_io_executor shard, PeerIdentity self)
    : shard_(shard), self_(self), ending_(std::move(shard)) {}

Peers::~Peers() = default;

void Peers::set_addresses(const PeerAddresses& addresses) {
  if (closed_) return;
  for (auto link = links_.begin(); link != links_.end();) {
    if (addresses.contains(link->first)) {
      ++link;
      continue;
    }
    end(std::move(link->second));
    link = links_.erase(link);
  }
  for (const auto& [broker, endpoint] : addresses) {
    if (broker == self_.broker) continue;
    std::unique_ptr<PeerLink>& link = links_[broker];
    if (link) {
      link->move_to(endpoint);
    } else {
      link = std::make_unique<PeerLink>(shard_, self_, broker, endpoint);
    }
  }
}

void Peers::send(const TopicPartition& group, PeerMessage message) {
  const auto link = links_.find(message.envelope.to);
  if (link == links_.end()) return;
  link->second->send({.group = group, .message = std::move(message)});
}

void Peers::announce(const LeaderNews& news) {
  for (auto& [broker, link] : links_) link->announce(news);
}

bool Peers::is_up(raft::NodeId broker) const {
  const auto link = links_.find(broker);
  return link != links_.end() && link->second->is_up();
}

std::uint64_t Peers::dropped() const {
  std::uint64_t sum = dropped_before_;
  for (const auto& [broker, link] : links_) sum += link->dropped();
  return sum;
}

void Peers::end(std::unique_ptr<PeerLink> link) {
  dropped_before_ += link->dropped();
  ending_.spawn("end of the link to broker " + std::to_string(link->peer().value()),
                close_link(std::move(link)));
}

Task<void> Peers::close() {
  closed_ = true;
  for (auto& [broker, link] : links_) end(std::move(link));
  links_.clear();
  co_await ending_.wait();
}

}  // namespace penstock::broker
