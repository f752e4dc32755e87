// Penstock's client for C, and for every language that can call C.
//
//   penstock_client* client = NULL;
//   penstock_error* error = penstock_client_open("127.0.0.1:7333", NULL, 0, &client);
//   if (error != NULL) { fprintf(stderr, "%s\n", penstock_error_message(error)); ... }
//
// Errors: functions that can fail return NULL, or an error that the caller frees. Its code is a
// number of docs/ERRORS.md; retriable and may-be-done say what that means for the caller's data.
// Options: names and values as text; an unknown name or a value out of range is InvalidArgument,
// and the message names what there is. docs/client.md lists them.
// Ownership: what a function gives out through a pointer to a pointer belongs to the caller and is
// freed by the function of that name; everything of a client is freed before the client. Bytes and
// texts that are passed in are copied where they are needed for longer than the call. Each *_free()
// takes NULL.
// Threads: a client and a producer may be used by any thread at a time; a consumer, a group
// consumer, records and deliveries by one at a time. No callback runs on a thread of Penstock's.
// Units: times are milliseconds; points in time, milliseconds since 1970.
// ABI: what is here stays as it is in every 0.x and 1.x release; structures that are filled in have
// room for more. Semantics, failure by failure: docs/client.md; the same as those of the C++
// client.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* "0.1.0", of the library that is loaded. */
const char* penstock_version(void);

/* --- errors */

typedef struct penstock_error penstock_error;

int32_t penstock_error_code(const penstock_error* error);
/* "DiskFull" */
const char* penstock_error_name(const penstock_error* error);
/* What was being done, and why it failed. Lives as long as the error. */
const char* penstock_error_message(const penstock_error* error);
/* 1: the same may succeed later. 0: it will fail again unchanged. */
int penstock_error_is_retriable(const penstock_error* error);
/* 1: it may have been carried out. 0: it definitely had no effect. */
int penstock_error_may_be_done(const penstock_error* error);
void penstock_error_free(penstock_error* error);

/* --- values */

typedef struct penstock_option {
  const char* name;
  const char* value;
} penstock_option;

/* data NULL: null, which is something else than empty. */
typedef struct penstock_bytes {
  const void* data;
  size_t size;
} penstock_bytes;

typedef struct penstock_header {
  penstock_bytes key;
  penstock_bytes value;
} penstock_header;

/* --- clients */

typedef struct penstock_client penstock_client;

/* `bootstrap`: "HOST:PORT,HOST:PORT", any brokers of the cluster. */
penstock_error* penstock_client_open(const char* bootstrap, const penstock_option* options,
                                     size_t option_count, penstock_client** client);
void penstock_client_free(penstock_client* client);

/* `replication_factor` 0: the cluster's default. `settings`: of the topic, docs/CONFIGURATION.md.
 */
penstock_error* penstock_create_topic(penstock_client* client, const char* name,
                                      uint32_t partitions, uint32_t replication_factor,
                                      const penstock_option* settings, size_t setting_count);
penstock_error* penstock_delete_topic(penstock_client* client, const char* name);

/* --- producing */

typedef struct penstock_producer penstock_producer;
typedef struct penstock_deliveries penstock_deliveries;

typedef struct penstock_delivery {
  uint64_t tag;
  int64_t offset; /* -1: not delivered, or not known any more where */
  int32_t partition;
  uint32_t replicas_fsynced;
  int32_t may_be_twice; /* an earlier attempt that got no answer may have written it as well */
  const penstock_error* error; /* NULL: durable. Belongs to the deliveries. */
  uint64_t reserved[4];
} penstock_delivery;

penstock_error* penstock_producer_open(penstock_client* client, const penstock_option* options,
                                       size_t option_count, penstock_producer** producer);
/* As penstock_producer_close() with no time left. */
void penstock_producer_free(penstock_producer* producer);

/* Accepts a record; waits while too much is under way (option max_block_ms). `partition` -1: by the
 * key. `timestamp_ms` -1: now. `tag` comes back with the outcome. */
penstock_error* penstock_produce(penstock_producer* producer, const char* topic, int32_t partition,
                                 penstock_bytes key, penstock_bytes value, int64_t timestamp_ms,
                                 const penstock_header* headers, size_t header_count, uint64_t tag);
/* Outcomes since the last call (option reports: all, or errors, which is the default). */
void penstock_producer_poll(penstock_producer* producer, int64_t wait_ms,
                            penstock_deliveries** deliveries);
size_t penstock_deliveries_count(const penstock_deliveries* deliveries);
/* `index` below the count. */
void penstock_deliveries_get(const penstock_deliveries* deliveries, size_t index,
                             penstock_delivery* delivery);
