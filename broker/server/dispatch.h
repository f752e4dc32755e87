// Dispatch: from a request to the handler of its API, measured.
#pragma once

#include "base/result.h"
#include "broker/server/broker_context.h"
#include "protocol/rpc/server.h"

namespace penstock::broker {

// What the RPC server of `home` calls.
rpc::Handler make_handler(BrokerContext& broker, Shard& home);

// An answer of any API that says only why the request was not carried out.
rpc::Response error_response(const Error& error);

}  // namespace penstock::broker
