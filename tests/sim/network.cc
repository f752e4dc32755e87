#include "tests/sim/network.h"

#include <algorithm>

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
  if (!calm_ && world_.chance(weather_.loss)) {
    if (!message.attachment.empty()) probe(Probe::kAppendLost);
    return;
  }
  if (!calm_ && !message.attachment.empty() && world_.chance(weather_.garbling)) garble(message);
  std::int64_t delay = weather_.min_delay_ns + world_.around(weather_.mean_delay_ns);
  if (!calm_ && world_.chance(weather_.slow_message)) delay *= 100;
  world_.after(delay, [this, group, resets = resets_, message = std::move(message)] {
    if (resets != resets_ || is_cut(message.envelope.from, message.envelope.to)) return;
    deliver_(group, message);
  });
}

// As if the checksum of the frame had not noticed.
void Network::garble(broker::PeerMessage& message) {
  const ByteView batches = message.attachment.view();
  MutableByteView copy;
  message.attachment = SharedBytes::allocate(batches.size(), copy);
  std::ranges::copy(batches, copy.begin());
  const std::uint64_t bit = world_.rng().below(batches.size() * 8);
  copy[bit / 8] ^= std::byte{1} << (bit % 8);
}

}  // namespace penstock::sim
