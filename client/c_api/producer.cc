// Producers of penstock.h.
#include "client/c_api/handles.h"
#include "client/c_api/options.h"
#include "client/c_api/stats_json.h"

namespace client = penstock::client;
namespace c_api = penstock::c_api;

namespace {

std::vector<penstock::record::HeaderView> views(const penstock_header* headers, size_t count) {
  std::vector<penstock::record::HeaderView> all;
  all.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    all.push_back(
        {penstock::as_text(c_api::view(headers[i].key)), c_api::nullable(headers[i].value)});
  }
  return all;
}

}  // namespace

extern "C" {

penstock_error* penstock_producer_open(penstock_client* client, const penstock_option* options,
                                       size_t option_count, penstock_producer** producer) {
  return c_api::give(c_api::open<client::Producer, client::ProducerConfig>(*client->client,
                                                                           {options, option_count}),
                     producer);
}

void penstock_producer_free(penstock_producer* producer) { delete producer; }

penstock_error* penstock_produce(penstock_producer* producer, const char* topic, int32_t partition,
                                 penstock_bytes key, penstock_bytes value, int64_t timestamp_ms,
                                 const penstock_header* headers, size_t header_count,
                                 uint64_t tag) {
  const auto all_headers = views(headers, header_count);
  client::ProducerRecord record{.topic = topic,
                                .key = c_api::nullable(key),
                                .value = c_api::nullable(value),
                                .headers = all_headers,
                                .tag = tag};
  if (partition != -1) record.partition = penstock::PartitionId(partition);
  if (timestamp_ms != -1) record.timestamp = penstock::Timestamp(timestamp_ms);
  return c_api::give(producer->producer->produce(record));
}

void penstock_producer_poll(penstock_producer* producer, int64_t wait_ms,
                            penstock_deliveries** deliveries) {
  auto* const told =
      new penstock_deliveries{producer->producer->poll(client::milliseconds(wait_ms)), {}};
  for (const client::Delivery& one : told->all) {
    told->errors.push_back(one.error ? std::make_unique<penstock_error>(*one.error) : nullptr);
  }
  *deliveries = told;
}

size_t penstock_deliveries_count(const penstock_deliveries* deliveries) {
  return deliveries->all.size();
}

void penstock_deliveries_get(const penstock_deliveries* deliveries, size_t index,
                             penstock_delivery* delivery) {
  const client::Delivery& one = deliveries->all[index];
  *delivery = {.tag = one.tag,
               .offset = one.error ? -1 : one.offset.value(),
               .partition = one.partition.value(),
               .replicas_fsynced = one.receipt.replicas_fsynced,
               .may_be_twice = one.may_be_twice ? 1 : 0,
               .error = deliveries->errors[index].get(),
               .reserved = {}};
}

void penstock_deliveries_free(penstock_deliveries* deliveries) { delete deliveries; }

penstock_error* penstock_producer_flush(penstock_producer* producer, int64_t timeout_ms) {
  return c_api::give(producer->producer->flush(client::milliseconds(timeout_ms)));
}

void penstock_producer_cancel(penstock_producer* producer) { producer->producer->cancel(); }

penstock_error* penstock_producer_close(penstock_producer* producer, int64_t timeout_ms) {
  return c_api::give(producer->producer->close(client::milliseconds(timeout_ms)));
}

char* penstock_producer_stats(const penstock_producer* producer) {
  return c_api::to_json(producer->producer->stats());
}

}  // extern "C"
