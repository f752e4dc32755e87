// AddressBook: where this broker knows the others to be.
//
// Metadata says it, once there is any; before that (a broker that just joined, or one that starts
// and has not heard a leader yet) it is what was last known. Invariants: what metadata says
// replaces what was known of the same broker; whoever metadata no longer names is forgotten.
// Threads: the admin shard's, save() excepted: it may run elsewhere, one at a time and behind
// load(), which may wait for the disk as well. Format of the file: lines
// "broker_id host port", sorted, then "crc32c" and the CRC-32C of the lines before in eight hex
// digits. It only helps to find the others: a damaged one is as none.
#pragma once

#include <string>

#include "base/file.h"
#include "broker/controller/cluster_image.h"
#include "broker/peer/peers.h"

namespace penstock::broker {

class AddressBook {
 public:
  AddressBook(Env& env, std::string file, raft::NodeId self)
      : env_(env), file_(std::move(file)), self_(self) {}

  // Blocking; success also when there is no file.
  Status load();
  // True when something changed.
  bool learn(const PeerAddresses& addresses);
  bool learn(const ClusterImage::Brokers& brokers);
  // Blocking. `addresses`: peers(), handed over when it is called on another thread. What the file
  // says already is not written again: a disk without a free byte is no hindrance then.
  Status save(const PeerAddresses& addresses);

  // Of all others.
  const PeerAddresses& peers() const { return peers_; }

 private:
  Env& env_;
  const std::string file_;
  const raft::NodeId self_;
  PeerAddresses peers_;
  std::string saved_;  // what the file holds, as far as is known; save()'s alone
};

std::string encode_addresses(const PeerAddresses& addresses);
// kCorrupt.
Result<PeerAddresses> decode_addresses(std::string_view text);

}  // namespace penstock::broker
