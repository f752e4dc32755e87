// Topic descriptions from the wire as the metadata cache wants them.
#pragma once

#include "base/result.h"
#include "client/metadata.h"
#include "protocol/wire/metadata.pb.h"

namespace penstock::client {

// kBadFrame for an id that is none, or partitions that are not numbered 0, 1, 2, ...
Result<TopicMetadata> topic_from_wire(const wire::v1::Topic& topic, Instant now,
                                      MetadataOffset as_of);

}  // namespace penstock::client
