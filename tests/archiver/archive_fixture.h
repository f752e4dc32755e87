// ArchiveFixture: a folder, a log in memory, and workers that keep the archive of it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "archiver/archive_worker.h"
#include "archiver/duckdb.h"
#include "archiver/manifest.h"
#include "archiver/object_store.h"
#include "base/clock.h"
#include "base/file.h"
#include "protocol/record/record.h"
#include "tests/archiver/memory_log.h"

namespace penstock::archiver {

class ArchiveFixture : public ::testing::Test {
 protected:
  ArchiveFixture();
  ~ArchiveFixture() override;

  WorkerOptions options() const;
  Result<std::unique_ptr<ArchiveWorker>> open_worker(WorkerOptions options,
                                                     StepObserver* observer = nullptr);
  // A worker that archives what the log holds now, and ends.
  WorkerSummary archive_once();
  Manifest manifest(const std::string& topic, std::int32_t partition = 0);
  // Everything that the manifests name, read from the objects: "offset value".
  std::vector<std::string> archived_values(const std::string& topic, std::int32_t partition = 0);
  // Names of the objects that are no manifests.
  std::vector<std::string> objects();

  struct Continuity {
    std::uint64_t objects = 0;
    std::uint64_t gaps = 0;
    std::uint64_t overlaps = 0;
    std::uint64_t hash_mismatch = 0;
    std::uint64_t missing_records = 0;  // of the log, in the range of the archive
  };
  // Compares manifests, objects and log of one partition from scratch.
  Continuity continuity(const std::string& topic, std::int32_t partition = 0);

  std::string folder_;
  MemoryLog log_;
  FakeClock clock_;
  std::unique_ptr<LocalObjectStore> store_;
  std::unique_ptr<engine::Database> database_;
  std::unique_ptr<engine::Connection> sql_;
};

std::string make_folder(const std::string& name);

}  // namespace penstock::archiver
