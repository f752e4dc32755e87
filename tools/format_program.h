// FormatProgram: a kcat-like output format ('%t %p %o %k %s\n'), parsed once and run for every
// record.
//
// Directives: %t topic, %p partition, %o offset, %k key, %s value, %T timestamp in milliseconds,
// %h headers as name=value with commas, %K key size, %S value size (both -1 for null), %% percent.
// Escapes: \n \t \r \0 \\ \xHH. A null key or value prints as nothing.
// Failure: parse() names the directive and its position; running cannot fail.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "protocol/record/record.h"

namespace penstock::tools {

// A record together with where it came from.
struct LocatedRecord {
  std::string_view topic;
  PartitionId partition;
  const record::RecordView& record;
};

class FormatProgram {
 public:
  static Result<FormatProgram> parse(std::string_view format);

  // Appends the formatted record.
  void run(const LocatedRecord& record, std::string& out) const;

 private:
  enum class Kind {
    kLiteral,
    kTopic,
    kPartition,
    kOffset,
    kKey,
    kValue,
    kTimestamp,
    kHeaders,
    kKeySize,
    kValueSize
  };
  struct Step {
    Kind kind;
    std::string literal;  // of kLiteral
  };

  static Result<Kind> directive(char letter, std::size_t position);
  void add_literal(char c);

  std::vector<Step> steps_;
};

}  // namespace penstock::tools
