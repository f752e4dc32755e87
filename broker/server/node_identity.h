// NodeIdentity: whose data directory this is, and the bytes of its `node` file.
//
// Format: lines of text, so that an operator can read it; the last one is the CRC-32C of those
// before it in eight hex digits:
//   penstock-node 1
//   cluster_id 32 hex digits
//   node_id decimal
//   directory_id 32 hex digits
//   crc32c 8 hex digits
// Failure: decode() returns kUnsupportedVersion for a file of another format version, kCorrupt for
// anything else that encode() would not have written.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/types.h"

namespace penstock::broker {

// Of a directory that has not joined a cluster yet.
inline constexpr std::int32_t kNoBrokerId = 0;
// Of the broker that begins a cluster.
inline constexpr std::int32_t kFirstBrokerId = 1;

struct NodeIdentity {
  Uuid cluster_id;  // nil: has not joined one yet
  std::int32_t node_id = kNoBrokerId;
  // Of this directory: a wiped disk comes back as another one.
  Uuid directory_id;
  friend bool operator==(const NodeIdentity&, const NodeIdentity&) = default;
};

inline constexpr std::int32_t kDataFormatVersion = 1;
inline constexpr std::size_t kMaxNodeFileBytes = 4U << 10;

std::string encode(const NodeIdentity& identity);
Result<NodeIdentity> decode_node_identity(ByteView file);

}  // namespace penstock::broker
