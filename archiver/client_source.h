// ClientSource: the log as the client library reads it.
//
// Internal topics are left out. Threads: one. Lifetime: the client outlives the source.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "archiver/record_source.h"
#include "client/client.h"
#include "client/consumer.h"

namespace penstock::archiver {

class ClientSource final : public RecordSource {
 public:
  static Result<std::unique_ptr<ClientSource>> open(client::Client& client,
                                                    client::ConsumerConfig config);
  Result<std::vector<SourceTopic>> topics(const std::vector<std::string>& names) override;
  Status assign(const std::vector<SourcePosition>& positions) override;
  Result<std::vector<SourceBatches>> poll(std::chrono::milliseconds wait) override;

 private:
  ClientSource(client::Client& client, std::unique_ptr<client::Consumer> consumer)
      : client_(client), consumer_(std::move(consumer)) {}

  client::Client& client_;
  std::unique_ptr<client::Consumer> consumer_;
};

}  // namespace penstock::archiver
