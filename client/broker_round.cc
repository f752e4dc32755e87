#include "client/broker_round.h"

#include <algorithm>
#include <compare>

namespace penstock::client {
namespace {

int rank(const BrokerWay& way, Instant now) {
  if (way.retry_at > now) return 2;
  return way.silent ? 1 : 0;
}

}  // namespace

std::vector<std::size_t> asking_order(std::span<const BrokerWay> ways, std::size_t first,
                                      Instant now) {
  struct Place {
    int rank;
    Instant retry_at;
    std::size_t turn;
    std::size_t index;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;
  for (std::size_t turn = 0; turn < ways.size(); ++turn) {
    const std::size_t index = (first + turn) % ways.size();
    const int own = rank(ways[index], now);
    places.push_back({own, own == 2 ? ways[index].retry_at : Instant::min(), turn, index});
  }
  std::ranges::sort(places);
  std::vector<std::size_t> order;
  for (const Place& place : places) order.push_back(place.index);
  return order;
}

}  // namespace penstock::client
