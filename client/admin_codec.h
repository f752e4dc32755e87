// Administrative requests and descriptions between client/client.h and the wire.
#pragma once

#include "client/client.h"
#include "protocol/wire/metadata.pb.h"

namespace penstock::client {

wire::v1::CreateTopicRequest to_wire(const NewTopic& topic);
wire::v1::AlterTopicRequest to_wire(const TopicChange& change);

// kBadFrame for an id that is none.
Result<TopicDescription> description_from_wire(const wire::v1::Topic& topic);
Result<ClusterDescription> description_from_wire(const wire::v1::DescribeClusterResponse& cluster);

}  // namespace penstock::client
