// MetadataWriter and MetadataReader: base/fields.h, and the fields that only metadata has.
//
// Format: node numbers as varints; settings as a list of names and values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "broker/controller/topic_settings.h"
#include "broker/raft/types.h"

namespace penstock::broker {

class MetadataWriter : public FieldWriter {
 public:
  using FieldWriter::FieldWriter;

  // Never nobody: a broker that is written down has a number.
  MetadataWriter& node(raft::NodeId value) { return number(value.value()); }
  MetadataWriter& nodes(const std::vector<raft::NodeId>& list) {
    count(list.size());
    for (const raft::NodeId one : list) node(one);
    return *this;
  }
  MetadataWriter& settings(const SettingMap& map) {
    count(map.size());
    for (const auto& [name, value] : map) text(name).text(value);
    return *this;
  }
};

class MetadataReader : public FieldReader {
 public:
  using FieldReader::FieldReader;

  raft::NodeId node() {
    const std::int32_t value = number();
    return is_good() ? raft::NodeId(value) : raft::kNobody;
  }
  std::vector<raft::NodeId> nodes() {
    std::vector<raft::NodeId> list;
    for (std::size_t left = count(); is_good() && left > 0; --left) list.push_back(node());
    return list;
  }
  SettingMap settings() {
    SettingMap map;
    for (std::size_t left = count(); is_good() && left > 0; --left) {
      std::string name = text();
      map[std::move(name)] = text();
    }
    return map;
  }
};

}  // namespace penstock::broker