void penstock_deliveries_free(penstock_deliveries* deliveries);
/* Waits until everything accepted so far has an outcome. Timeout: the rest stays under way. */
penstock_error* penstock_producer_flush(penstock_producer* producer, int64_t timeout_ms);
/* Calls that wait now, on whatever thread, return: penstock_produce() with Overloaded, the record
 * not accepted; penstock_producer_flush() with Cancelled; penstock_producer_poll() with what there
 * is. */
void penstock_producer_cancel(penstock_producer* producer);
/* flush, then ends; what has no outcome by then fails or is unknown, as penstock_producer_poll()
 * still tells. */
penstock_error* penstock_producer_close(penstock_producer* producer, int64_t timeout_ms);

/* --- consuming */

typedef struct penstock_records penstock_records;

typedef struct penstock_record {
  const char* topic;
  int64_t offset;
  int64_t timestamp_ms;
  int32_t partition;
  uint32_t header_count;
  penstock_bytes key;
  penstock_bytes value;
  uint64_t reserved[4];
} penstock_record;

/* 1: `record` is the next one, and its pointers live until the next call. 0: there is none, for
 * now. -1: `error` says why it cannot be read. */
int penstock_records_next(penstock_records* records, penstock_record* record,
                          penstock_error** error);
/* Of the record that penstock_records_next() gave last; `index` below its header_count. */
void penstock_records_header(const penstock_records* records, size_t index,
                             penstock_header* header);
void penstock_records_free(penstock_records* records);

typedef enum penstock_start {
  PENSTOCK_START_BEGINNING = 0,
  PENSTOCK_START_END = 1,
  PENSTOCK_START_OFFSET = 2,
  PENSTOCK_START_TIME = 3
} penstock_start;

typedef struct penstock_assignment {
  const char* topic;
  int32_t partition;
  int32_t start;       /* penstock_start */
  int64_t start_value; /* offset or time */
} penstock_assignment;

typedef struct penstock_consumer penstock_consumer;

penstock_error* penstock_consumer_open(penstock_client* client, const penstock_option* options,
                                       size_t option_count, penstock_consumer** consumer);
void penstock_consumer_free(penstock_consumer* consumer);
/* Replaces what is assigned. */
penstock_error* penstock_consumer_assign(penstock_consumer* consumer,
                                         const penstock_assignment* assignments, size_t count);
/* What has arrived; waits up to `wait_ms` for the first record. */
penstock_error* penstock_consumer_poll(penstock_consumer* consumer, int64_t wait_ms,
                                       penstock_records** records);
/* A poll that waits returns with what there is, or else the next one does. From any thread. */
void penstock_consumer_wake(penstock_consumer* consumer);
/* 1: everything assigned was read up to its end. */
int penstock_consumer_at_end(const penstock_consumer* consumer);

/* --- consuming as one of a group */

typedef struct penstock_group_consumer penstock_group_consumer;

typedef enum penstock_group_event {
  PENSTOCK_GROUP_ASSIGNED = 0, /* are read from now on */
  PENSTOCK_GROUP_REVOKED = 1,  /* go to others; what was processed may be committed a last time */
  PENSTOCK_GROUP_LOST = 2      /* went to others already: the member was taken for dead */
} penstock_group_event;

typedef struct penstock_partition {
  const char* topic;
  int32_t partition;
} penstock_partition;

/* Runs within penstock_group_poll() and penstock_group_close(), on their caller. */
typedef void (*penstock_group_handler)(void* context, penstock_group_event event,
                                       const penstock_partition* partitions, size_t count);

/* The group is joined in the background. `handler` may be NULL. */
penstock_error* penstock_group_open(penstock_client* client, const char* group,
                                    const char* const* topics, size_t topic_count,
                                    const penstock_option* options, size_t option_count,
                                    penstock_group_handler handler, void* context,
                                    penstock_group_consumer** consumer);
/* As penstock_group_close(), without a word to the handler. */
void penstock_group_free(penstock_group_consumer* consumer);
penstock_error* penstock_group_poll(penstock_group_consumer* consumer, int64_t wait_ms,
                                    penstock_records** records);
/* A poll that waits returns with what there is, or else the next one does. From any thread. */
void penstock_group_wake(penstock_group_consumer* consumer);
/* Everything that penstock_group_poll() gave out so far is processed. NULL: that is durable. */
penstock_error* penstock_group_commit(penstock_group_consumer* consumer);
/* Lets go of everything and leaves the group. */
penstock_error* penstock_group_close(penstock_group_consumer* consumer);

/* --- statistics: JSON objects, with the names of ProducerStats, ConsumerStats and GroupStats. The
 * text belongs to the caller: penstock_text_free(). */
char* penstock_producer_stats(const penstock_producer* producer);
char* penstock_consumer_stats(const penstock_consumer* consumer);
char* penstock_group_stats(const penstock_group_consumer* consumer);
void penstock_text_free(char* text);

#ifdef __cplusplus
}
#endif
