#include "tests/sim/network.h"

#include "tests/sim/probes.h"

namespace penstock::sim {

void Network::send(GroupNumber group, broker::PeerMessage message) {
  const bool twice = !calm_ && world_.chance(weather_.duplication);
  if (twice) {
    probe(Probe::kMessageDuplicated);
    carry(group, message);
  }
  carry(group, std::move(message));
}

void Network::carry(GroupNumber group, broker::PeerMessage message) {
  if (!calm_ && world_.chance(weather_.loss)) return;
  std::int64_t delay = weather_.min_delay_ns + world_.around(weather_.mean_delay_ns);
  if (!calm_ && world_.chance(weather_.slow_message)) delay *= 100;
  world_.after(delay, [this, group, resets = resets_, message = std::move(message)] {
    if (resets != resets_ || is_cut(message.envelope.from, message.envelope.to)) return;
    deliver_(group, message);
  });
}

}  // namespace penstock::sim
