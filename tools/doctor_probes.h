// What `doctor` measures on this machine; what it means is said in tools/doctor_checks.h.
#pragma once

#include <cstddef>
#include <string>

#include "tools/doctor_checks.h"

namespace penstock::tools {

// The nearest folder above (or at) `path` that exists, absolute and without links.
std::string existing_folder(const std::string& path);

// Appends 4 KiB to a temporary file in `folder` and flushes it, `samples` times but for at most
// about two seconds. Empty when the folder cannot be written.
FlushTimes probe_flush(const std::string& folder, std::size_t samples);
std::optional<FileSystem> probe_file_system(const std::string& folder);
DirState probe_data_dir(const std::string& path);
ClockState probe_clock();

std::string read_text(const std::string& path);  // empty when it cannot be read

}  // namespace penstock::tools
