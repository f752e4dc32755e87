#include "archiver/verify_difference.h"

#include <algorithm>
#include <span>

namespace penstock::archiver {
namespace {

// Takes the records of the lowest offset from the front of a sorted copy.
std::span<const HashedRecord> take(std::span<const HashedRecord>& rest, Offset offset) {
  std::size_t count = 0;
  while (count < rest.size() && rest[count].offset == offset) ++count;
  const auto taken = rest.first(count);
  rest = rest.subspan(count);
  return taken;
}

}  // namespace

std::vector<Finding> find_differences(PartitionId partition, std::vector<HashedRecord> log,
                                      std::vector<HashedRecord> archive) {
  std::ranges::sort(log, {}, &HashedRecord::offset);
  std::ranges::sort(archive, {}, &HashedRecord::offset);
  std::vector<Finding> findings;
  std::span<const HashedRecord> in_log = log;
  std::span<const HashedRecord> in_archive = archive;
  while (!in_log.empty() || !in_archive.empty()) {
    const Offset offset = in_log.empty() ? in_archive.front().offset
                          : in_archive.empty()
                              ? in_log.front().offset
                              : std::min(in_log.front().offset, in_archive.front().offset);
    const auto wanted = take(in_log, offset);
    const auto found = take(in_archive, offset);
    const auto report = [&](FindingKind kind, std::size_t times) {
      findings.insert(findings.end(), times, Finding{kind, partition, offset});
    };
    if (wanted.empty()) {
      report(FindingKind::kUnexpected, found.size());
    } else if (found.empty()) {
      report(FindingKind::kLost, 1);
    } else {
      const bool one_is_right =
          std::ranges::find(found, wanted.front().hash, &HashedRecord::hash) != found.end();
      report(FindingKind::kAltered, one_is_right ? 0 : 1);
      report(FindingKind::kDuplicated, found.size() - 1);
    }
  }
  return findings;
}

}  // namespace penstock::archiver
