// Consumers, groups' consumers and records of penstock.h.
#include "client/c_api/handles.h"
#include "client/c_api/options.h"
#include "client/c_api/stats_json.h"

using penstock::Errc;
using penstock::Offset;
using penstock::PartitionId;
using penstock::Result;
using penstock::Status;
using penstock::Timestamp;
namespace client = penstock::client;
namespace c_api = penstock::c_api;

namespace {

Result<client::StartAt> start_of(const penstock_assignment& from) {
  switch (from.start) {
    case PENSTOCK_START_BEGINNING:
      return client::StartAt::beginning();
    case PENSTOCK_START_END:
      return client::StartAt::end();
    case PENSTOCK_START_OFFSET:
      return client::StartAt::offset(Offset(from.start_value));
    case PENSTOCK_START_TIME:
      return client::StartAt::time(Timestamp(from.start_value));
    default:
      return penstock::fail(Errc::kInvalidArgument,
                            std::to_string(from.start) + " is no penstock_start");
  }
}

Status assign(client::Consumer& consumer, const penstock_assignment* assignments, size_t count) {
  std::vector<client::Assignment> all;
  for (size_t i = 0; i < count; ++i) {
    PENSTOCK_TRY_ASSIGN(const client::StartAt start, start_of(assignments[i]));
    all.push_back({assignments[i].topic, PartitionId(assignments[i].partition), start});
  }
  return consumer.assign(std::move(all));
}

client::GroupCallbacks::Handler handler_of(penstock_group_handler handler, void* context,
                                           penstock_group_event event) {
  if (handler == nullptr) return {};
  return [=](const std::vector<client::GroupPartition>& partitions) {
    std::vector<penstock_partition> all;
    all.reserve(partitions.size());
    for (const auto& one : partitions) all.push_back({one.topic.c_str(), one.partition.value()});
    handler(context, event, all.data(), all.size());
  };
}

}  // namespace

extern "C" {

// --- records

int penstock_records_next(penstock_records* records, penstock_record* record,
                          penstock_error** error) {
  while (records->at < records->chunks.size()) {
    client::Chunk& chunk = records->chunks[records->at];
    const auto next = chunk.next();
    if (!next) {
      ++records->at;  // what comes behind it in its partition is not known
      *error = new penstock_error{next.error()};
      return -1;
    }
    if (!*next) {
      ++records->at;
      continue;
    }
    const penstock::record::RecordView& view = **next;
    records->headers = view.headers.decode();
    *record = {.topic = chunk.topic().c_str(),
               .offset = view.offset.value(),
               .timestamp_ms = view.timestamp.ms(),
               .partition = chunk.partition().value(),
               .header_count = static_cast<uint32_t>(records->headers.size()),
               .key = c_api::give(view.key),
               .value = c_api::give(view.value),
               .reserved = {}};
    return 1;
  }
  return 0;
}

void penstock_records_header(const penstock_records* records, size_t index,
                             penstock_header* header) {
  const penstock::record::HeaderView& one = records->headers[index];
  *header = {c_api::give(penstock::as_bytes(one.key)), c_api::give(one.value)};
}

void penstock_records_free(penstock_records* records) { delete records; }

// --- consumers

penstock_error* penstock_consumer_open(penstock_client* client, const penstock_option* options,
                                       size_t option_count, penstock_consumer** consumer) {
  return c_api::give(c_api::open<client::Consumer, client::ConsumerConfig>(*client->client,
                                                                           {options, option_count}),
                     consumer);
}

void penstock_consumer_free(penstock_consumer* consumer) { delete consumer; }

penstock_error* penstock_consumer_assign(penstock_consumer* consumer,
                                         const penstock_assignment* assignments, size_t count) {
  return c_api::give(assign(*consumer->consumer, assignments, count));
}

penstock_error* penstock_consumer_poll(penstock_consumer* consumer, int64_t wait_ms,
                                       penstock_records** records) {
  return c_api::give(consumer->consumer->poll(client::milliseconds(wait_ms)), records);
}

void penstock_consumer_wake(penstock_consumer* consumer) { consumer->consumer->wake(); }

int penstock_consumer_at_end(const penstock_consumer* consumer) {
  return consumer->consumer->at_end() ? 1 : 0;
}

char* penstock_consumer_stats(const penstock_consumer* consumer) {
  return c_api::to_json(consumer->consumer->stats());
}

// --- members of groups

penstock_error* penstock_group_open(penstock_client* client, const char* group,
                                    const char* const* topics, size_t topic_count,
                                    const penstock_option* options, size_t option_count,
                                    penstock_group_handler handler, void* context,
                                    penstock_group_consumer** consumer) {
  client::GroupConfig config{.group = group, .topics = {topics, topics + topic_count}};
  if (Status set = c_api::apply({options, option_count}, config); !set) return c_api::give(set);
  config.callbacks = {.assigned = handler_of(handler, context, PENSTOCK_GROUP_ASSIGNED),
                      .revoked = handler_of(handler, context, PENSTOCK_GROUP_REVOKED),
                      .lost = handler_of(handler, context, PENSTOCK_GROUP_LOST)};
  return c_api::give(client::GroupConsumer::open(*client->client, std::move(config)), consumer);
}

void penstock_group_free(penstock_group_consumer* consumer) { delete consumer; }

penstock_error* penstock_group_poll(penstock_group_consumer* consumer, int64_t wait_ms,
                                    penstock_records** records) {
  return c_api::give(consumer->consumer->poll(client::milliseconds(wait_ms)), records);
}

void penstock_group_wake(penstock_group_consumer* consumer) { consumer->consumer->wake(); }

penstock_error* penstock_group_commit(penstock_group_consumer* consumer) {
  return c_api::give(consumer->consumer->commit());
}

penstock_error* penstock_group_close(penstock_group_consumer* consumer) {
  return c_api::give(consumer->consumer->close());
}

char* penstock_group_stats(const penstock_group_consumer* consumer) {
  return c_api::to_json(consumer->consumer->stats());
}

}  // extern "C"
