// A record to print: built in memory by the real codec, so that its headers are real ones.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "protocol/record/builder.h"
#include "protocol/record/record.h"
#include "tools/format_program.h"

namespace penstock::tools {

class SampleRecord {
 public:
  SampleRecord(std::optional<std::string> key, std::optional<std::string> value,
               std::vector<record::HeaderView> headers = {}) {
    record::BatchBuilder builder;
    builder.append(Timestamp(1'714'566'600'000), view(key), view(value), headers);
    batch_ = *builder.build();
    record::assign_position(batch_, Offset(17), Term(4));
    records_.emplace(*record::Records::open(*record::BatchView::parse(batch_)));
    view_ = **records_->next();
  }

  LocatedRecord located() const { return {"orders", PartitionId(3), view_}; }

 private:
  static std::optional<ByteView> view(const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    return as_bytes(*text);
  }

  Bytes batch_;
  std::optional<record::Records> records_;
  record::RecordView view_;
};

}  // namespace penstock::tools
