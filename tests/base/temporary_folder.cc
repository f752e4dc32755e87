#include "tests/base/temporary_folder.h"

#include <cstdlib>
#include <filesystem>

#include "base/assert.h"

namespace penstock {

TemporaryFolder::TemporaryFolder() {
  path_ = (std::filesystem::temp_directory_path() / "penstock-test-XXXXXX").string();
  PENSTOCK_ASSERT(::mkdtemp(path_.data()) != nullptr, "a temporary folder can be made");
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace penstock
