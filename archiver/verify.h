// Verification: proves a topic's archive equal to its log, range by range, and finds what differs.
//
//   auto report = verify_topic(*client, *store, "orders", {});
//   std::cout << render(*report); return report->differences() == 0 ? 0 : 1;
//
// For every chunk of the archive three columns are made independently: from the log (read through
// the client), from the Parquet object (read back, record by record), and from the manifest. Count
// and 128-bit sum of record hashes must agree; where they do not, the offsets at fault are listed.
// What cannot be compared is reported as such: the tail that is not archived yet, the head that
// only the archive still holds, and ranges that retention removed before they were archived.
// Failure: kNotFound (nothing archived for the topic), kUnknownTopic, kForeignData (the archive is
// of a deleted topic of the same name), kTimeout (the log does not answer, or the wait is over).
// A difference is not a failure: it is in the report.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "archiver/object_store.h"
#include "base/result.h"
#include "base/types.h"
#include "protocol/record/record.h"

namespace penstock::client {
class Client;
}

namespace penstock::archiver {

class RecordSource;

struct VerifyOptions {
  // Set: waits, at most that long, until the archive has reached the high watermarks of the start.
  std::optional<std::chrono::milliseconds> wait_for_archive;
  // The log may be silent for that long before verification gives up.
  std::chrono::milliseconds log_timeout{30'000};
  // Findings listed per topic; all are counted.
  std::size_t max_findings = 100;
  std::size_t memory_limit_mb = 256;
};

struct RangeFigures {
  std::uint64_t records = 0;
  record::Hash128 hash_sum;
  friend bool operator==(const RangeFigures&, const RangeFigures&) = default;
};

enum class RangeState {
  kEqual,        // log, object and manifest agree
  kDifferent,    // at least two of them disagree
  kArchiveOnly,  // the log no longer holds it; object and manifest agree
  kLost,         // removed from the log before it was archived: in neither
};

struct RangeReport {
  PartitionId partition;
  Offset base;  // [base, end)
  Offset end;
  RangeState state = RangeState::kEqual;
  std::string object;                // empty: lost range
  Offset compared_from;              // log and archive are compared from here (log start moved)
  std::optional<RangeFigures> log;   // of [compared_from, end)
  RangeFigures archive;              // of [compared_from, end), from the object
  RangeFigures archive_whole_range;  // of [base, end), from the object
  RangeFigures manifest;             // of [base, end)
  std::string problem;               // why kDifferent, in words
};

enum class FindingKind {
  kLost,        // in the log, not in the archive
  kDuplicated,  // more than once in the archive
  kAltered,     // in both, not equal
  kUnexpected,  // in the archive, not in the log
};

struct Finding {
  FindingKind kind;
  PartitionId partition;
  Offset offset;
};

struct PartitionReport {
  PartitionId partition;
  Offset log_start;
  Offset high_watermark;
  Offset archive_start;
  Offset archived_end;
  // Offsets [archived_end, high_watermark): not archived yet.
  std::int64_t not_archived_offsets = 0;
};

struct VerifyReport {
  std::string topic;
  std::vector<PartitionReport> partitions;
  std::vector<RangeReport> ranges;
  std::vector<Finding> findings;  // at most VerifyOptions::max_findings; the counts are exact
  std::uint64_t lost_records = 0;
  std::uint64_t duplicated_records = 0;
  std::uint64_t altered_records = 0;
  std::uint64_t unexpected_records = 0;
  // Problems that are no record's: a manifest that disagrees with its object, a missing or
  // unreadable object.
  std::uint64_t other_differences = 0;

  std::uint64_t differences() const {
    return lost_records + duplicated_records + altered_records + unexpected_records +
           other_differences;
  }
  std::uint64_t compared_records() const;  // of the log
  std::int64_t not_archived_offsets() const;
  std::int64_t lost_offsets() const;           // of ranges that are in neither
  std::uint64_t archive_only_records() const;  // the log no longer holds them
};

Result<VerifyReport> verify_topic(client::Client& client, ObjectStore& store,
                                  const std::string& topic, const VerifyOptions& options);
// The same over any source of the log.
Result<VerifyReport> verify_topic(RecordSource& log, ObjectStore& store, const std::string& topic,
                                  const VerifyOptions& options);

// The report as a table, findings below it, and as its last line
// `VERIFY topic=… partitions=… records=… ranges=… differences=…`.
std::string render(const VerifyReport& report);
// The report as one line of JSON; docs/operations.md has an example.
std::string render_json(const VerifyReport& report);

}  // namespace penstock::archiver
