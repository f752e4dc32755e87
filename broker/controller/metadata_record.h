// MetadataRecord: one durable fact about the cluster, and its bytes in the metadata log.
//
// Format: one byte type, one byte version, then fields: integers little-endian, texts and lists
// with a varint length in front, identifiers as 16 bytes; nothing may follow. A type or version
// that this build does not know is an error, never skipped: what it says may matter. Golden bytes:
// tests/broker/controller/metadata_record_golden_test.cc.
// Failure: decode() returns kUnsupportedVersion for an unknown type or version (a newer release
// wrote it), kCorrupt for everything else that is not exactly a record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"
#include "broker/controller/topic_settings.h"

namespace penstock::broker {

// A broker began to serve. Its partitions are led under `leader_epoch` from here on.
struct BrokerStarted {
  std::int32_t broker_id = 0;
  Uuid directory;
  Term leader_epoch;
  Timestamp at;
  friend bool operator==(const BrokerStarted&, const BrokerStarted&) = default;
};

struct TopicCreated {
  Uuid id;
  std::string name;
  std::uint32_t partitions = 0;
  std::uint32_t replication_factor = 1;
  Timestamp at;
  SettingMap settings;  // only what the topic sets itself
  friend bool operator==(const TopicCreated&, const TopicCreated&) = default;
};

// Carries the whole new state of what can change.
struct TopicAltered {
  Uuid id;
  std::uint32_t partitions = 0;
  SettingMap settings;
  friend bool operator==(const TopicAltered&, const TopicAltered&) = default;
};

// The topic's records may be removed from disk from here on.
struct TopicDeleted {
  Uuid id;
  Timestamp at;
  friend bool operator==(const TopicDeleted&, const TopicDeleted&) = default;
};

// Nothing of the deleted topic is on disk any more; its id needs no remembering.
struct TopicForgotten {
  Uuid id;
  friend bool operator==(const TopicForgotten&, const TopicForgotten&) = default;
};

using MetadataRecord =
    std::variant<BrokerStarted, TopicCreated, TopicAltered, TopicDeleted, TopicForgotten>;

Bytes encode(const MetadataRecord& record);
Result<MetadataRecord> decode_metadata_record(ByteView bytes);

// For logs and script tests: "topic-created name=orders partitions=3 ...".
std::string to_string(const MetadataRecord& record);

}  // namespace penstock::broker
