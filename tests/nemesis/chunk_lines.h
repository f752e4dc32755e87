// The lines that readers of a nemesis run write about a chunk:
//   poll     p, hw, next, r: [[offset, "name"], ...]   its records, in the order they came
//   altered  p, o, v                                   a value whose filler is not its own
#pragma once

#include <string>
#include <string_view>

#include "client/consumer.h"
#include "tests/nemesis/history_output.h"

namespace penstock::nemesis {

// `is_counted(name)` takes note of a record and says whether it is left out of the line.
template <typename IsCounted>
Status write_chunk(client::Chunk& chunk, std::size_t value_bytes, HistoryOutput& out,
                   IsCounted is_counted) {
  std::string records;
  while (true) {
    PENSTOCK_TRY_ASSIGN(const auto record, chunk.next());
    if (!record) break;
    const std::string_view value = as_text(record->value.value_or(ByteView()));
    const std::string_view name = value.substr(0, value.find(':'));
    if (value != value_of(name, value_bytes)) {
      out.line("altered", R"("p":%d,"o":%lld,"v":"%s")", chunk.partition().value(),
               static_cast<long long>(record->offset.value()),
               quotable(std::string(value.substr(0, 60))).c_str());
    }
    if (is_counted(name)) continue;
    if (!records.empty()) records += ',';
    records +=
        "[" + std::to_string(record->offset.value()) + ",\"" + quotable(std::string(name)) + "\"]";
  }
  out.line("poll", R"("p":%d,"hw":%lld,"next":%lld,"r":[%s])", chunk.partition().value(),
           static_cast<long long>(chunk.high_watermark().value()),
           static_cast<long long>(chunk.next_offset().value()), records.c_str());
  return {};
}

}  // namespace penstock::nemesis
