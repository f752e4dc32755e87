/* penstock.h as a program in C sees it, against a real broker: penstock-c-api HOST:PORT */
#include <penstock.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks = 0;

#define CHECK(condition)                                                            \
  do {                                                                              \
    ++checks;                                                                       \
    if (!(condition)) {                                                             \
      fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                                      \
    }                                                                               \
  } while (0)

static void good(penstock_error* error) {
  if (error != NULL) fprintf(stderr, "%s\n", penstock_error_message(error));
  CHECK(error == NULL);
}

static void fails(penstock_error* error, const char* name, const char* part) {
  CHECK(error != NULL);
  CHECK(strcmp(penstock_error_name(error), name) == 0);
  CHECK(strstr(penstock_error_message(error), part) != NULL);
  penstock_error_free(error);
}

static penstock_bytes bytes(const char* text) {
  const penstock_bytes view = {text, text != NULL ? strlen(text) : 0};
  return view;
}

static int equal(penstock_bytes value, const char* text) {
  return value.data != NULL && value.size == strlen(text) &&
         memcmp(value.data, text, value.size) == 0;
}

/* --- errors */

static void errors_say_what_is_wrong(const char* address) {
  penstock_client* client = NULL;
  const penstock_option misspelt = {"conect_timeout_ms", "1000"};
  fails(penstock_client_open(address, &misspelt, 1, &client), "InvalidArgument",
        "did you mean connect_timeout_ms?");
  const penstock_option no_number = {"connect_timeout_ms", "1 s"};
  fails(penstock_client_open(address, &no_number, 1, &client), "InvalidArgument", "'1 s'");
  CHECK(client == NULL);
  penstock_error* const refused = penstock_client_open("127.0.0.1:1", NULL, 0, &client);
  CHECK(refused != NULL);
  CHECK(penstock_error_code(refused) == 44);
  CHECK(penstock_error_is_retriable(refused) == 1);
  CHECK(penstock_error_may_be_done(refused) == 0);
  penstock_error_free(refused);
  penstock_error_free(NULL);
  penstock_client_free(NULL);
}

/* --- records there and back */

static void publish(penstock_client* client) {
  penstock_producer* producer = NULL;
  const penstock_option options[] = {{"reports", "all"}, {"compression", "zstd"}};
  good(penstock_producer_open(client, options, 2, &producer));
  const penstock_header header = {{"h", 1}, {NULL, 0}};
  good(
      penstock_produce(producer, "c-api", 0, bytes("key"), bytes("value"), 1234567, &header, 1, 7));
  good(penstock_produce(producer, "c-api", 0, bytes(NULL), bytes(""), -1, NULL, 0, 8));
  fails(penstock_produce(producer, "c-api", 5, bytes("key"), bytes("value"), -1, NULL, 0, 9),
        "UnknownPartition", "5");
  good(penstock_producer_flush(producer, 30000));
  penstock_deliveries* deliveries = NULL;
  penstock_producer_poll(producer, 0, &deliveries);
  CHECK(penstock_deliveries_count(deliveries) == 2);
  for (size_t i = 0; i < 2; ++i) {
    penstock_delivery one;
    penstock_deliveries_get(deliveries, i, &one);
    CHECK(one.error == NULL && one.tag == 7 + i && one.offset == (int64_t)i && one.partition == 0);
    CHECK(one.replicas_fsynced == 1 && one.may_be_twice == 0);
  }
  penstock_deliveries_free(deliveries);
  char* const stats = penstock_producer_stats(producer);
  CHECK(strstr(stats, "\"records_delivered\":2") != NULL);
  penstock_text_free(stats);
  good(penstock_producer_close(producer, 1000));
  fails(penstock_produce(producer, "c-api", 0, bytes("k"), bytes("v"), -1, NULL, 0, 1),
        "ShuttingDown", "");
  penstock_producer_free(producer);
}

