// An exchange as it arrived: an ExchangeRequest with its attachment, taken apart.
//
// Failure: kInvalidArgument for a request that cannot be one: more than limits.h allows, parts that
// do not add up to the attachment, bytes beside a message that has none, news that somebody else
// leads. Whether it came to the right broker from the right one is the receiver's to judge.
// Threads: pure functions.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/peer/leader_news.h"
#include "broker/peer/peer_codec.h"
#include "protocol/wire/cluster.pb.h"

namespace penstock::broker {

struct Exchanged {
  raft::NodeId from;
  Uuid from_directory;
  raft::NodeId to;  // whom the sender believes to be talking to
  Uuid cluster_id;
  std::vector<GroupMessage> messages;  // in order
  std::vector<LeaderNews> news;
};

// The messages' attachments are slices of `attachment`.
Result<Exchanged> decode_exchange(const wire::v1::ExchangeRequest& request, SharedBytes attachment);

}  // namespace penstock::broker
