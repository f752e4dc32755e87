// TopicView: what groups have to know about topics, at one point of the cluster's metadata.
//
// Threads: immutable; may be read from any. Lifetime: shared with the commands that carry it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"

namespace penstock::group {

struct TopicShape {
  Uuid id;
  std::uint32_t partitions = 0;
  friend bool operator==(const TopicShape&, const TopicShape&) = default;
};

class TopicView {
 public:
  virtual ~TopicView() = default;

  // Offset of the metadata log behind what is seen here: a later view is larger.
  virtual Offset at() const = 0;
  virtual std::optional<TopicShape> find(std::string_view name) const = 0;
  virtual std::optional<TopicShape> find(const Uuid& id) const = 0;
  // Racks of the brokers that hold the partition; empty: none is told.
  virtual std::vector<std::string> racks(const TopicPartition& partition) const = 0;
};

using TopicViewPtr = std::shared_ptr<const TopicView>;

}  // namespace penstock::group
