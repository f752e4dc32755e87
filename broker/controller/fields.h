// FieldWriter and FieldReader: the fields of which metadata records and snapshots are made.
//
// Format: integers little-endian; counts, lengths and node numbers as varints; texts and lists with
// their length in front; identifiers as 16 bytes. Failure: the first field that is not there, or is
// none that a writer would have written, spoils the reader: everything after it reads as empty, and
// is_good() says so. A count is never larger than the bytes that are left, so that no hostile one
// costs memory.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/coding.h"
#include "base/types.h"
#include "broker/controller/topic_settings.h"
#include "broker/raft/types.h"

namespace penstock::broker {

class FieldWriter {
 public:
  FieldWriter() = default;
  explicit FieldWriter(Bytes begin) : bytes_(std::move(begin)) {}

  template <std::integral T>
  FieldWriter& integer(T value) {
    std::byte raw[sizeof(T)];
    store_le(raw, value);
    bytes_.insert(bytes_.end(), raw, raw + sizeof(T));
    return *this;
  }
  FieldWriter& count(std::uint64_t value) {
    std::byte raw[kMaxVarintBytes];
    bytes_.insert(bytes_.end(), raw, write_varint(raw, value));
    return *this;
  }
  FieldWriter& raw(ByteView value) {
    bytes_.insert(bytes_.end(), value.begin(), value.end());
    return *this;
  }
  FieldWriter& text(std::string_view value) { return count(value.size()).raw(as_bytes(value)); }
  FieldWriter& uuid(const Uuid& id) { return raw(id.bytes); }
  FieldWriter& offset(Offset value) { return integer(value.value()); }
  FieldWriter& timestamp(Timestamp value) { return integer(value.ms()); }
  // Never nobody: a broker that is written down has a number.
  FieldWriter& node(raft::NodeId value) { return count(static_cast<std::uint32_t>(value.value())); }
  FieldWriter& nodes(const std::vector<raft::NodeId>& list) {
    count(list.size());
    for (const raft::NodeId one : list) node(one);
    return *this;
  }
  FieldWriter& settings(const SettingMap& map) {
    count(map.size());
    for (const auto& [name, value] : map) text(name).text(value);
    return *this;
  }

  const Bytes& bytes() const { return bytes_; }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

class FieldReader {
 public:
  explicit FieldReader(ByteView bytes) : from_(bytes) {}

  template <std::integral T>
  T integer() {
    T value{};
    good_ = good_ && from_.read_le(value);
    return good_ ? value : T{};
  }
  // Of elements that take a byte each at least.
  std::size_t count() {
    const std::uint64_t value = varint();
    good_ = good_ && value <= from_.remaining();
    return good_ ? value : 0;
  }
  std::string text() {
    const std::size_t size = count();
    ByteView raw;
    good_ = good_ && from_.read_bytes(size, raw);
    return good_ ? std::string(as_text(raw)) : std::string();
  }
  Uuid uuid() {
    Uuid id;
    ByteView raw;
    good_ = good_ && from_.read_bytes(id.bytes.size(), raw);
    if (good_) std::ranges::copy(raw, id.bytes.begin());
    return id;
  }
  Offset offset() { return Offset(integer<std::int64_t>()); }
  Term term() { return Term(integer<std::int32_t>()); }
  Timestamp timestamp() { return Timestamp(integer<std::int64_t>()); }
  raft::NodeId node() {
    const std::uint64_t value = varint();
    good_ = good_ && value <= std::numeric_limits<std::int32_t>::max();
    return good_ ? raft::NodeId(static_cast<std::int32_t>(value)) : raft::kNobody;
  }
  std::vector<raft::NodeId> nodes() {
    std::vector<raft::NodeId> list;
    for (std::size_t left = count(); good_ && left > 0; --left) list.push_back(node());
    return list;
  }
  SettingMap settings() {
    SettingMap map;
    for (std::size_t left = count(); good_ && left > 0; --left) {
      std::string name = text();
      map[std::move(name)] = text();
    }
    return map;
  }

  // A field was read that means nothing.
  void spoil() { good_ = false; }
  bool is_good() const { return good_; }
  bool is_complete() const { return good_ && from_.remaining() == 0; }

 private:
  std::uint64_t varint() {
    std::uint64_t value = 0;
    good_ = good_ && from_.read_varint(value);
    return good_ ? value : 0;
  }

  ByteReader from_;
  bool good_ = true;
};

}  // namespace penstock::broker
