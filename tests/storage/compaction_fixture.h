// CompactionTest: a log of keyed records, one batch a segment, for stories about its compaction.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/storage/expect.h"
#include "tests/storage/keyed_scene.h"

namespace penstock::storage {

// One batch a segment; all of it flushed, and the side files written.
class CompactionTest : public testing::Test {
 protected:
  void SetUp() override {
    scene.options.segment_bytes = 100;
    ASSERT_OK(scene.open());
  }
  void add(const std::vector<KeyedRecord>& records, Term epoch = Term(1)) {
    ASSERT_OK(scene.append(keyed_batch(Offset(0), Term(0), records), epoch));
  }
  void settle() {
    ASSERT_OK(scene.log->seal());
    ASSERT_OK(scene.flush());
    ASSERT_OK(scene.checkpoint());
  }
  // Bytes of a value that fills a segment of one batch.
  static std::string large() { return std::string(60, 'x'); }
  void reopen() {
    ASSERT_OK(scene.close());
    ASSERT_OK(scene.open());
    ASSERT_TRUE(scene.report.damage.empty()) << scene.report.damage.front().reason;
    EXPECT_TRUE(scene.report.notes.empty()) << scene.report.notes.front();
  }
  bool has_files_beside() const {
    return std::ranges::any_of(
        scene.files(), [](const std::string& path) { return path.ends_with(".compacted"); });
  }

  KeyedScene scene;
};

}  // namespace penstock::storage