static void expect_both(penstock_records* records, int* seen) {
  penstock_record record;
  penstock_error* error = NULL;
  while (penstock_records_next(records, &record, &error) == 1) {
    CHECK(strcmp(record.topic, "c-api") == 0 && record.offset == *seen && record.partition == 0);
    if (record.offset == 0) {
      CHECK(equal(record.key, "key") && equal(record.value, "value"));
      CHECK(record.timestamp_ms == 1234567 && record.header_count == 1);
      penstock_header header;
      penstock_records_header(records, 0, &header);
      CHECK(equal(header.key, "h") && header.value.data == NULL);
    } else {
      CHECK(record.key.data == NULL && equal(record.value, "") && record.header_count == 0);
    }
    ++*seen;
  }
  CHECK(error == NULL);
  penstock_records_free(records);
}

static void read_back(penstock_client* client) {
  penstock_consumer* consumer = NULL;
  good(penstock_consumer_open(client, NULL, 0, &consumer));
  const penstock_assignment wrong = {"c-api", 0, 17, 0};
  fails(penstock_consumer_assign(consumer, &wrong, 1), "InvalidArgument", "17");
  const penstock_assignment all = {"c-api", 0, PENSTOCK_START_BEGINNING, 0};
  good(penstock_consumer_assign(consumer, &all, 1));
  int seen = 0;
  while (!penstock_consumer_at_end(consumer)) {
    penstock_records* records = NULL;
    good(penstock_consumer_poll(consumer, 1000, &records));
    expect_both(records, &seen);
  }
  CHECK(seen == 2);
  char* const stats = penstock_consumer_stats(consumer);
  CHECK(strstr(stats, "\"records\":2") != NULL);
  penstock_text_free(stats);
  penstock_consumer_free(consumer);
}

/* --- groups */

struct heard {
  int assigned;
  int revoked;
};

static void hear(void* context, penstock_group_event event, const penstock_partition* partitions,
                 size_t count) {
  struct heard* const heard = context;
  CHECK(count == 1 && strcmp(partitions[0].topic, "c-api") == 0 && partitions[0].partition == 0);
  if (event == PENSTOCK_GROUP_ASSIGNED) ++heard->assigned;
  if (event == PENSTOCK_GROUP_REVOKED) ++heard->revoked;
}

/* How many records it was given. */
static int as_a_member(penstock_client* client, int wanted) {
  struct heard heard = {0, 0};
  const char* const topics[] = {"c-api"};
  const penstock_option options[] = {{"start", "beginning"}, {"session_timeout_ms", "5000"}};
  penstock_group_consumer* member = NULL;
  good(penstock_group_open(client, "c-readers", topics, 1, options, 2, hear, &heard, &member));
  int seen = 0;
  while (seen < wanted || heard.assigned == 0) {
    penstock_records* records = NULL;
    good(penstock_group_poll(member, 200, &records));
    expect_both(records, &seen);
  }
  good(penstock_group_commit(member));
  char* const stats = penstock_group_stats(member);
  CHECK(strstr(stats, "\"is_member\":true") != NULL);
  penstock_text_free(stats);
  good(penstock_group_close(member));
  CHECK(heard.assigned == 1 && heard.revoked == 1);
  penstock_group_free(member);
  return seen;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  errors_say_what_is_wrong(argv[1]);
  penstock_client* client = NULL;
  good(penstock_client_open(argv[1], NULL, 0, &client));
  const penstock_option setting = {"retention_ms", "unlimited"};
  good(penstock_create_topic(client, "c-api", 1, 0, &setting, 1));
  fails(penstock_create_topic(client, "c-api", 1, 0, NULL, 0), "TopicExists", "c-api");
  const penstock_option nameless = {NULL, "1"};
  fails(penstock_create_topic(client, "c-api-2", 1, 0, &nameless, 1), "InvalidArgument", "a name");
  publish(client);
  read_back(client);
  CHECK(as_a_member(client, 2) == 2);
  CHECK(as_a_member(client, 0) == 0); /* what was committed is not processed again */
  good(penstock_delete_topic(client, "c-api"));
  fails(penstock_delete_topic(client, "c-api"), "UnknownTopic", "c-api");
  penstock_client_free(client);
  printf("CAPI version=%s checks=%d\n", penstock_version(), checks);
  return 0;
}
