// What makes two copies of a range differ.
#include "archiver/verify_difference.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

#include "base/random.h"

namespace penstock::archiver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

MATCHER_P2(Is, kind, offset, "") { return arg.kind == kind && arg.offset == Offset(offset); }

HashedRecord at(std::int64_t offset, std::uint64_t content = 0) {
  return {.offset = Offset(offset), .hash = {.low = content, .high = 0}};
}

std::vector<Finding> find(std::vector<HashedRecord> log, std::vector<HashedRecord> archive) {
  return find_differences(PartitionId(0), std::move(log), std::move(archive));
}

TEST(VerifyDifferenceTest, EqualCopiesDifferNowhereWhateverTheirOrder) {
  EXPECT_THAT(find({at(1), at(2), at(5)}, {at(5), at(1), at(2)}), IsEmpty());
  EXPECT_THAT(find({}, {}), IsEmpty());
}

TEST(VerifyDifferenceTest, EachKindIsTold) {
  EXPECT_THAT(find({at(1), at(2)}, {at(2)}), ElementsAre(Is(FindingKind::kLost, 1)));
  EXPECT_THAT(find({at(1)}, {at(1), at(2)}), ElementsAre(Is(FindingKind::kUnexpected, 2)));
  EXPECT_THAT(find({at(1)}, {at(1), at(1)}), ElementsAre(Is(FindingKind::kDuplicated, 1)));
  EXPECT_THAT(find({at(1, 7)}, {at(1, 8)}), ElementsAre(Is(FindingKind::kAltered, 1)));
}

TEST(VerifyDifferenceTest, ADuplicateThatDiffersIsADuplicate) {
  EXPECT_THAT(find({at(1, 7)}, {at(1, 8), at(1, 7)}), ElementsAre(Is(FindingKind::kDuplicated, 1)));
}

TEST(VerifyDifferenceTest, TwoWrongCopiesAreAlteredAndDuplicated) {
  EXPECT_THAT(find({at(1, 7)}, {at(1, 8), at(1, 8)}),
              ElementsAre(Is(FindingKind::kAltered, 1), Is(FindingKind::kDuplicated, 1)));
}

TEST(VerifyDifferenceTest, WhateverIsInjectedIsFoundAndNothingElse) {
  std::size_t injected = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    Rng rng(seed);
    std::vector<HashedRecord> log;
    std::vector<HashedRecord> archive;
    std::map<std::int64_t, FindingKind> expected;
    for (std::int64_t offset = 0; offset < 60; ++offset) {
      if (rng.one_in(10)) {  // a hole
        if (!rng.one_in(4)) continue;
        archive.push_back(at(offset, 1));
        expected[offset] = FindingKind::kUnexpected;
        continue;
      }
      log.push_back(at(offset, 1));
      switch (rng.below(12)) {
        case 0:
          expected[offset] = FindingKind::kLost;
          break;
        case 1:
          archive.push_back(at(offset, 2));
          expected[offset] = FindingKind::kAltered;
          break;
        case 2:
          archive.push_back(at(offset, 1));
          archive.push_back(at(offset, rng.below(2)));
          expected[offset] = FindingKind::kDuplicated;
          break;
        default:
          archive.push_back(at(offset, 1));
      }
    }
    for (std::size_t i = archive.size(); i > 1; --i)
      std::swap(archive[i - 1], archive[rng.below(i)]);
    const auto findings = find(log, archive);
    ASSERT_EQ(findings.size(), expected.size()) << "seed " << seed;
    for (const Finding& finding : findings) {
      EXPECT_EQ(finding.kind, expected.at(finding.offset.value())) << "seed " << seed;
    }
    injected += expected.size();
  }
  EXPECT_GT(injected, 1000U);
}

}  // namespace
}  // namespace penstock::archiver
