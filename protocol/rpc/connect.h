// connect: resolves a host and opens a TCP connection to it before a deadline.
#pragma once

#include "base/result.h"
#include "base/task.h"
#include "protocol/rpc/channel.h"
#include "protocol/rpc/frame_stream.h"

namespace penstock::rpc {

// Tries the host's addresses in the resolver's order. kConnectFailed names the endpoint and the
// last reason; kCancelled when the coroutine is cancelled.
Task<Result<Socket>> connect(Endpoint peer, Deadline deadline);

}  // namespace penstock::rpc
