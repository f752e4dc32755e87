// verify_topic() on the client library.
#include "archiver/client_source.h"
#include "archiver/verify.h"

namespace penstock::archiver {

Result<VerifyReport> verify_topic(client::Client& client, ObjectStore& store,
                                  const std::string& topic, const VerifyOptions& options) {
  PENSTOCK_TRY_ASSIGN(const auto log, ClientSource::open(client, {}));
  return verify_topic(*log, store, topic, options);
}

}  // namespace penstock::archiver
