// From the flags of penstock-worker (worker_flags.h) to what it does.
#pragma once

#include <cstdint>
#include <string>

#include "archiver/archive_worker.h"
#include "base/result.h"
#include "client/config.h"

namespace penstock::archiver {

// Values of the flags as gflags read them.
struct WorkerFlags {
  std::string archive_dir;
  std::string bootstrap;
  std::string topics;
  bool once = false;
  std::uint64_t archive_chunk_mb = 0;
  std::uint64_t archive_chunk_records = 0;
  std::uint64_t archive_interval_s = 0;
  std::uint64_t memory_limit_mb = 0;
  std::uint64_t spool_limit_mb = 0;
  std::string work_dir;
  bool flush_on_shutdown = false;
};

struct WorkerConfig {
  std::string archive_dir;
  client::ClientConfig client;
  client::ConsumerConfig consumer;
  WorkerOptions worker;  // its work_dir is empty when it is to be inside the archive
};

// kInvalidArgument names the flag.
Result<WorkerConfig> config_from(const WorkerFlags& flags);

}  // namespace penstock::archiver
